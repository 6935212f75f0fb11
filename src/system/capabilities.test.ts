/** `sys/capabilities…`. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { openBench } from '../core/backend-bench.contract.ts';
import type { Bench } from '../core/backend-bench.contract.ts';
import { buildAcl } from '../policy/acl.ts';
import type { Acl } from '../policy/acl.ts';
import { ROOT_POLICY } from '../policy/builtin.ts';
import { parsePolicy } from '../policy/parse.ts';
import { capabilityPaths } from './capabilities.ts';

function aclOf(text: string): Acl {
  const policy = text === 'root' ? ROOT_POLICY : parsePolicy(text, 'p');
  return buildAcl([{ policy, namespaceId: 'root', namespacePath: '' }], { nowMs: 0 });
}

const MIX = aclOf(`path "secret/data/*" { capabilities = ["read", "list"] }
  path "secret/data/own" { capabilities = ["create", "update", "sudo"] }
  path "ns1/kv/*" { capabilities = ["delete"] }`);

async function open(): Promise<Bench> {
  const known = new Map([
    ['mix', MIX],
    ['root', aclOf('root')],
  ]);
  return openBench({
    type: 'system',
    kind: 'system',
    scope: 'unit',
    summary: 'capabilities',
    paths: capabilityPaths({
      callerAcl: async (request) => known.get(request.headers['who'] ?? 'mix'),
      tokenAcl: async (token) => known.get(token),
      accessorAcl: async (accessor) => known.get(accessor),
    }),
  });
}

suite('capabilities', () => {
  test('of a token, of an accessor, of the caller', async () => {
    const bench = await open();
    const paths = ['secret/data/own', '/secret/data/x', 'zzz', '__proto__'];
    for (const [path, data] of [
      ['capabilities', { token: 'mix', paths }],
      ['capabilities-accessor', { accessor: 'mix', paths }],
      ['capabilities-self', { path: paths.join(',') }],
    ] as const) {
      const reply = await bench.call('write', path, { ...data });
      assert.equal(reply?.injectTopLevel, true);
      assert.deepEqual(Object.entries(reply.data ?? {}), [
        ['secret/data/own', ['create', 'sudo', 'update']],
        ['/secret/data/x', ['list', 'read']],
        ['zzz', ['deny']],
        ['__proto__', ['deny']],
      ]);
    }
  });

  test('a single path also answers under `capabilities`', async () => {
    const bench = await open();
    const reply = await bench.call('write', 'capabilities', { token: 'root', paths: 'x' });
    assert.deepEqual({ ...reply?.data }, { x: ['root'], capabilities: ['root'] });
  });

  test('paths are below the namespace of the request', async () => {
    const bench = await open();
    const namespace = { id: 'n', path: 'ns1/' };
    const reply = await bench.call('write', 'capabilities-self', { path: 'kv/a' }, { namespace });
    assert.deepEqual(reply?.data?.['capabilities'], ['delete']);
  });

  const refused: readonly (readonly [string, Record<string, string | string[]>, RegExp])[] = [
    ['capabilities', { paths: ['x'] }, /no token found/],
    ['capabilities', { token: 'mix' }, /paths must be supplied/],
    ['capabilities', { token: 'mix', paths: [''] }, /missing path|paths must be supplied/],
    ['capabilities', { token: 'bogus', paths: ['x'] }, /invalid token/],
    ['capabilities-accessor', { paths: ['x'] }, /missing accessor/],
    ['capabilities-accessor', { accessor: 'bogus', paths: ['x'] }, /invalid accessor/],
    ['capabilities-self', {}, /paths must be supplied/],
    ['capabilities-self', { paths: [] }, /paths must be supplied/],
  ];
  for (const [path, data, message] of refused) {
    test(`${path} ${JSON.stringify(data)}`, async () => {
      const error = await (await open()).fail('write', path, data);
      assert.equal(error.code, 'invalid_request');
      assert.match(error.message, message);
    });
  }
});
