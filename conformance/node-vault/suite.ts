/**
 * Drives a Vault-compatible server with the unmodified node-vault client. Environment: MODULES (folder it is installed in), ADDR,
 * CA (PEM file), TOKEN. One line per case, then "N passed, N failed".
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

interface Answer {
  readonly data: Record<string, unknown>;
  readonly auth: { client_token: string; accessor: string; policies: string[] };
  readonly wrap_info: { token: string };
  readonly [key: string]: unknown;
}

type Call = (...args: readonly unknown[]) => Promise<Answer>;
type Client = Readonly<Record<string, Call>> & { token: string };

const { ADDR, CA = '', TOKEN = '', MODULES = '' } = process.env;
const require = createRequire(`${MODULES}/`);
const makeClient = require('node-vault') as (options: object) => Client;

function client(token?: string): Client {
  return makeClient({
    apiVersion: 'v1',
    endpoint: ADDR,
    token,
    requestOptions: { ca: readFileSync(CA) },
  });
}

/** The client takes over the token of every answer that carries one, so the root token is set again for each call. */
const root = client(TOKEN);

function call(of: Client, name: string, ...args: readonly unknown[]): Promise<Answer> {
  const method = of[name];
  assert.ok(method, `node-vault has no ${name}`);
  if (of === root) root.token = TOKEN;
  return method(...args);
}

async function refused(status: number, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: { response?: { statusCode?: number } }) => {
    assert.equal(error.response?.statusCode, status);
    return true;
  });
}

const POLICY = 'path "nv-kv2/data/*" { capabilities = ["read"] }';

