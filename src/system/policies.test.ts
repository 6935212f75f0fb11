/** `sys/policies/acl` and its relatives on a real barrier. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JsonObject } from '../base/json.ts';
import type { BarrierUnit } from '../barrier/barrier-unit.ts';
import { openBench } from '../core/backend-bench.contract.ts';
import type { Bench } from '../core/backend-bench.contract.ts';
import { RequestError } from '../model/errors.ts';
import type { Unit } from '../model/transaction.ts';
import { buildAcl } from '../policy/acl.ts';
import { PolicyStore } from '../policy/policy-store.ts';
import { policyPaths } from './policies.ts';

const READ_X = 'path "x" { capabilities = ["read"] }';
const NS1 = { namespace: { id: 'ns1abc', path: 'ns1/' } };

interface Fixture {
  readonly bench: Bench;
  readonly policies: PolicyStore;
  /** Namespaces whose policies changed. */
  readonly changed: string[];
}

async function open(): Promise<Fixture> {
  const changed: string[] = [];
  const policies = new PolicyStore({ changed: (_unit, id) => changed.push(id) });
  const bench = await openBench({
    type: 'system',
    kind: 'system',
    scope: 'unit',
    summary: 'policies',
    paths: [
      ...policyPaths({ policies }),
      {
        pattern: 'setup',
        fields: {},
        help: { synopsis: 'Runs the store in a unit.' },
        operations: {
          read: {
            summary: 'x',
            handler: async (request: { nowMs: number }, unit: Unit) => {
              (unit as BarrierUnit).createNamespaceKey(NS1.namespace.id);
              await policies.initialize(unit, 'root', request.nowMs);
              return undefined;
            },
          },
          scan: {
            summary: 'x',
            handler: async (request: { nowMs: number; data: JsonObject }, unit: Unit) => {
              const names = request.data['names'] as string[];
              const root = { id: 'root', path: '' };
              const inputs = await policies.aclInputs(unit, root, names, request.nowMs);
              return {
                data: {
                  missing: await policies.missing(unit, 'root', names, request.nowMs),
                  inputs,
                },
              };
            },
          },
        },
      },
    ],
  });
  await bench.call('read', 'setup');
  return { bench, policies, changed };
}

async function dataOf(bench: Bench, ...args: Parameters<Bench['call']>): Promise<JsonObject> {
  const reply = await bench.call(...args);
  return JSON.parse(JSON.stringify(reply?.data)) as JsonObject;
}

async function keysOf(bench: Bench, path: string): Promise<unknown> {
  return (await dataOf(bench, 'list', path))['keys'];
}

