/** Authorisation, paths and namespaces: published ways around a policy, tried through the wire. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { textOf } from './evidence.ts';
import { Target } from './target.ts';
import type { Received } from './target.ts';

let target: Target;
before(async () => {
  target = await Target.start();
});
after(async () => {
  await target.close();
});

const CANARY = 'CANARY-4c1f0e';

async function secret(path: string, namespace = ''): Promise<void> {
  await target.expect('POST', `secret/data/${path}`, {
    namespace,
    body: { data: { value: CANARY } },
  });
}

/** The bytes of `secret/data/<path>` are what they were. */
async function assertIntact(path: string): Promise<void> {
  const { data } = await target.expect('GET', `secret/data/${path}`);
  assert.equal(textOf(data, 'data', 'value'), CANARY, path);
}

function assertRefused(received: Received, what: string, statuses: readonly number[]): void {
  assert.ok(statuses.includes(received.status), `${what}: ${received.status} ${received.text}`);
}

function assertNotRoot(received: Received, what: string): void {
  if (received.status !== 200) return assertRefused(received, what, [400, 403]);
  const policies: unknown = (JSON.parse(received.text) as { auth: { policies: unknown } }).auth
    .policies;
  assert.ok(Array.isArray(policies) && !policies.includes('root'), `${what}: ${received.text}`);
}

/** Whether a connection goes on depends on what came over it before. */
function shape({ status, text, headers }: Received): unknown {
  return { status, text, headers: { ...headers, date: '', connection: '', 'keep-alive': '' } };
}

const METHOD_OF: ReadonlyMap<string, string> = new Map([
  ['read', 'GET'],
  ['create', 'PUT'],
  ['update', 'PUT'],
  ['patch', 'PATCH'],
  ['delete', 'DELETE'],
  ['list', 'LIST'],
  ['scan', 'SCAN'],
  ['header', 'HEAD'],
]);

async function mountWithSecret(namespace: string): Promise<void> {
  await target.expect('POST', 'sys/mounts/secret', {
    namespace,
    body: { type: 'kv', options: { version: '2' } },
  });
  await secret('in8', namespace);
  await secret('in8');
}

