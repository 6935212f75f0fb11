/** Policies on the whole server: what they say is what happens. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { JsonObject } from '../base/json.ts';
import type { CallOperation } from '../core/call.ts';
import { openInstance } from './instance-fixture.ts';
import type { Asking, OpenInstance } from './instance-fixture.ts';

let server: OpenInstance;

before(async () => {
  server = await openInstance();
  for (const name of ['a', 'b', 'c', 'private/x', 'private/granted/y', 'team/red', 'team/blue']) {
    await server.ask('write', `secret/data/${name}`, { data: { data: { k: 'v' } } });
  }
});
after(async () => await server.instance.close());

async function policy(name: string, text: string, namespace = ''): Promise<void> {
  const asking = { namespace, data: { policy: text } };
  const { error } = await server.ask('write', `sys/policies/acl/${name}`, asking);
  assert.equal(error, undefined);
}

/** `ok`, or the error's code. */
async function outcome(
  operation: CallOperation,
  path: string,
  asking: Asking = {},
): Promise<string> {
  const { error } = await server.ask(operation, path, asking);
  return error?.code ?? 'ok';
}

async function keys(token: string, path: string, data: JsonObject = {}): Promise<unknown> {
  const { reply, error } = await server.ask('list', path, { token, data });
  return error === undefined ? reply?.data?.['keys'] : error.code;
}

const DENIED = 'permission_denied';

