/** Where nobody is asked for a token and where everything needs sudo, also when there is nothing; and names with a slash behind them. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { CallOperation } from '../core/call.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

let server: OpenInstance;
let mighty: string;
before(async () => {
  server = await openInstance();
  const policy = 'path "*" { capabilities = ["create", "read", "update", "delete", "list"] }';
  await server.get('write', 'sys/policies/acl/mighty', { data: { policy } });
  mighty = await server.tokenFor('mighty');
});
after(async () => await server.instance.close());

suite('places', () => {
  test('that are open tell everybody that there is nothing', async () => {
    for (const path of [
      'identity/oidc/.well-known/x',
      'identity/oidc/provider/p/.well-known/x',
      'sys/replication/status',
      'sys/wrapping/pubkey',
    ]) {
      assert.equal(await server.outcome('read', path, { token: null }), 'not_found', path);
    }
    assert.equal(
      await server.outcome('read', 'identity/oidc/x', { token: null }),
      'permission_denied',
    );
  });

  test('that need sudo tell nobody else', async () => {
    const asked: readonly (readonly [CallOperation, string])[] = [
      ['list', 'sys/config/auditing/request-headers/'],
      ['list', 'sys/config/ui/headers/x/'],
      ['list', 'sys/audit/'],
      ['delete', 'sys/plugins/catalog/'],
    ];
    for (const [operation, path] of asked) {
      assert.equal(await server.outcome(operation, path, { token: mighty }), 'permission_denied');
      assert.notEqual(await server.outcome(operation, path), 'permission_denied', path);
    }
  });

  test('a folder may need what the name without the slash does not', async () => {
    const outcome = (operation: CallOperation, path: string): Promise<string> =>
      server.outcome(operation, path, { token: mighty });
    assert.equal(await outcome('list', 'sys/config/ui/headers/'), 'permission_denied');
    assert.equal(await outcome('read', 'sys/config/ui/headers'), 'unsupported_operation');
    assert.equal(await outcome('read', 'sys/plugins/catalog/'), 'permission_denied');
    assert.equal(await outcome('read', 'sys/plugins/catalog'), 'ok');
  });
});

suite('the catalogue', () => {
  test('has kinds to list and entries to read, of the version that there is', async () => {
    const path = 'sys/plugins/catalog/secret';
    assert.ok(((await server.get('list', `${path}/`))['keys'] as string[]).includes('kv'));
    assert.equal(await server.outcome('read', path), 'unsupported_operation');
    const { version } = await server.get('read', `${path}/kv`);
    const asked = async (wish: unknown): Promise<string> =>
      await server.outcome('read', `${path}/kv`, { data: { version: String(wish) } });
    assert.deepEqual([await asked(version), await asked('v9.9.9')], ['ok', 'not_found']);
  });

  test('tells programs of old what they get nothing of', async () => {
    for (const operation of ['read', 'delete'] as const) {
      const { reply } = await server.ask(operation, 'sys/plugins/catalog/kv');
      assert.match(reply?.warnings?.[0] ?? '', /Deprecated/);
    }
    const written = await server.outcome('write', 'sys/plugins/catalog/kv');
    assert.equal(written, 'invalid_request');
  });
});

suite('leases', () => {
  test('have texts for ids', async () => {
    for (const path of ['sys/leases/revoke', 'sys/leases/renew', 'sys/leases/revoke/x']) {
      const { error } = await server.ask('write', path, { data: { lease_id: 7 } });
      assert.deepEqual([error?.code, error?.message], ['invalid_request', 'invalid lease ID']);
    }
  });

  test('that nobody waits for are accepted without a word', async () => {
    for (const path of ['sys/leases/revoke/none', 'sys/leases/revoke-prefix/none']) {
      const { reply } = await server.ask('write', path, { data: { sync: false } });
      assert.deepEqual([reply?.status, reply?.raw?.body], [202, '']);
    }
    const forced = await server.ask('write', 'sys/leases/revoke-force/none', {
      data: { sync: 'never' },
    });
    assert.deepEqual([forced.error, forced.reply?.status], [undefined, undefined]);
  });

  test('are counted with flags that are flags', async () => {
    const data = { type: 'irrevocable', include_child_namespaces: 'x' };
    assert.equal(await server.outcome('read', 'sys/leases/count', { data }), 'invalid_request');
    assert.equal(await server.outcome('read', 'sys/leases', { data }), 'invalid_request');
  });
});

suite('namespaces', () => {
  test('are told of level by level, and mounts with their way there', async () => {
    for (const path of ['sys/namespaces/up', 'up/sys/namespaces/down'])
      await server.get('write', path);
    await server.get('write', 'up/sys/mounts/kv', { data: { type: 'kv' } });
    const names = async (namespace: string): Promise<unknown> =>
      (await server.get('read', 'sys/internal/ui/namespaces', { namespace }))['keys'];
    assert.deepEqual([await names(''), await names('up/')], [['up/'], ['down/']]);
    const way = async (path: string, namespace: string): Promise<unknown> =>
      (await server.get('read', `sys/internal/ui/mounts/${path}`, { namespace }))['path'];
    assert.equal(await way('up/kv/x', ''), 'up/kv/');
    assert.equal(await way('kv/x', 'up/'), 'kv/');
  });

  test('list aliases whose mount is gone', async () => {
    await server.get('write', 'sys/auth/gone', { data: { type: 'approle' } });
    const { accessor } = await server.get('read', 'sys/auth/gone');
    const { id: owner } = await server.get('write', 'identity/entity', { data: { name: 'e' } });
    const data = { name: 'a', canonical_id: String(owner), mount_accessor: String(accessor) };
    await server.get('write', 'identity/entity-alias', { data });
    const shown = async (): Promise<Record<string, unknown> | undefined> => {
      const listed = await server.get('list', 'identity/entity-alias/id/');
      return Object.values(listed['key_info'] as Record<string, Record<string, unknown>>)[0];
    };
    assert.equal((await shown())?.['mount_type'], 'approle');
    await server.ask('delete', 'sys/auth/gone');
    const left = await shown();
    assert.deepEqual([left?.['mount_path'], left?.['mount_type']], ['', '']);
  });
});

suite('what was not found', () => {
  test('is said of loggers and of namespaces that shall be locked as a mistake', async () => {
    const asked: readonly (readonly [CallOperation, string])[] = [
      ['delete', 'sys/loggers/none'],
      ['read', 'sys/loggers/'],
      ['write', 'sys/namespaces/api-lock/lock/none'],
    ];
    for (const [operation, path] of asked) {
      assert.equal(await server.outcome(operation, path), 'invalid_request', path);
    }
  });

  test('the policy of wrapping tokens is as old as its namespace', async () => {
    const shown = await server.get('read', 'sys/policies/acl/response-wrapping');
    const first = await server.get('read', 'sys/policies/acl/default');
    assert.equal(shown['modified'], first['modified']);
    await server.pass(60);
    const data = { policy: String(first['policy']) };
    await server.get('write', 'sys/policies/acl/default', { data });
    const later = await server.get('read', 'sys/policies/acl/response-wrapping');
    assert.equal(later['modified'], shown['modified']);
  });
});