suite('paths', () => {
  test('SEC-1: a path that is cleaned after the decision reaches no sibling', async () => {
    await secret('a/s');
    await secret('b/s');
    const token = await target.tokenWith(
      'path "secret/metadata/a/*" { capabilities = ["delete", "list", "read"] }',
    );
    const attacks = [
      ['DELETE', 'a/..%2fb%2fs'],
      ['DELETE', 'a/..%2Fb/s'],
      ['DELETE', 'a/%2e%2e/b/s'],
      ['DELETE', 'a/.%2e/b/s'],
      ['DELETE', 'a/%252e%252e%2fb%2fs'],
      ['DELETE', 'a/../b/s'],
      ['DELETE', 'a/x/..'],
      ['DELETE', 'a/./../b/s'],
      ['DELETE', 'a/..%5cb%5cs'],
      ['DELETE', 'a/..;/b/s'],
      ['DELETE', 'a/%c0%ae%c0%ae/b/s'],
      ['DELETE', 'a/s%00'],
      ['DELETE', 'a//../b/s'],
      ['LIST', 'a/..%2f'],
      ['LIST', 'a/../b/'],
      ['GET', 'a/..%2fb?list=true'],
      ['GET', 'a/%2e%2e%2fb%2fs'],
    ] as const;
    await target.changesNothing(async () => {
      for (const [method, path] of attacks) {
        const received = await target.call(method, `secret/metadata/${path}`, { token });
        // A plain name that only looks odd (`..;`) is nothing but an absent secret below the grant.
        const harmless = path.includes(';') ? [204, 404] : [400, 403];
        assertRefused(received, `${method} ${path}`, harmless);
        target.assertSecret(CANARY, received);
      }
    });
    await assertIntact('b/s');
    await secret('a/user..x');
    await target.expect('DELETE', 'secret/metadata/a/user..x', { token });
  });

  test('SEC-1: what is decided, routed, stored and audited is one string', async () => {
    const token = await target.tokenWith('path "secret/data/gr*" { capabilities = ["create"] }');
    await target.expect('POST', 'secret/data/gr%C3%BC%C3%9Fe%20%2b', {
      token,
      body: { data: { value: CANARY } },
    });
    await assertIntact('gr%C3%BC%C3%9Fe%20+');
    assert.ok(target.auditText.includes('"path":"secret/data/grüße +"'));
  });

  test('SEC-2: a list grant on the bare path does not beat a longer deny', async () => {
    const token = await target.tokenWith(`
      path "secret/metadata/m/*" { capabilities = ["list", "scan"] }
      path "secret/metadata/m/private/*" { capabilities = ["deny"] }
      path "secret/metadata/m/private/granted/*" { capabilities = ["list", "scan"] }`);
    for (const path of ['m/x', 'm/test/x', 'm/private/x', 'm/private/internal/x']) {
      await secret(path);
    }
    await secret('m/private/granted/x');
    const wanted: readonly (readonly [string, boolean])[] = [
      ['m/', true],
      ['m/test/', true],
      ['m/private/', false],
      ['m/private/internal/', false],
      ['m/private/granted/', true],
    ];
    await target.changesNothing(async () => {
      for (const [path, allowed] of wanted) {
        for (const slash of [path, path.slice(0, -1)]) {
          const url = `secret/metadata/${slash}`;
          const answers = [
            await target.call('LIST', url, { token }),
            await target.call('GET', `${url}?list=true`, { token }),
            await target.call('SCAN', url, { token }),
            await target.callTls('LIST', url, { token }),
          ];
          for (const { status } of answers) assert.equal(status, allowed ? 200 : 403, slash);
        }
      }
    });
  });

  test('SEC-3: a deny holds in every spelling that the backend folds', async () => {
    const policy = 'path "secret/*" { capabilities = ["read"] }';
    await target.expect('PUT', 'sys/policies/acl/admin', { body: { policy } });
    const token = await target.tokenWith(`
      path "sys/policies/acl/*" { capabilities = ["create", "read", "update", "delete"] }
      path "sys/policies/acl/admin" { capabilities = ["deny"] }
      path "sys/policy/*" { capabilities = ["create", "read", "update", "delete"] }
      path "sys/policy/admin" { capabilities = ["deny"] }`);
    await target.changesNothing(async () => {
      for (const name of ['admin', 'ADMIN', 'Admin', 'aDmIn', '%41dmin', 'admin%20', '%20admin']) {
        for (const base of ['sys/policies/acl', 'sys/policy']) {
          for (const method of ['PUT', 'GET', 'DELETE']) {
            const body = method === 'PUT' ? { body: { policy: `${policy} # changed` } } : {};
            const received = await target.call(method, `${base}/${name}`, { token, ...body });
            assertRefused(received, `${method} ${base}/${name}`, [403, 400]);
          }
        }
      }
    });
    const { data } = await target.expect('GET', 'sys/policies/acl/admin');
    assert.equal(textOf(data, 'policy'), policy);
  });

  test('SEC-3: a role’s forbidden policy is forbidden in every spelling', async () => {
    await target.expect('POST', 'auth/token/roles/guarded', {
      body: { disallowed_policies: ['admin'], allowed_policies_glob: ['*'] },
    });
    for (const name of ['admin', 'AdMin', ' admin', 'ADMIN ']) {
      const received = await target.call('POST', 'auth/token/create/guarded', {
        body: { policies: [name] },
      });
      assertRefused(received, name, [400, 403]);
    }
  });
});