suite('policies on a server', () => {
  test('a change binds the next request', async () => {
    await policy('change', 'path "secret/data/a" { capabilities = ["read"] }');
    const token = await server.tokenFor('change');
    assert.equal(await outcome('read', 'secret/data/a', { token }), 'ok');
    await policy('change', 'path "secret/data/a" { capabilities = ["deny"] }');
    assert.equal(await outcome('read', 'secret/data/a', { token }), DENIED);
    await policy('change', 'path "secret/data/a" { capabilities = ["read"] }');
    assert.equal(await outcome('read', 'secret/data/a', { token }), 'ok');
    await server.ask('delete', 'sys/policies/acl/change');
    assert.equal(await outcome('read', 'secret/data/a', { token }), DENIED);
  });

  test('a list grant does not outrun a deny below it (CVE-2026-12624)', async () => {
    await policy(
      'listing',
      `path "secret/metadata/*" { capabilities = ["list"] }
       path "secret/metadata/private/*" { capabilities = ["deny"] }
       path "secret/metadata/private/granted/*" { capabilities = ["list"] }`,
    );
    const token = await server.tokenFor('listing');
    assert.deepEqual(await keys(token, 'secret/metadata/team/'), ['blue', 'red']);
    assert.equal(await keys(token, 'secret/metadata/private/'), DENIED);
    assert.deepEqual(await keys(token, 'secret/metadata/private/granted/'), ['y']);
  });

  test('a deny holds however the name is spelt (CVE-2026-89322)', async () => {
    await policy(
      'folding',
      `path "sys/policies/acl/*" { capabilities = ["update", "read"] }
       path "sys/policies/acl/listing" { capabilities = ["deny"] }`,
    );
    const token = await server.tokenFor('folding');
    const data = { policy: 'path "*" { capabilities = ["read"] }' };
    for (const name of ['listing', 'LISTING', 'Listing']) {
      assert.equal(await outcome('write', `sys/policies/acl/${name}`, { token, data }), DENIED);
      assert.equal(await outcome('read', `sys/policies/acl/${name}`, { token }), DENIED);
    }
    assert.equal(await outcome('write', 'sys/policies/acl/Other', { token, data }), 'ok');
  });

  test('page limits', async () => {
    await policy(
      'pages',
      'path "secret/metadata/*" { capabilities = ["list"] pagination_limit = 2 }',
    );
    const token = await server.tokenFor('pages');
    const path = 'secret/metadata/';
    assert.deepEqual(await keys(token, path), ['a', 'b']);
    for (const limit of ['max', '0', '-1', '2']) {
      assert.deepEqual(await keys(token, path, { limit }), ['a', 'b'], limit);
    }
    assert.deepEqual(await keys(token, path, { limit: '1' }), ['a']);
    assert.deepEqual(await keys(token, path, { limit: 'max', after: 'b' }), ['c', 'private/']);
    for (const limit of ['3', 'x']) assert.equal(await keys(token, path, { limit }), DENIED, limit);
  });

  test('filtered listings', async () => {
    await policy(
      'filtered',
      `path "secret/metadata/team/*" {
         capabilities = ["list"]
         list_scan_response_keys_filter_path = "{{ .path | replace \`metadata\` \`data\` }}{{ .key }}"
       }
       path "secret/data/team/red" { capabilities = ["read"] }`,
    );
    const token = await server.tokenFor('filtered');
    assert.deepEqual(await keys(token, 'secret/metadata/team/'), ['red']);
    await policy(
      'filtered',
      'path "secret/metadata/team/*" { capabilities = ["list"] list_scan_response_keys_filter_path = "secret/data/team/{{ .key }}" }',
    );
    assert.equal(await keys(token, 'secret/metadata/team/'), 'not_found');
  });

  test('wrapping bounds and parameters', async () => {
    await policy(
      'bounds',
      `path "secret/data/a" { capabilities = ["read"] min_wrapping_ttl = "10s" max_wrapping_ttl = "1m" }
       path "cubbyhole/x" { capabilities = ["update", "create"] denied_parameters = { bad = [] } }`,
    );
    const token = await server.tokenFor('bounds');
    const read = (wrapTtlSeconds: number): Promise<string> =>
      outcome('read', 'secret/data/a', { token, wrapTtlSeconds });
    assert.deepEqual(
      [await read(0), await read(9), await read(10), await read(61)],
      [DENIED, DENIED, 'ok', DENIED],
    );
    assert.equal(await outcome('write', 'cubbyhole/x', { token, data: { good: 1 } }), 'ok');
    assert.equal(
      await outcome('write', 'cubbyhole/x', { token, data: { good: 1, BAD: 1 } }),
      DENIED,
    );
  });

  test('namespaces: a child policy stays below, a name does not reach across (CVE-2026-115365)', async () => {
    await server.ask('write', 'sys/namespaces/ns1');
    await policy('same', 'path "secret/data/a" { capabilities = ["read"] }');
    const data = { policies: ['same'], no_default_policy: true };
    const { auth } = await server.ask('write', 'auth/token/create', { data, namespace: 'ns1/' });
    const token = auth?.clientToken ?? assert.fail('no token');
    assert.equal(await outcome('read', 'secret/data/a', { token }), DENIED);
    await policy('same', 'path "sys/policies/acl/*" { capabilities = ["read"] }', 'ns1/');
    assert.equal(
      await outcome('read', 'sys/policies/acl/same', { token, namespace: 'ns1/' }),
      'ok',
    );
    assert.equal(await outcome('read', 'sys/policies/acl/same', { token }), DENIED);
    for (const name of ['../same', '..%2fsame', 'ns1/same', '/same']) {
      const asked = { data: { policies: [name] } };
      assert.equal(await outcome('write', 'auth/token/create', asked), 'invalid_request', name);
    }
  });

  test('capabilities of oneself, of a token, of an accessor', async () => {
    await policy(
      'caps',
      'path "secret/data/*" { capabilities = ["read", "create"] }\npath "sys/capabilities-self" { capabilities = ["update"] }',
    );
    const token = await server.tokenFor('caps');
    const lookup = await server.ask('write', 'auth/token/lookup', { data: { token } });
    const accessor = lookup.reply?.data?.['accessor'] as string;
    const paths = ['secret/data/q'];
    const cases: readonly (readonly [string, Asking])[] = [
      ['sys/capabilities-self', { token, data: { paths } }],
      ['sys/capabilities', { data: { token, paths } }],
      ['sys/capabilities-accessor', { data: { accessor, paths } }],
    ];
    for (const [path, asking] of cases) {
      const answer = await server.ask('write', path, asking);
      assert.deepEqual(answer.reply?.data?.['capabilities'], ['create', 'read'], path);
    }
  });
});