const CASES: Readonly<Record<string, () => Promise<void>>> = {
  async health() {
    const health = await call(root, 'health');
    assert.equal(health['initialized'], true);
    assert.equal(health['sealed'], false);
    assert.equal((await call(root, 'status'))['sealed'], false);
    assert.equal((await call(root, 'initialized'))['initialized'], true);
  },
  async 'kv v1 through read, write, list and delete'() {
    await call(root, 'mount', { mount_point: 'nv-kv1', type: 'kv', options: { version: '1' } });
    await call(root, 'write', 'nv-kv1/a/b', { user: 'me' });
    assert.deepEqual((await call(root, 'read', 'nv-kv1/a/b')).data, { user: 'me' });
    assert.deepEqual((await call(root, 'list', 'nv-kv1/a')).data, { keys: ['b'] });
    await call(root, 'delete', 'nv-kv1/a/b');
    await refused(404, call(root, 'read', 'nv-kv1/a/b'));
    await refused(404, call(root, 'list', 'nv-kv1/a'));
  },
  async 'kv v2 with versions and a merge patch'() {
    await call(root, 'mount', { mount_point: 'nv-kv2', type: 'kv', options: { version: '2' } });
    let written: Answer | undefined;
    for (let attempt = 0; written === undefined && attempt < 40; attempt++) {
      written = await call(root, 'write', 'nv-kv2/data/x', { data: { a: '1', b: '2' } }).catch(
        () => undefined,
      );
    }
    assert.equal(written?.data['version'], 1);
    await call(root, 'update', 'nv-kv2/data/x', { data: { b: '3' } });
    const read = await call(root, 'read', 'nv-kv2/data/x');
    assert.deepEqual(read.data['data'], { a: '1', b: '3' });
    await call(root, 'delete', 'nv-kv2/data/x');
    await refused(404, call(root, 'read', 'nv-kv2/data/x'));
    await call(root, 'write', 'nv-kv2/undelete/x', { versions: [2] });
    assert.deepEqual((await call(root, 'read', 'nv-kv2/data/x')).data['data'], { a: '1', b: '3' });
    assert.deepEqual((await call(root, 'list', 'nv-kv2/metadata')).data, { keys: ['x'] });
  },
  async 'mounts, tuning and remounting'() {
    assert.ok(Object.hasOwn((await call(root, 'mounts')).data, 'nv-kv2/'));
    await call(root, 'write', 'sys/mounts/nv-kv1/tune', { max_lease_ttl: '2h' });
    const tuned = await call(root, 'read', 'sys/mounts/nv-kv1/tune');
    assert.equal(tuned.data['max_lease_ttl'], 7200);
    await call(root, 'unmount', { mount_point: 'nv-kv1' });
    await refused(404, call(root, 'read', 'nv-kv1/a'));
  },
  async 'policies bind a token'() {
    await call(root, 'addPolicy', { name: 'nv-reader', rules: POLICY });
    const policies = await call(root, 'policies');
    assert.ok((policies.data['policies'] as string[]).includes('nv-reader'));
    assert.equal((await call(root, 'getPolicy', { name: 'nv-reader' })).data['rules'], POLICY);
    const { auth } = await call(root, 'tokenCreate', { policies: ['nv-reader'], ttl: '1h' });
    const reader = client(auth.client_token);
    assert.deepEqual((await call(reader, 'read', 'nv-kv2/data/x')).data['data'], {
      a: '1',
      b: '3',
    });
    await refused(403, call(reader, 'write', 'nv-kv2/data/x', { data: {} }));
    await refused(403, call(reader, 'mounts'));
    await call(root, 'removePolicy', { name: 'nv-reader' });
    await refused(403, call(reader, 'read', 'nv-kv2/data/x'));
  },
  async 'tokens are looked up, renewed and revoked'() {
    const { auth } = await call(root, 'tokenCreate', { policies: ['default'], ttl: '1h' });
    const holder = client(auth.client_token);
    assert.equal((await call(holder, 'tokenLookupSelf')).data['accessor'], auth.accessor);
    const looked = await call(root, 'tokenLookup', { token: auth.client_token });
    assert.equal(looked.data['accessor'], auth.accessor);
    await call(holder, 'tokenRenewSelf', { increment: '30m' });
    assert.ok(
      ((await call(root, 'tokenAccessors')).data['keys'] as string[]).includes(auth.accessor),
    );
    await call(root, 'tokenRevokeAccessor', { accessor: auth.accessor });
    await refused(403, call(holder, 'tokenLookupSelf'));
  },
  async 'token roles'() {
    await call(root, 'addTokenRole', { role_name: 'nv-role', allowed_policies: 'default' });
    const role = await call(root, 'getTokenRole', { role_name: 'nv-role' });
    assert.deepEqual(role.data['allowed_policies'], ['default']);
    assert.deepEqual((await call(root, 'tokenRoles')).data, { keys: ['nv-role'] });
    await call(root, 'removeTokenRole', { role_name: 'nv-role' });
    await refused(404, call(root, 'getTokenRole', { role_name: 'nv-role' }));
  },
  async 'wrapping is for one use'() {
    const options = { headers: { 'X-Vault-Wrap-TTL': '60s' } };
    const { wrap_info: wrapped } = await call(root, 'read', 'nv-kv2/data/x', options);
    const unwrapped = await call(client(wrapped.token), 'unwrap');
    assert.deepEqual(unwrapped.data['data'], { a: '1', b: '3' });
    await refused(400, call(client(wrapped.token), 'unwrap'));
  },
  async 'auth methods, audit devices and the help of a path'() {
    assert.ok(Object.hasOwn((await call(root, 'auths')).data, 'token/'));
    assert.ok(Object.hasOwn((await call(root, 'audits')).data, 'main/'));
    assert.match(String((await call(root, 'help', 'sys/mounts'))['help']), /mount/i);
  },
  async 'a wrong token is refused'() {
    await refused(403, call(client('s.nothing'), 'read', 'nv-kv2/data/x'));
  },
};

let failed = 0;
for (const [name, run] of Object.entries(CASES)) {
  try {
    await run();
    console.log(`  ok     node-vault ${name}`);
  } catch (error) {
    failed++;
    const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    console.log(`  FAILED node-vault ${name}\n${shown.replaceAll(/^/gm, '         ')}`);
  }
}
console.log(`${Object.keys(CASES).length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
