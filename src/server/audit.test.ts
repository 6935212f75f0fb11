/** Audit through the whole core: what is recorded of every path, and what happens when nothing can be recorded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AuditDeviceType } from '../audit/device.ts';
import type { JsonObject } from '../base/json.ts';
import type { CallOperation } from '../core/call.ts';
import { openInstance } from './instance-fixture.ts';

const CANARY = 'cAnArY-5e1f0c';

interface Recorder {
  readonly type: AuditDeviceType;
  /** Whole lines. */
  readonly lines: string[];
  /** Decides about each append, by its text. */
  refuses: (text: string) => boolean;
}

function recorder(): Recorder {
  const made: Recorder = {
    lines: [],
    refuses: () => false,
    type: {
      type: 'recorder',
      summary: '',
      options: {},
      open: () =>
        Promise.resolve({
          append(bytes: Buffer) {
            const text = bytes.toString();
            if (made.refuses(text)) return Promise.reject(new Error('no space'));
            made.lines.push(...text.split('\n').filter((line) => line !== ''));
            return Promise.resolve();
          },
          reopen: () => Promise.resolve(),
          close: () => Promise.resolve(),
        }),
    },
  };
  return made;
}

interface Record_ {
  readonly type: string;
  readonly request?: { readonly id: string; readonly path: string };
}

function recordsOf(device: Recorder): Record_[] {
  return device.lines
    .map((line) => JSON.parse(line) as Record_)
    .filter(({ type }) => type === 'request' || type === 'response');
}

/** Names, which records show in clear as Vault's do: policies, who somebody is, what a token says of itself, paths. */
const NAMES = new Set([
  'policies',
  'token_policies',
  'identity_policies',
  'display_name',
  'meta',
  'metadata',
  'path',
  'paths',
]);
/** Ends what the test needs, or measures for as long as the clock of the test stands still. */
const NOT_CALLED = new Set([
  '/sys/seal',
  '/auth/token/revoke-self',
  '/sys/step-down',
  '/sys/pprof/allocs',
  '/sys/pprof/heap',
  '/sys/pprof/profile',
  '/sys/pprof/trace',
]);

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { properties?: Readonly<Record<string, unknown>> }>>;
  };
}

const OPERATIONS: ReadonlyMap<string, CallOperation> = new Map([
  ['post', 'write'],
  ['put', 'write'],
  ['patch', 'patch'],
  ['get', 'read'],
  ['delete', 'delete'],
]);

test('SEC-50: a secret in each parameter of each path never stands in a record', async () => {
  const device = recorder();
  const opened = await openInstance({ audit: [device.type] });
  const { reply } = await opened.ask('read', 'sys/internal/specs/openapi');
  const api = JSON.parse(JSON.stringify(reply?.data)) as OpenApi;
  const names = new Set(
    Object.values(api.components.schemas).flatMap(({ properties }) =>
      Object.keys(properties ?? {}),
    ),
  );
  const shapes: readonly JsonObject[string][] = [
    CANARY,
    [CANARY],
    { inner: CANARY, list: [{ value: `x${CANARY}` }] },
  ];
  let calls = 0;
  for (const [template, operations] of Object.entries(api.paths)) {
    if (NOT_CALLED.has(template)) continue;
    const path = template.slice(1).replaceAll(/\{\w+\}/g, 'name');
    for (const method of Object.keys(operations)) {
      const operation = OPERATIONS.get(method);
      if (operation === undefined) continue;
      for (const shape of shapes) {
        const data: JsonObject = { data: shape };
        for (const name of names) if (!NAMES.has(name)) data[name] = shape;
        await opened.ask(operation, path, { data });
        calls++;
      }
    }
  }
  assert.ok(calls > 100, `${calls} calls`);
  assert.ok(recordsOf(device).length > calls);
  const leaks = device.lines
    .filter((line) => line.includes(CANARY))
    .map((line) => {
      const { type, request } = JSON.parse(line) as Record_;
      const at = line.indexOf(CANARY);
      return `${type} ${request?.path}: ${line.slice(Math.max(0, at - 60), at + 30)}`;
    });
  assert.deepEqual(leaks, []);
  await opened.instance.close();
});

test('SEC-53: what has the wrong type is not repeated', async () => {
  const device = recorder();
  const opened = await openInstance({ audit: [device.type] });
  for (const data of [{ data: CANARY }, { data: [CANARY] }, { data: {}, options: CANARY }]) {
    const { error } = await opened.ask('write', 'secret/data/x', { data });
    assert.equal(error?.code, 'invalid_request');
    assert.equal(error.message.includes(CANARY), false);
  }
  assert.equal(device.lines.join('').includes(CANARY), false);
  await opened.instance.close();
});

test('every request leaves two records, whether it is allowed, refused or makes no sense', async () => {
  const device = recorder();
  const opened = await openInstance({ audit: [device.type] });
  device.lines.length = 0;
  await opened.ask('write', 'secret/data/x', { data: { data: { a: 'b' } } });
  await opened.ask('read', 'secret/data/x');
  await opened.ask('read', 'secret/data/x', { token: 'bad' });
  await opened.ask('read', 'secret/data/x', { token: null });
  await opened.ask('read', 'nowhere/x');
  await opened.ask('list', 'secret/metadata/');
  const types = new Map<string, string[]>();
  for (const { type, request } of recordsOf(device)) {
    const id = request?.id ?? '';
    types.set(id, [...(types.get(id) ?? []), type]);
  }
  assert.deepEqual(
    [...types.values()],
    Array.from({ length: 6 }, () => ['request', 'response']),
  );
  await opened.instance.close();
});

test('a request that cannot be recorded has no effect, and the health still answers', async () => {
  const device = recorder();
  const opened = await openInstance({ audit: [device.type] });
  device.refuses = () => true;
  const data = { data: { a: 'b' } };
  assert.equal(await opened.outcome('write', 'secret/data/x', { data }), 'audit_failed');
  assert.equal(await opened.outcome('read', 'secret/data/x'), 'audit_failed');
  const health = await opened.ask('read', 'sys/health', { token: null });
  assert.equal(health.error, undefined);
  assert.equal(health.reply?.data?.['degraded'], 'audit');
  assert.equal(health.reply?.status, 200);
  // Who balances between servers may ask for a code that takes this one out.
  const out = await opened.ask('read', 'sys/health', { data: { auditcode: '503' } });
  assert.equal(out.reply?.status, 503);
  device.refuses = () => false;
  assert.equal(await opened.outcome('read', 'secret/data/x'), 'not_found');
  assert.equal((await opened.ask('read', 'sys/health')).reply?.data?.['degraded'], undefined);
  await opened.instance.close();
});

test('SEC-61: a reply that cannot be recorded is not released, and is recorded later', async () => {
  const device = recorder();
  const opened = await openInstance({ audit: [device.type] });
  device.refuses = (text) => text.includes('"type":"response"');
  const refused = await opened.ask('write', 'auth/token/create', { data: { ttl: '1h' } });
  assert.equal(refused.error?.code, 'audit_failed');
  assert.equal(refused.auth, undefined);
  assert.equal(refused.reply, undefined);
  device.refuses = () => false;
  device.lines.length = 0;
  assert.equal(await opened.outcome('read', 'secret/data/x'), 'not_found');
  const [first] = recordsOf(device);
  assert.equal(first?.type, 'response');
  assert.equal(first.request?.path, 'auth/token/create');
  await opened.instance.close();
});