suite('names', () => {
  test('SEC-8: no policy name reaches a policy of another namespace', async () => {
    await target.expect('PUT', 'sys/namespaces/names1');
    await target.expect('PUT', 'sys/namespaces/names2');
    await mountWithSecret('names1');
    await mountWithSecret('names2');
    const everything = 'path "*" { capabilities = ["create", "read", "update", "delete", "list"] }';
    for (const namespace of ['', 'names2']) {
      // Its policies are cached now.
      const token = await target.tokenWith(everything, {}, namespace);
      await target.expect('GET', 'secret/data/in8', { token, namespace });
    }
    await target.expect('PUT', 'sys/policies/acl/root-admin', { body: { policy: everything } });
    await target.expect('PUT', 'sys/policies/acl/admin', {
      namespace: 'names2',
      body: { policy: everything },
    });
    const admin = await target.tokenWith(everything.replace(']', ', "sudo"]'), {}, 'names1');
    for (const name of [
      '../root-admin',
      '..%2fadmin',
      'names2/admin',
      'names2:admin',
      '/admin',
      '//admin',
      'root:admin',
      'root/root-admin',
      'a\u0000b',
      'a\u0007b',
      'admin\\..',
      './admin',
    ]) {
      const received = await target.call('POST', 'auth/token/create', {
        token: admin,
        namespace: 'names1',
        body: { policies: [name], no_default_policy: true },
      });
      if (received.status !== 200) {
        assertRefused(received, name, [400, 403]);
        continue;
      }
      const token = textOf(JSON.parse(received.text), 'auth', 'client_token');
      for (const namespace of ['', 'names1', 'names2']) {
        const read = await target.call('GET', 'secret/data/in8', { token, namespace });
        assertRefused(read, `${name} in ${namespace}`, [403]);
      }
    }
  });

  test('SEC-16: root is granted in no spelling', async () => {
    const creator = await target.tokenWith(`
      path "auth/token/create" { capabilities = ["update", "sudo"] }
      path "auth/token/create-orphan" { capabilities = ["update", "sudo"] }
      path "auth/token/create/*" { capabilities = ["update"] }
      path "auth/token/roles/*" { capabilities = ["create", "update", "read"] }`);
    const spellings = ['root', 'Root', 'rooT', 'root ', ' root', 'root\t', 'ＲＯＯＴ', 'ｒoot'];
    for (const name of [...spellings, 'root,default', 'default,root', '\u200broot']) {
      for (const path of ['auth/token/create', 'auth/token/create-orphan']) {
        for (const policies of [[name], name]) {
          const received = await target.call('POST', path, { token: creator, body: { policies } });
          assertNotRoot(received, `${path} ${JSON.stringify(policies)}`);
        }
      }
      await target.call('POST', 'auth/token/roles/sneaky', {
        token: creator,
        body: { allowed_policies: [name], allowed_policies_glob: ['*'] },
      });
      const received = await target.call('POST', 'auth/token/create/sneaky', {
        token: creator,
        body: { policies: [name] },
      });
      assertNotRoot(received, `role ${name}`);
      const written = await target.call('PUT', `sys/policies/acl/${encodeURIComponent(name)}`, {
        body: { policy: 'path "*" { capabilities = ["read"] }' },
      });
      if (!name.includes(',')) assertRefused(written, `policy ${name}`, [400]);
    }
  });
});