suite('ACL policies', () => {
  test('write, read, list, delete', async () => {
    const { bench, changed } = await open();
    assert.deepEqual(await keysOf(bench, 'policies/acl/'), ['default', 'root']);
    assert.equal(await bench.call('write', 'policies/acl/p1', { policy: READ_X }), undefined);
    assert.deepEqual(await dataOf(bench, 'read', 'policies/acl/p1'), {
      name: 'p1',
      policy: READ_X,
      version: 1,
      cas_required: false,
      modified: '2027-01-15T08:00:00.000000000Z',
    });
    assert.deepEqual(await keysOf(bench, 'policies/acl/'), ['default', 'p1', 'root']);
    assert.equal(await bench.call('delete', 'policies/acl/p1'), undefined);
    assert.equal(await bench.call('delete', 'policies/acl/p1'), undefined);
    assert.equal((await bench.fail('read', 'policies/acl/p1')).code, 'not_found');
    assert.deepEqual(changed, ['root', 'root', 'root']);
  });

  test('the older form says rules and injects', async () => {
    const { bench } = await open();
    const reply = await bench.call('write', 'policy/p', { rules: READ_X });
    assert.deepEqual(reply?.warnings, ["'rules' is deprecated, please use 'policy' instead"]);
    const read = await bench.call('read', 'policy/p');
    assert.equal(read?.injectTopLevel, true);
    assert.equal(read?.data?.['rules'], READ_X);
    assert.equal(read?.data?.['policy'], undefined);
    for (const operation of ['read', 'list'] as const) {
      assert.deepEqual(await dataOf(bench, operation, 'policy'), {
        keys: ['default', 'p', 'root'],
        policies: ['default', 'p', 'root'],
      });
    }
  });

  test('names fold to lower case, with a warning', async () => {
    const { bench } = await open();
    const reply = await bench.call('write', 'policies/acl/UPPER', { policy: READ_X });
    assert.deepEqual(reply?.warnings, ['policy name was converted to upper']);
    assert.equal((await dataOf(bench, 'read', 'policies/acl/uPPer'))['name'], 'upper');
  });

  test('names may have folders', async () => {
    const { bench } = await open();
    await bench.call('write', 'policies/acl/team/a', { policy: READ_X });
    await bench.call('write', 'policies/acl/team/b/c', { policy: READ_X });
    assert.deepEqual(await keysOf(bench, 'policies/acl/'), [
      'default',
      'team/a',
      'team/b/c',
      'root',
    ]);
    assert.deepEqual(await keysOf(bench, 'policies/acl/team/'), ['team/a', 'team/b/c']);
    assert.equal((await bench.fail('list', 'policies/acl/none/')).code, 'not_found');
    assert.deepEqual(await dataOf(bench, 'list', 'policy/none/'), { policies: null });
    const detailed = await dataOf(bench, 'list', 'policies/detailed/acl/team/');
    assert.deepEqual(Object.keys(detailed['key_info'] as object), ['team/a', 'team/b/c']);
  });

  test('impossible names are refused (CVE-2026-115365, CVE-2025-5999)', async () => {
    const { bench } = await open();
    for (const name of [
      '../root-admin',
      '..',
      'a/../b',
      'a//b',
      'a/',
      '/a',
      'a\\b',
      'a\u0000b',
      'a\nb',
      ' a',
      'a ',
      'ＲＯＯＴ',
      'ro\u200bot',
      'x'.repeat(513),
    ]) {
      const error = await bench.fail('write', `policies/acl/${name}`, { policy: READ_X });
      assert.equal(error.code, 'invalid_request', JSON.stringify(name));
    }
    assert.deepEqual(await keysOf(bench, 'policies/acl/'), ['default', 'root']);
  });

  test('texts that are refused', async () => {
    const { bench } = await open();
    const cases: readonly (readonly [JsonObject, RegExp])[] = [
      [{}, /'policy' parameter not supplied or empty/],
      [{ policy: '' }, /'policy' parameter not supplied or empty/],
      [{ policy: 5 }, /failed to parse policy: At 1:1: expected: IDENT/],
      [{ policy: 'path "x" {' }, /failed to parse policy/],
      [{ policy: 'ignored' }, /key 'ignored' expected start of object/],
      [{ policy: READ_X, ttl: '1h', expiration: '2030-01-01T00:00:00Z' }, /cannot supply both/],
      [{ policy: READ_X, ttl: 0 }, /already elapsed/],
      [{ policy: READ_X, expiration: '2020-01-01T00:00:00Z' }, /already elapsed/],
    ];
    for (const [data, message] of cases) {
      const error = await bench.fail('write', 'policies/acl/bad', data);
      assert.equal(error.code, 'invalid_request');
      assert.match(error.message, message);
    }
  });

  test('base64 and an empty policy are accepted', async () => {
    const { bench } = await open();
    await bench.call('write', 'policies/acl/b', { policy: Buffer.from(READ_X).toString('base64') });
    assert.equal((await dataOf(bench, 'read', 'policies/acl/b'))['policy'], READ_X);
    assert.equal(await bench.call('write', 'policies/acl/e', { policy: ' ' }), undefined);
  });

  test('fixed policies', async () => {
    const { bench } = await open();
    assert.deepEqual(await dataOf(bench, 'read', 'policies/acl/root'), {
      name: 'root',
      policy: '',
      version: 0,
      cas_required: false,
    });
    const cases: readonly (readonly ['write' | 'delete', string, string])[] = [
      ['write', 'root', 'cannot update "root" policy'],
      ['write', 'Root', 'cannot update "root" policy'],
      ['write', 'response-wrapping', 'cannot update "response-wrapping" policy'],
      ['delete', 'root', 'cannot delete "root" policy'],
      ['delete', 'response-wrapping', 'cannot delete "response-wrapping" policy'],
      ['delete', 'default', 'cannot delete default policy'],
    ];
    for (const [operation, name, message] of cases) {
      const error = await bench.fail(operation, `policies/acl/${name}`, { policy: READ_X });
      assert.equal(error.message, message);
    }
    await bench.call('write', 'policies/acl/default', { policy: READ_X });
    assert.equal((await dataOf(bench, 'read', 'policies/acl/default'))['version'], 2);
    assert.equal((await bench.fail('read', 'policies/acl/root', {}, NS1)).code, 'not_found');
  });

  test('check-and-set', async () => {
    const { bench } = await open();
    const write = async (data: JsonObject): Promise<string> => {
      try {
        await bench.call('write', 'policies/acl/c', { policy: READ_X, ...data });
        return 'ok';
      } catch (error) {
        assert.ok(error instanceof RequestError);
        return error.message;
      }
    };
    const mismatch = 'check-and-set parameter did not match the current version';
    const required = 'check-and-set parameter required for this call';
    assert.equal(await write({ cas_required: true }), required);
    assert.equal(await write({ cas: 1 }), mismatch);
    assert.equal(await write({ cas: -1 }), 'ok');
    assert.equal(await write({ cas: -1 }), 'check-and-set parameter set to -1 on existing entry');
    assert.equal(await write({ cas: 0 }), mismatch);
    assert.equal(await write({ cas: 1, cas_required: true }), 'ok');
    assert.equal(await write({}), required);
    assert.equal(await write({ cas: 2 }), 'ok');
    assert.equal(await write({}), 'ok');
  });

  test('a policy ends at its expiry', async () => {
    const { bench } = await open();
    await bench.call('write', 'policies/acl/t', { policy: READ_X, ttl: '1h' });
    const read = await dataOf(bench, 'read', 'policies/acl/t');
    assert.equal(read['expiration'], '2027-01-15T09:00:00.000000000Z');
    bench.nowMs += 3_600_001;
    assert.equal((await bench.fail('read', 'policies/acl/t')).code, 'not_found');
    assert.deepEqual(await keysOf(bench, 'policies/acl/'), ['default', 'root']);
    const { data } = (await bench.call('scan', 'setup', { names: ['t', 'default'] })) ?? {};
    assert.deepEqual(data?.['missing'], ['t']);
  });

  test('patch keeps what is not sent', async () => {
    const { bench } = await open();
    assert.equal((await bench.fail('patch', 'policies/acl/p', { ttl: 5 })).code, 'not_found');
    await bench.call('write', 'policies/acl/p', {
      policy: READ_X,
      ttl: '1h',
      allow_slashes_in_identity_templates: true,
    });
    await bench.call('patch', 'policies/acl/p', { cas_required: true });
    const { modified: _modified, ...read } = await dataOf(bench, 'read', 'policies/acl/p');
    assert.deepEqual(read, {
      name: 'p',
      policy: READ_X,
      version: 2,
      cas_required: true,
      expiration: '2027-01-15T09:00:00.000000000Z',
      allow_slashes_in_identity_templates: true,
    });
    assert.match(
      (await bench.fail('patch', 'policies/acl/p', { cas: 1 })).message,
      /did not match/,
    );
  });

  test('namespaces do not see each other', async () => {
    const { bench } = await open();
    await bench.call('write', 'policies/acl/p', { policy: READ_X }, NS1);
    assert.equal((await bench.fail('read', 'policies/acl/p')).code, 'not_found');
    assert.deepEqual(await dataOf(bench, 'list', 'policies/acl/', {}, NS1), { keys: ['p'] });
  });

  test('the store gives the inputs of an ACL; unknown names grant nothing', async () => {
    const { bench } = await open();
    await bench.call('write', 'policies/acl/a', { policy: READ_X });
    const reply = await bench.call('scan', 'setup', { names: ['A ', 'none', 'response-wrapping'] });
    assert.deepEqual(reply?.data?.['missing'], ['none']);
    const inputs = reply.data?.['inputs'] as Parameters<typeof buildAcl>[0];
    assert.deepEqual(
      inputs.map((input) => input.policy.name),
      ['a', 'response-wrapping'],
    );
    const acl = buildAcl(inputs, { nowMs: 0 });
    assert.deepEqual(acl.capabilities('x', 0), ['read']);
    assert.deepEqual(acl.capabilities('sys/wrapping/unwrap', 0), ['update']);
    const again = await bench.call('scan', 'setup', { names: ['a'] });
    const parsedAgain = again?.data?.['inputs'] as typeof inputs | undefined;
    assert.equal(parsedAgain?.[0]?.policy, inputs[0]?.policy, 'one parse per revision');
  });

  test('reading the folder itself is no operation', async () => {
    const { bench } = await open();
    assert.equal((await bench.fail('read', 'policies/acl')).code, 'unsupported_operation');
    assert.equal((await bench.fail('read', 'policies/acl/')).code, 'unsupported_operation');
  });
});
