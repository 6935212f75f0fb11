/** Namespaces keep tenants apart: whose token reaches what, under which name, and what is left when one is deleted. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { JsonObject } from '../base/json.ts';
import { silentLog } from '../base/log.ts';
import type { Log } from '../base/log.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import type { ScannableStorage } from '../storage/storage.ts';
import { barrierUnit } from './assemble.ts';
import { openInstance, restarted } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

const NAMES: readonly string[] = ['', 'one/', 'one/deep/', 'two/'];
const ALL =
  'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }';

async function makeNamespace(server: OpenInstance, path: string): Promise<string> {
  const cut = path.lastIndexOf('/', path.length - 2) + 1;
  const namespace = path.slice(0, cut);
  const { id } = await server.get('write', `sys/namespaces/${path.slice(cut, -1)}`, { namespace });
  return String(id);
}

async function fill(server: OpenInstance, namespace: string): Promise<string> {
  await server.get('write', 'sys/mounts/kv', { namespace, data: { type: 'kv' } });
  await server.get('write', 'kv/secret', { namespace, data: { of: namespace } });
  await server.get('write', 'sys/policies/acl/all', { namespace, data: { policy: ALL } });
  return await server.makeToken({ policies: ['all'] }, { namespace });
}

/** A token of namespace `one`, and the lease that it has in the list there. */
async function inOne(server: OpenInstance): Promise<{ token: string; lease: string }> {
  const namespace = 'one/';
  const below = 'auth/token/create/';
  const { reply } = await server.ask('list', `sys/leases/lookup/${below}`, { namespace });
  const known = (reply?.data?.['keys'] ?? []) as string[];
  const token = await server.makeToken({ policies: ['all'] }, { namespace });
  const { keys } = await server.get('list', `sys/leases/lookup/${below}`, { namespace });
  const [added = ''] = (keys as string[]).filter((key) => !known.includes(key));
  assert.equal(added.split('.')[1], token.split('.').at(-1));
  return { token, lease: below + added };
}