suite('namespaces', () => {
  test('SEC-10: an id that names a namespace does not choose it', async () => {
    await target.expect('PUT', 'sys/namespaces/lease1');
    await target.expect('PUT', 'sys/namespaces/lease2');
    const { auth } = await target.expect('POST', 'auth/token/create', {
      namespace: 'lease2',
      body: { policies: ['default'], ttl: '1h' },
    });
    const accessor = textOf(auth, 'accessor');
    const token = textOf(auth, 'client_token');
    const lease = `auth/token/create/h${'0'.repeat(64)}.${accessor.split('.')[1] ?? ''}`;
    const admin = await target.tokenWith(
      'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }',
      {},
      'lease1',
    );
    for (const [path, body] of [
      ['sys/leases/lookup', { lease_id: lease }],
      ['sys/leases/renew', { lease_id: lease }],
      [`sys/leases/renew/${lease}`, {}],
      ['sys/renew', { lease_id: lease }],
      ['auth/token/lookup-accessor', { accessor }],
      ['auth/token/renew-accessor', { accessor }],
    ] as const) {
      const received = await target.call('PUT', path, { token: admin, namespace: 'lease1', body });
      assertRefused(received, path, [400, 403, 404]);
    }
    for (const [path, body] of [
      ['sys/leases/revoke', { lease_id: lease, sync: true }],
      [`sys/leases/revoke/${lease}`, { sync: true }],
      ['sys/revoke', { lease_id: lease }],
      ['auth/token/revoke-accessor', { accessor }],
      ['sys/leases/revoke-prefix/auth/token/create', {}],
      ['sys/leases/revoke-force/auth/token/create', {}],
    ] as const) {
      await target.call('PUT', path, { token: admin, namespace: 'lease1', body });
    }
    await target.expect('GET', 'auth/token/lookup-self', { token, namespace: 'lease2' });
  });

  test('SEC-10: a lease id of the wrong type is refused', async () => {
    await target.changesNothing(async () => {
      for (const path of ['lookup', 'renew', 'revoke']) {
        for (const id of [['a'], { a: 1 }, null]) {
          const received = await target.call('PUT', `sys/leases/${path}`, {
            body: { lease_id: id },
          });
          assertRefused(received, `${path} ${JSON.stringify(id)}`, [400]);
        }
      }
    });
  });

  test('SEC-11: root is a reserved name, not the namespace that it is named in', async () => {
    await target.expect('PUT', 'sys/namespaces/reserved1');
    const admin = await target.tokenWith(
      'path "sys/namespaces/*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }',
      {},
      'reserved1',
    );
    for (const who of [
      { token: admin, namespace: 'reserved1' },
      { namespace: 'reserved1' },
      { namespace: '' },
    ]) {
      await target.changesNothing(async () => {
        for (const [method, path] of [
          ['GET', 'root'],
          ['PUT', 'root'],
          ['PATCH', 'root'],
          ['DELETE', 'root'],
          ['GET', 'root/'],
          ['DELETE', 'root/'],
          ['DELETE', 'ROOT'],
          ['PUT', 'api-lock/lock/root'],
          ['PUT', 'api-lock/unlock/root'],
          ['PUT', 'root/seal'],
        ] as const) {
          const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} };
          const received = await target.call(method, `sys/namespaces/${path}`, { ...who, ...body });
          // In another case it is an ordinary name, of nothing that exists.
          if (path === 'ROOT') assert.notEqual(received.status, 204);
          else assertRefused(received, `${method} ${path}`, [400]);
        }
      });
    }
    await target.expect('GET', 'sys/namespaces/reserved1');
  });

  test('SEC-12: what concerns the whole server is refused in a child namespace', async () => {
    await target.expect('PUT', 'sys/namespaces/child12');
    const routing = await target.instance.services.table.routing(target.instance.services.begin());
    const system = [...routing.mounts.values()].find((mount) => mount.fullPath === 'sys/');
    const paths = system?.backend.paths.filter((path) => path.rootNamespaceOnly === true) ?? [];
    assert.ok(paths.length > 10);
    const admin = await target.tokenWith(
      'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }',
      {},
      'child12',
    );
    await target.changesNothing(async () => {
      for (const path of paths) {
        const url = path.pattern.replaceAll(/\[[^\]]*\]/g, '').replaceAll(/\{[^}]*\}/g, 'x');
        for (const operation of Object.keys(path.operations)) {
          const method = METHOD_OF.get(operation) ?? 'GET';
          const write = method === 'PUT' || method === 'PATCH';
          for (const who of [{ token: admin, namespace: 'child12' }, { namespace: 'child12' }]) {
            const sending = { ...who, ...(write ? { body: {} } : {}) };
            const received = await target.call(method, `sys/${url}`, sending);
            assertRefused(received, `${method} sys/${url}`, [400]);
            // The paths that also answer while sealed refuse without a word.
            if (path.whileSealed !== true) {
              assert.ok(
                received.text.includes('unavailable in namespaces'),
                `${url}: ${received.text}`,
              );
            }
            const inPath = await target.call(method, `child12/sys/${url}`, {
              token: who.token ?? textOf({ token: admin }, 'token'),
              ...(write ? { body: {} } : {}),
            });
            assertRefused(inPath, `${method} child12/sys/${url}`, [400]);
          }
        }
      }
    });
  });

  test('SEC-14: a grant reaches the namespaces below its own, never beside or above (docs/policies.md)', async () => {
    for (const name of ['north14', 'south14']) {
      await target.expect('PUT', `sys/namespaces/${name}`);
      await target.expect('POST', 'sys/mounts/secret', {
        namespace: name,
        body: { type: 'kv', options: { version: '2' } },
      });
      await secret('in14', name);
    }
    await secret('in14');
    for (const rule of ['south14/secret/*', '+/secret/*', '*', '+/+/data/*', '../secret/*']) {
      const token = await target.tokenWith(
        `path "${rule}" { capabilities = ["read", "list"] }`,
        {},
        'north14',
      );
      for (const namespace of ['', 'south14']) {
        const answers = [
          await target.call('GET', 'secret/data/in14', { token, namespace }),
          await target.call('GET', `${namespace}/secret/data/in14`.replace(/^\//, ''), { token }),
        ];
        for (const received of answers) {
          assertRefused(received, `${rule} in ${namespace}`, [403]);
          target.assertSecret(CANARY, received);
        }
      }
    }
    // Below its own namespace a wildcard is a segment like any other: made later or not, as the documentation says.
    const early = await target.tokenWith('path "late14/secret/*" { capabilities = ["read"] }');
    const elsewhere = await target.tokenWith('path "lat/secret/*" { capabilities = ["read"] }');
    await target.expect('PUT', 'sys/namespaces/late14');
    await target.expect('POST', 'sys/mounts/secret', {
      namespace: 'late14',
      body: { type: 'kv', options: { version: '2' } },
    });
    await secret('in14', 'late14');
    await target.expect('GET', 'late14/secret/data/in14', { token: early });
    const refused = await target.call('GET', 'late14/secret/data/in14', { token: elsewhere });
    assertRefused(refused, 'another namespace’s name', [403]);
  });
});

