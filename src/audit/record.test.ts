/** What stands in records: everything hashed but what the schema lists, in Vault's shape. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { RequestError, invalidRequest } from '../model/errors.ts';
import { CANARY, keys, requestOf, specOf, worldOf } from './fixture.ts';
import { fileDevice } from './file/file.ts';
import type { ReplyEntry } from './record.ts';

interface Line {
  readonly type: string;
  readonly auth?: Record<string, unknown>;
  readonly request?: Record<string, unknown>;
  readonly response?: Record<string, unknown>;
  readonly error?: string;
}

function records(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
    .filter(
      ({ type, request }) =>
        type !== 'header' && type !== 'checkpoint' && request?.['path'] !== 'sys/audit/test',
    );
}

test('SEC-50: a secret anywhere in a request or reply never appears', async (t) => {
  const world = await worldOf(t, [fileDevice]);
  const { broker } = world;
  broker.unsealed(keys);
  broker.useHeaders(new Map([['x-trace', { hmac: true }]]));
  await broker.enable(specOf({ options: { file_path: world.file() } }));
  const data = {
    text: CANARY,
    nested: { list: [CANARY, { deep: `x${CANARY}x` }], map: new Map([['k', CANARY]]) },
    bytes: Buffer.from(CANARY),
    array: new Uint8Array(Buffer.from(CANARY)),
    base64: Buffer.from(CANARY).toString('base64'),
    [`${CANARY}${'k'.repeat(600)}`]: 1,
    strange: new (class Secretive {
      value = CANARY;
      toJSON(): string {
        return CANARY;
      }
    })(),
    act: () => CANARY,
    symbol: Symbol(CANARY),
    many: Array.from({ length: 5000 }, (_, index) => `${CANARY}${index}`),
  };
  const request = requestOf({ data, headers: { 'x-trace': CANARY, 'x-other': CANARY } });
  const deep: { value: Record<string, unknown> } = { value: {} };
  for (let level = 0; level < 200; level++) deep.value = { secret: CANARY, next: deep.value };
  const replies: Omit<ReplyEntry, 'request'>[] = [
    { reply: { data } },
    { reply: { data: deep } },
    { reply: { raw: { contentType: 'text/plain', body: CANARY } } },
    { reply: { raw: { contentType: 'application/octet-stream', body: Buffer.from(CANARY) } } },
    { reply: { unwrapped: JSON.stringify({ data: { value: CANARY } }) } },
    { reply: { warnings: [`the value ${CANARY} is odd`] } },
    { error: invalidRequest(`cannot use ${CANARY} here`, { detail: CANARY, data: { a: CANARY } }) },
    { error: new Error(`boom ${CANARY}`) },
    { error: new RequestError('internal', 'failed', { cause: new Error(CANARY) }) },
    {
      auth: {
        clientToken: `${CANARY}-new`,
        accessor: `${CANARY}-new-accessor`,
        policies: ['default'],
        tokenPolicies: ['default'],
        identityPolicies: [],
        metadata: null,
        leaseDurationSeconds: 60,
        entityId: '',
        tokenType: 'service',
        numUses: 0,
      },
    },
    {
      wrap: {
        token: CANARY,
        accessor: CANARY,
        ttlSeconds: 60,
        creationTime: '2026-01-01T00:00:00Z',
        creationPath: 'secret/data/app',
        wrappedAccessor: CANARY,
      },
    },
  ];
  await broker.request(request);
  await broker.request(requestOf({ data, error: invalidRequest(`no ${CANARY}`) }));
  await broker.request(requestOf({ principal: undefined, token: CANARY }));
  for (const reply of replies) await broker.reply({ request, ...reply });
  const text = await world.text();
  assert.equal(records(text).length, 3 + replies.length);
  assert.equal(text.includes(CANARY), false);
  assert.equal(text.includes(Buffer.from(CANARY).toString('base64')), false);
  assert.equal(text.includes(Buffer.from(CANARY).toString('hex')), false);
});

test('records have the shape of Vault, with every scalar hashed but what the mount exempts', async (t) => {
  const world = await worldOf(t, [fileDevice]);
  const { broker } = world;
  broker.unsealed(keys);
  broker.useHeaders(new Map([['x-clear', { hmac: false }]]));
  await broker.enable(specOf({ options: { file_path: world.file() } }));
  const h = (value: string): string => broker.hash('file/', value);
  const request = requestOf({
    data: {
      data: { pw: 's3cret', n: 5, big: 123456789, yes: true, none: null },
      cas: 0,
      note: 'clear',
    },
    mount: {
      path: 'secret/',
      type: 'kv',
      accessor: 'kv_12345678',
      clearRequestKeys: ['note'],
      clearResponseKeys: ['version', 'tags'],
    },
    headers: { 'x-clear': 'trace', 'x-other': 'no' },
    wrapTtlSeconds: 60,
  });
  await broker.request(request);
  await broker.reply({
    request,
    reply: { data: { version: 1, tags: ['a', { b: 'c' }], key: 'v' }, warnings: ['careful'] },
    lease: { id: 'database/creds/x/1' },
  });
  const expectedAuth = {
    client_token: h(`${CANARY}-token`),
    accessor: h(`${CANARY}-accessor`),
    display_name: 'approle',
    policies: ['app', 'default'],
    token_policies: ['app', 'default'],
    policy_results: {
      allowed: true,
      granting_policies: [{ name: 'app', namespace_id: 'root', type: 'acl' }],
    },
    metadata: { role_name: 'app' },
    entity_id: 'entity',
    token_type: 'service',
    token_ttl: 3600,
  };
  const expectedRequest = {
    id: request.id,
    protocol: 'vault',
    operation: 'update',
    mount_point: 'secret/',
    mount_type: 'kv',
    mount_accessor: 'kv_12345678',
    mount_class: 'secret',
    client_token: h(`${CANARY}-token`),
    client_token_accessor: h(`${CANARY}-accessor`),
    namespace: { id: 'root' },
    path: 'secret/data/app',
    data: {
      data: { pw: h('s3cret'), n: h('5'), big: h('123456789'), yes: h('true'), none: null },
      cas: h('0'),
      note: 'clear',
    },
    remote_address: '127.0.0.1',
    remote_port: 4711,
    wrap_ttl: 60,
    headers: { 'x-clear': ['trace'] },
  };
  const expectedResponse = {
    mount_point: 'secret/',
    mount_type: 'kv',
    mount_accessor: 'kv_12345678',
    mount_class: 'secret',
    secret: { lease_id: 'database/creds/x/1' },
    data: { version: 1, tags: ['a', { b: h('c') }], key: h('v') },
    warnings: ['careful'],
  };
  const [first, second] = records(await world.text());
  assert.deepEqual(first?.auth, expectedAuth);
  assert.deepEqual(first?.request, expectedRequest);
  assert.equal(first?.type, 'request');
  assert.deepEqual(second?.request, expectedRequest);
  assert.deepEqual(second?.auth, expectedAuth);
  assert.deepEqual(second?.response, expectedResponse);
});

test('the hash is HMAC-SHA-256 under the device key, and another salt gives another', async (t) => {
  const { broker, file } = await worldOf(t, [fileDevice]);
  broker.unsealed(keys);
  await broker.enable(specOf({ options: { file_path: file() } }));
  const expected = createHmac('sha256', keys.deviceKey('salt')).update('S3CRET').digest('hex');
  assert.equal(broker.hash('file/', 'S3CRET'), `hmac-sha256:${expected}`);
  await broker.disable('file/');
  await broker.enable(specOf({ options: { file_path: file() }, salt: 'other' }));
  assert.notEqual(broker.hash('file/', 'S3CRET'), `hmac-sha256:${expected}`);
  assert.throws(() => broker.hash('none/', 'x'), { code: 'invalid_request' });
});

test('SEC-52: one device in clear does not make another so; accessors in clear only where asked', async (t) => {
  const world = await worldOf(t, [fileDevice]);
  const { broker, file } = world;
  broker.unsealed(keys);
  await broker.enable(
    specOf({ path: 'raw/', options: { file_path: file('raw'), log_raw: 'true' } }),
  );
  await broker.enable(specOf({ path: 'b/', options: { file_path: file('b') } }));
  await broker.enable(
    specOf({ path: 'c/', options: { file_path: file('c'), hmac_accessor: 'false' } }),
  );
  const request = requestOf({ data: { value: CANARY } });
  await broker.request(request);
  await broker.reply({ request, reply: { data: { value: CANARY } } });
  await broker.close();
  const [raw = '', b = '', c = ''] = await Promise.all(
    ['raw', 'b', 'c'].map((name) => readFile(file(name), 'utf8')),
  );
  assert.equal(raw.split(`"${CANARY}"`).length, 4);
  assert.equal(b.includes(CANARY), false);
  assert.equal(c.includes(`"accessor":"${CANARY}-accessor"`), true);
  assert.equal(c.replaceAll(`${CANARY}-accessor`, '').includes(CANARY), false);
});

test('replies to lists can carry numbers in place of keys', async (t) => {
  const world = await worldOf(t, [fileDevice]);
  await world.broker.enable(
    specOf({ options: { file_path: world.file(), elide_list_responses: 'true' } }),
  );
  const request = requestOf({ operation: 'list' });
  const data = { keys: ['a', 'b'], key_info: { a: {}, b: {} }, other: ['x'] };
  await world.broker.reply({ request, reply: { data } });
  await world.broker.reply({ request: requestOf(), reply: { data: { keys: ['a'] } } });
  const [listed, read] = records(await world.text());
  assert.match(
    JSON.stringify(listed?.response?.['data']),
    /^{"keys":2,"key_info":2,"other":\["hmac/,
  );
  assert.match(JSON.stringify(read?.response?.['data']), /^{"keys":\["hmac/);
});

test('batch tokens, which have no storage id, are told apart by their hashes', async (t) => {
  const world = await worldOf(t, [fileDevice]);
  world.broker.unsealed(keys);
  await world.broker.enable(specOf({ options: { file_path: world.file() } }));
  const { principal } = requestOf();
  assert.ok(principal !== undefined);
  for (const token of ['b.one', 'b.two']) {
    const batch = { ...principal, tokenId: '', accessor: '' };
    await world.broker.request(requestOf({ token, principal: batch }));
  }
  const hashes = ['b.one', 'b.two'].map((token) => world.broker.hash('file/', token));
  const found = records(await world.text());
  assert.deepEqual(
    found.map(({ auth }) => auth?.['client_token']),
    hashes,
  );
  assert.deepEqual(
    found.map(({ request }) => request?.['client_token']),
    hashes,
  );
});

test('a token that was first used without its text is recorded with its hash from then on', async (t) => {
  const world = await worldOf(t, [fileDevice]);
  world.broker.unsealed(keys);
  await world.broker.enable(specOf({ options: { file_path: world.file() } }));
  await world.broker.request(requestOf({ token: undefined }));
  await world.broker.request(requestOf({ token: undefined }));
  await world.broker.request(requestOf());
  const hash = world.broker.hash('file/', `${CANARY}-token`);
  const accessor = world.broker.hash('file/', `${CANARY}-accessor`);
  const found = records(await world.text());
  assert.deepEqual(
    found.map(({ auth }) => auth?.['client_token']),
    [undefined, undefined, hash],
  );
  assert.deepEqual(
    found.map(({ auth }) => auth?.['accessor']),
    [accessor, accessor, accessor],
  );
});