suite('who reaches what', () => {
  let server: OpenInstance;
  const tokens = new Map<string, string>();
  before(async () => {
    server = await openInstance();
    for (const name of NAMES) {
      if (name !== '') await makeNamespace(server, name);
      tokens.set(name, await fill(server, name));
    }
  });
  after(async () => await server.instance.close());

  /** A token acts in its own namespace and those below, if its policies say so. */
  const reaches = (token: string, target: string): boolean => target.startsWith(token);

  for (const own of NAMES) {
    for (const target of NAMES) {
      test(`a token of "${own}" in "${target}"`, async () => {
        const token = tokens.get(own) ?? '';
        const forms = [{ namespace: target, path: 'kv/secret' }];
        // The same place, named by path alone, or by header and path.
        for (let cut = target.indexOf('/'); cut >= 0; cut = target.indexOf('/', cut + 1)) {
          forms.push({
            namespace: target.slice(0, cut + 1),
            path: `${target.slice(cut + 1)}kv/secret`,
          });
        }
        forms.push({ namespace: '', path: `${target}kv/secret` });
        for (const { namespace, path } of forms) {
          const { reply, error } = await server.ask('read', path, { token, namespace });
          if (reaches(own, target))
            assert.deepEqual(reply?.data, { of: target }, `${namespace} ${path}`);
          else assert.equal(error?.code, 'permission_denied', `${namespace} ${path}`);
        }
      });
    }
  }

  test('the own token is looked up from anywhere, and belongs where it was made', async () => {
    const token = tokens.get('one/') ?? '';
    const shown = await server.get('read', 'auth/token/lookup-self', { token });
    assert.equal(shown['namespace_path'], 'one/');
  });

  test('a token or lease that is named is found, and asked about, where its id says', async () => {
    const { token, lease } = await inOne(server);
    const by = async (path: string, data: JsonObject, asker: string): Promise<string> =>
      await server.outcome('write', path, { token: asker, data });
    const own = tokens.get('one/') ?? '';
    const other = tokens.get('two/') ?? '';
    for (const asker of [own, other]) {
      const expected = asker === own ? 'ok' : 'permission_denied';
      assert.equal(await by('auth/token/lookup', { token }, asker), expected);
      assert.equal(await by('auth/token/renew', { token }, asker), expected);
      assert.equal(await by('sys/leases/lookup', { lease_id: lease }, asker), expected);
      assert.equal(
        await by(`sys/leases/renew/${lease}`, {}, asker),
        expected === 'ok' ? 'invalid_request' : expected,
      );
    }
    // Without a name the caller's own token is meant.
    assert.equal(await by('auth/token/lookup', {}, own), 'ok');
    // A policy of the root namespace is about what is in the root namespace.
    const policy = 'path "auth/token/*" { capabilities = ["update"] }';
    await server.get('write', 'sys/policies/acl/tokens', { data: { policy } });
    const rooted = await server.makeToken({ policies: ['tokens'] });
    assert.equal(await by('auth/token/lookup', { token }, rooted), 'permission_denied');
    assert.equal(await by('auth/token/revoke', { token }, other), 'permission_denied');
    assert.equal(await by('auth/token/revoke', { token }, own), 'ok');
    assert.equal(await by('auth/token/lookup', { token }, own), 'permission_denied');
  });

  test('a login says where it was made, from the root namespace on', async () => {
    for (const [namespace, expected] of [
      ['', 'people-ann'],
      ['one/', 'one-auth-people-ann'],
      ['one/deep/', 'one-deep-auth-people-ann'],
    ] as const) {
      await server.get('write', 'sys/auth/people', { namespace, data: { type: 'userpass' } });
      await server.get('write', 'auth/people/users/ann', { namespace, data: { password: 'x' } });
      const asking = { namespace, token: null, data: { password: 'x' } };
      const { auth } = await server.ask('write', 'auth/people/login/ann', asking);
      const token = auth?.clientToken ?? '';
      const shown = await server.get('read', 'auth/token/lookup-self', { token });
      assert.equal(shown['display_name'], expected);
    }
  });

  test('a token of another namespace is neither renewed nor revoked from here', async () => {
    const { reply } = await server.ask('write', 'auth/token/lookup', {
      data: { token: tokens.get('one/') ?? '' },
    });
    const data = { accessor: String(reply?.data?.['accessor']) };
    assert.equal(
      await server.outcome('write', 'auth/token/revoke-accessor', { data }),
      'invalid_request',
    );
    const rooted = await server.makeToken({ policies: ['default'] });
    const from = { namespace: 'one/', data: { token: rooted } };
    assert.equal(await server.outcome('write', 'auth/token/renew', from), 'invalid_request');
  });

  test('a namespace that does not exist is none, and no path leads out of one', async () => {
    const token = tokens.get('one/') ?? '';
    for (const namespace of ['nope/', 'one/nope/', 'one', '/one/', 'one/../two/', 'ONE/']) {
      assert.notEqual(
        await server.outcome('read', 'kv/secret', { token, namespace }),
        'ok',
        namespace,
      );
    }
    for (const path of [
      '../kv/secret',
      '../two/kv/secret',
      'deep/../../kv/secret',
      'two/kv/secret',
    ]) {
      assert.notEqual(await server.outcome('read', path, { token, namespace: 'one/' }), 'ok', path);
    }
  });

  test('the name root is reserved, in every call (CVE-2026-55775)', async () => {
    const asking = { token: tokens.get('one/') ?? '', namespace: 'one/' };
    for (const operation of ['read', 'patch', 'delete', 'write'] as const) {
      for (const path of ['sys/namespaces/root', 'sys/namespaces/api-lock/lock/root']) {
        if (path.endsWith('lock/root') && operation !== 'write') continue;
        assert.equal(
          await server.outcome(operation, path, asking),
          'invalid_request',
          `${operation} ${path}`,
        );
      }
    }
    assert.equal(await server.outcome('read', 'kv/secret', asking), 'ok');
  });

  test('what concerns the whole server is refused below root (CVE-2026-115366)', async () => {
    const { backend } =
      (await server.instance.services.table.routing(server.instance.services.begin())).mounts.get(
        'sys/',
      ) ?? assert.fail();
    const rootOnly = backend.paths.filter((path) => path.rootNamespaceOnly === true);
    assert.ok(rootOnly.length > 10);
    const asking = { token: tokens.get('one/') ?? '', namespace: 'one/' };
    for (const path of rootOnly) {
      const plain = path.pattern.replace(/\[\/?\{[^}]*\}\]/g, '').replace(/\{[^}]*\}/g, 'x');
      for (const operation of ['read', 'write', 'delete', 'list'] as const) {
        const asked = `sys/${plain}${operation === 'list' ? '/' : ''}`;
        assert.notEqual(
          await server.outcome(operation, asked, asking),
          'ok',
          `${operation} ${asked}`,
        );
      }
    }
  });

  test('a policy made before a namespace gives nothing in it (CVE-2020-10661)', async () => {
    for (const [name, policy] of [
      ['segment', 'path "+/kv/*" { capabilities = ["read"] }'],
      ['plain', 'path "kv/*" { capabilities = ["read"] }'],
    ] as const) {
      await server.get('write', `sys/policies/acl/${name}`, { data: { policy } });
      const token = await server.tokenFor(name);
      await makeNamespace(server, `later-${name}/`);
      await fill(server, `later-${name}/`);
      const namespace = `later-${name}/`;
      if (name === 'plain')
        assert.equal(
          await server.outcome('read', 'kv/secret', { token, namespace }),
          'permission_denied',
        );
    }
  });

  test('no token of a namespace is root, whoever asks for it', async () => {
    for (const token of ['root', tokens.get('one/') ?? '']) {
      const asked = { namespace: 'one/', token, data: { policies: ['root'] } };
      assert.equal(await server.outcome('write', 'auth/token/create', asked), 'invalid_request');
    }
  });
});