suite('unauthenticated', () => {
  test('SEC-19: without a token what exists and what does not look the same', async () => {
    const methods = ['GET', 'LIST', 'POST', 'PUT', 'DELETE', 'PATCH', 'SCAN', 'HEAD'];
    const pairs = [
      ['secret/x', 'nope/x'],
      ['secret/data/x', 'nope/data/x'],
      ['secret', 'nope'],
      ['auth/token/lookup-self', 'auth/nope/lookup-self'],
      ['auth/token/login', 'auth/nope/login'],
      ['sys/mounts/secret', 'sys/mounts/nope'],
      ['sys/internal/ui/mounts/secret', 'sys/internal/ui/mounts/nope'],
      ['sys/internal/ui/mounts/secret/x', 'sys/internal/ui/mounts/nope/x'],
      ['sys/policies/acl/default', 'sys/policies/acl/nope'],
    ] as const;
    await target.changesNothing(async () => {
      for (const [there, absent] of pairs) {
        for (const method of methods) {
          for (const token of [null, 'garbage', 's.garbagegarbagegarbagegar', 'b.AAAA']) {
            const body = method.startsWith('P') ? { body: {} } : {};
            const one = await target.call(method, there, { token, ...body });
            const other = await target.call(method, absent, { token, ...body });
            assert.deepEqual(shape(one), shape(other), `${method} ${there} and ${absent}`);
            assert.ok([403, 405].includes(one.status), `${method} ${there}: ${one.status}`);
          }
        }
      }
    });
  });

  test('SEC-20: a credential is never passed to an engine, whatever the mount says', async () => {
    await target.expect('POST', 'sys/mounts/secret/tune', {
      body: {
        passthrough_request_headers: ['Authorization', 'X-Vault-Token', 'Cookie', 'X-Ok'],
        allowed_response_headers: ['Authorization', 'X-Vault-Token', 'X-Ok'],
      },
    });
    const token = await target.tokenWith('path "secret/*" { capabilities = ["create", "read"] }');
    await secret('in20');
    const answers = [
      await target.call('GET', 'secret/data/in20', {
        token: null,
        headers: { authorization: `Bearer ${token}`, cookie: `t=${token}` },
      }),
      await target.call('GET', 'secret/data/in20', { token }),
    ];
    for (const received of answers) assert.equal(received.status, 200);
    target.assertSecret(token, ...answers);
  });

  test('SEC-21: internal operations cannot be named from outside', async () => {
    await target.changesNothing(async () => {
      for (const operation of [
        'alias-lookahead',
        'resolve-role',
        'renew',
        'revoke',
        'rollback',
        'update',
      ]) {
        const received = await target.call('GET', 'secret/data/a/s', {
          token: null,
          headers: {
            'X-Vault-Inline-Auth-Path': 'auth/token/create',
            'X-Vault-Inline-Auth-Operation': operation,
            'X-Vault-Inline-Auth-Parameter-x': 'eyJrZXkiOiJhIiwidmFsdWUiOiJiIn0',
          },
        });
        assertRefused(received, operation, [400, 403]);
        target.assertSecret(CANARY, received);
        const asMethod = await target.call(operation.toUpperCase(), 'secret/data/a/s');
        assertRefused(asMethod, `method ${operation}`, [400, 405]);
      }
    });
  });

  test('SEC-29: what a proxy would vouch for is believed from nobody', async () => {
    const token = await target.tokenWith('path "secret/*" { capabilities = ["read"] }', {
      token_bound_cidrs: ['192.0.2.0/24'],
      bound_cidrs: ['192.0.2.0/24'],
    });
    const bound = await target.expect('POST', 'auth/token/roles/bound', {
      body: { token_bound_cidrs: ['192.0.2.0/24'] },
    });
    assert.ok(bound);
    const { auth } = await target.expect('POST', 'auth/token/create/bound', { body: {} });
    for (const headers of [
      { 'X-Forwarded-For': '192.0.2.7' },
      { 'X-Real-IP': '192.0.2.7' },
      { Forwarded: 'for=192.0.2.7' },
      { 'Client-Cert': ':MIIB:', 'X-Processed-Tls-Client-Certificate': 'MIIB' },
    ]) {
      const received = await target.call('GET', 'auth/token/lookup-self', {
        token: textOf(auth, 'client_token'),
        headers,
      });
      assertRefused(received, JSON.stringify(headers), [403]);
    }
    assert.ok(token);
  });
});