suite('what a caller names as a namespace', () => {
  test('does not matter to what is known of the server as a whole', async () => {
    const server = await openInstance();
    const ask = (path: string): Promise<string> =>
      server.outcome('read', path, { namespace: 'nowhere/' });
    assert.equal(await ask('sys/seal-status'), 'ok');
    assert.equal(await ask('sys/leader'), 'ok');
    assert.equal(await ask('sys/health'), 'invalid_request');
    for (const path of ['sys/mounts', 'auth/token/lookup-self', 'secret/data/a'])
      assert.equal(await ask(path), 'not_found', path);
    await server.instance.close();
  });

  test('is never a name that reads as something else', async () => {
    const server = await openInstance();
    for (const name of ['root', 'sys', 'auth', 'identity', 'cubbyhole', 'audit'])
      for (const operation of ['read', 'write', 'patch', 'delete'] as const)
        assert.equal(await server.outcome(operation, `sys/namespaces/${name}`), 'invalid_request');
    assert.equal(await server.outcome('patch', 'sys/namespaces/none'), 'invalid_request');
    await server.instance.close();
  });
});

suite('a locked namespace', () => {
  test('is opened by root without the key, but not with a wrong one', async () => {
    const server = await openInstance();
    await makeNamespace(server, 'one/');
    await server.get('write', 'sys/namespaces/api-lock/lock/one');
    const unlock = async (data: { unlock_key?: string }): Promise<string> =>
      await server.outcome('write', 'sys/namespaces/api-lock/unlock/one', { data });
    assert.equal(await unlock({ unlock_key: 'wrong' }), 'invalid_request');
    assert.equal(await server.outcome('read', 'sys/mounts', { namespace: 'one/' }), 'unavailable');
    assert.equal(await unlock({}), 'ok');
    assert.equal(await server.outcome('read', 'sys/mounts', { namespace: 'one/' }), 'ok');
    await server.instance.close();
  });

  test('answers nothing, nor do those below, until it is unlocked with the key', async () => {
    const server = await openInstance();
    for (const name of ['one/', 'one/deep/', 'two/']) await makeNamespace(server, name);
    const token = await fill(server, 'one/');
    await fill(server, 'one/deep/');
    const { unlock_key: key } = await server.get('write', 'sys/namespaces/api-lock/lock/one');
    for (const namespace of ['one/', 'one/deep/']) {
      assert.equal(await server.outcome('read', 'kv/secret', { namespace }), 'unavailable');
    }
    assert.equal(await server.outcome('read', 'sys/mounts', { namespace: 'two/' }), 'ok');
    const unlock = (unlockKey: string): Promise<string> =>
      server.outcome('write', 'sys/namespaces/api-lock/unlock', {
        namespace: 'one/',
        token,
        data: { unlock_key: unlockKey },
      });
    assert.equal(await unlock('wrong'), 'invalid_request');
    assert.equal(await unlock(String(key)), 'ok');
    assert.equal(await server.outcome('read', 'kv/secret', { namespace: 'one/deep/' }), 'ok');
    await server.instance.close();
  });
});

const REMINDER = /^(?:epoch|data\/root\/core\/expiry)\//;

suite('a deleted namespace', () => {
  /** Storage keys that name the namespace, but for reminders that find nothing when they come up. */
  async function left(storage: ScannableStorage, id: string): Promise<string[]> {
    const found: string[] = [];
    let from: string | undefined;
    for (;;) {
      const entries = await storage.scan('', from, 1000);
      const keys = entries.map(({ key }) => key);
      found.push(...keys.filter((key) => key.split(/[/:.]/).includes(id) && !REMINDER.test(key)));
      from = entries.at(-1)?.key;
      if (from === undefined) return found;
    }
  }

  async function tenant(server: OpenInstance): Promise<{ id: string; token: string }> {
    const id = await makeNamespace(server, 'one/');
    const token = await fill(server, 'one/');
    const namespace = 'one/';
    await server.get('write', 'sys/mounts/lend', { namespace, data: { type: 'lending' } });
    for (let count = 0; count < 3; count++) {
      await server.get('read', 'lend/creds/600/600', { namespace, token });
    }
    await server.get('write', 'cubbyhole/x', { namespace, token, data: { a: 'b' } });
    return { id, token };
  }

  test('takes all with it: leases at their targets, data, tokens, its key', async () => {
    const storage = createMemoryStorage();
    const server = await openInstance({ storage });
    const { id, token } = await tenant(server);
    assert.ok((await left(storage, id)).length > 10);
    assert.equal(await server.outcome('delete', 'sys/namespaces/one'), 'ok');
    assert.equal(
      await server.outcome('read', 'kv/secret', { namespace: 'one/', token }),
      'not_found',
    );
    await server.pass(1);
    await server.pass(20);
    assert.equal(server.target.live.size, 0);
    assert.deepEqual(await left(storage, id), []);
    assert.equal(
      await server.outcome('read', 'auth/token/lookup-self', { token }),
      'permission_denied',
    );
    await makeNamespace(server, 'one/');
    assert.notEqual(await server.outcome('read', 'kv/secret', { namespace: 'one/' }), 'ok');
    await server.instance.close();
  });

  test('whose deletion was cut short is deleted to the end (CVE-2026-42186)', async () => {
    const storage = createMemoryStorage();
    const server = await openInstance({ storage });
    const { id } = await tenant(server);
    server.target.mode = 'blocks';
    await server.get('delete', 'sys/namespaces/one');
    server.clock.advance(2);
    while (server.target.revocations < 3) await new Promise((resolve) => setImmediate(resolve));
    server.target.mode = 'works';
    const later = await restarted(server, storage);
    await later.pass(1);
    await later.pass(20);
    assert.equal(later.target.live.size, 0);
    assert.deepEqual(await left(storage, id), []);
    await later.instance.close();
  });

  test('waits for its leases while they can be revoked, and goes when nobody can', async () => {
    const storage = createMemoryStorage();
    const server = await openInstance({ storage });
    const { id } = await tenant(server);
    server.target.mode = 'fails';
    await server.get('delete', 'sys/namespaces/one');
    await server.pass(1);
    assert.ok((await left(storage, id)).length > 0);
    for (let round = 0; round < 12; round++) await server.pass(300);
    assert.deepEqual(await left(storage, id), []);
    await server.instance.close();
  });

  test('whose key alone is gone: what is due there is told once and tried ever more rarely', async () => {
    const storage = createMemoryStorage();
    const earlier = await openInstance({ storage });
    const { id } = await tenant(earlier);
    const unit = earlier.instance.services.begin();
    barrierUnit(unit).shredNamespaceKey(id);
    await unit.commit();
    const told: string[] = [];
    const log: Log = {
      ...silentLog,
      error: (message, fields) => void told.push(`${message} ${String(fields?.['id'])}`),
    };
    const server = await restarted(earlier, storage, { log });
    const entries = async (): Promise<string[]> => {
      const { queue, begin } = server.instance.services;
      const due = await queue.earliest(begin(), 100);
      return due.filter(({ namespaceId }) => namespaceId === id).map(({ id: of }) => of);
    };
    for (let minute = 0; minute < 300; minute++) await server.pass(60);
    const waiting = new Set(await entries());
    assert.ok(waiting.size > 3);
    const failures = told.filter((each) => each.startsWith('expiry of an entry failed'));
    assert.equal(failures.length, waiting.size);
    assert.equal(new Set(failures).size, waiting.size);
    await server.instance.close();
  });

  test('must have no children, and is named from the one above it', async () => {
    const server = await openInstance();
    await makeNamespace(server, 'one/');
    await makeNamespace(server, 'one/deep/');
    assert.equal(await server.outcome('delete', 'sys/namespaces/one'), 'invalid_request');
    for (const operation of ['read', 'delete'] as const) {
      assert.equal(await server.outcome(operation, 'sys/namespaces/one/deep'), 'invalid_request');
    }
    await server.instance.close();
  });
});
