/** Mounts come, move and go with their data and their leases, and none ever stands in the place of another. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JsonObject } from '../base/json.ts';
import { createFaultyStorage } from '../storage/faulty.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import { openInstance, restarted } from './instance-fixture.ts';
import type { OpenInstance, OpeningOptions } from './instance-fixture.ts';

async function withServer(
  run: (server: OpenInstance) => Promise<void>,
  options: OpeningOptions = {},
): Promise<void> {
  const server = await openInstance(options);
  try {
    await run(server);
  } finally {
    await server.instance.close();
  }
}

const mount = (server: OpenInstance, path: string, namespace = ''): Promise<string> =>
  server.outcome('write', `sys/mounts/${path}`, { namespace, data: { type: 'lending' } });
const note = (server: OpenInstance, path: string, namespace = ''): Promise<string> =>
  server.outcome('write', `${path}/note/a`, { namespace, data: { text: 'kept' } });
const noted = async (server: OpenInstance, path: string, namespace = ''): Promise<unknown> =>
  (await server.ask('read', `${path}/note/a`, { namespace })).reply?.data?.['text'];
const move = (server: OpenInstance, from: string, to: string): Promise<string> =>
  server.outcome('write', 'sys/remount', { data: { from, to } });

suite('where a mount may be', () => {
  test('is of a type that is named, or of the plugin that is', () =>
    withServer(async (server) => {
      const outcome = async (data: JsonObject): Promise<string> =>
        await server.outcome('write', 'sys/mounts/typed', { data });
      assert.equal(await outcome({ plugin_name: 'kv' }), 'invalid_request');
      assert.equal(await outcome({ type: 'plugin' }), 'invalid_request');
      assert.equal(await outcome({ type: 'plugin', plugin_name: 'kv' }), 'ok');
      const { reply } = await server.ask('read', 'sys/mounts/typed');
      assert.equal(reply?.data?.['type'], 'kv');
    }));

  test('not above, below or in place of another, nor where the server has its own', () =>
    withServer(async (server) => {
      assert.equal(await mount(server, 'a/b'), 'ok');
      await server.get('write', 'sys/namespaces/tenant');
      for (const path of [
        'a/b',
        'a',
        'a/b/c',
        'sys',
        'sys/x',
        'auth/x',
        'identity',
        'cubbyhole/x',
        'tenant/x',
        'tenant',
      ]) {
        assert.equal(await mount(server, path), 'invalid_request', path);
      }
      for (const path of ['a/c', 'ab', 'a/bc']) assert.equal(await mount(server, path), 'ok', path);
      assert.equal(await server.outcome('write', 'sys/namespaces/ab'), 'invalid_request');
      assert.equal(await mount(server, 'a/b', 'tenant/'), 'ok');
    }));

  test('of many who want one place, one gets it', () =>
    withServer(async (server) => {
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => mount(server, 'wanted')));
      assert.equal(outcomes.filter((outcome) => outcome === 'ok').length, 1);
      assert.equal(outcomes.filter((outcome) => outcome === 'invalid_request').length, 9);
    }));
});

suite('a removed mount', () => {
  test('is gone at once, its leases and data with it', () =>
    withServer(async (server) => {
      await mount(server, 'lend');
      await note(server, 'lend');
      for (let count = 0; count < 3; count++) await server.get('read', 'lend/creds/60/60');
      assert.equal(await server.outcome('delete', 'sys/mounts/lend'), 'ok');
      assert.equal(server.target.live.size, 0);
      assert.notEqual(await server.outcome('read', 'lend/note/a'), 'ok');
      assert.equal(await mount(server, 'lend'), 'ok');
      assert.equal(await noted(server, 'lend'), undefined);
    }));

  test('keeps its place and its data until its leases are revoked', () =>
    withServer(async (server) => {
      await mount(server, 'lend');
      await server.get('read', 'lend/creds/60/60');
      server.target.mode = 'fails';
      await server.get('delete', 'sys/mounts/lend');
      assert.notEqual(await server.outcome('read', 'lend/note/a'), 'ok');
      assert.equal(await mount(server, 'lend'), 'invalid_request');
      server.target.mode = 'works';
      await server.pass(10);
      await server.pass(10);
      assert.equal(server.target.live.size, 0);
      assert.equal(await mount(server, 'lend'), 'ok');
    }));

  test('whose target is gone for good is let go by force', () =>
    withServer(async (server) => {
      await mount(server, 'lend');
      await server.get('read', 'lend/creds/60/60');
      server.target.mode = 'fails';
      await server.get('delete', 'sys/mounts/lend');
      for (let round = 0; round < 8; round++) await server.pass(400);
      assert.equal(await mount(server, 'lend'), 'invalid_request');
      assert.equal(await server.outcome('write', 'sys/leases/revoke-force/lend'), 'ok');
      await server.pass(10);
      assert.equal(await mount(server, 'lend'), 'ok');
    }));

  test('is shown by its own path, an auth method also by its path among the mounts', () =>
    withServer(async (server) => {
      await server.get('write', 'sys/auth/people', { data: { type: 'userpass' } });
      for (const path of ['sys/auth/people', 'sys/mounts/auth/people', 'sys/mounts/auth/token']) {
        assert.match(String((await server.get('read', path))['accessor']), /^auth_/);
      }
      for (const path of ['sys/mounts/auth/nobody', 'sys/auth/sys', 'sys/mounts/people']) {
        assert.equal(await server.outcome('read', path), 'invalid_request');
      }
    }));

  test('does not take the place of what the server is born with', () =>
    withServer(async (server) => {
      for (const path of ['sys', 'cubbyhole', 'identity']) {
        assert.equal(await server.outcome('delete', `sys/mounts/${path}`), 'invalid_request');
      }
      assert.equal(await server.outcome('delete', 'sys/auth/token'), 'invalid_request');
    }));
});

suite('a mount that moves', () => {
  for (const [from, to] of [
    ['lend', 'there'],
    ['lend', 'tenant/there'],
    ['tenant/lend', 'there'],
  ] as const) {
    test(`from ${from} to ${to}, with its data and without its leases`, () =>
      withServer(async (server) => {
        await server.get('write', 'sys/namespaces/tenant');
        assert.equal(
          await mount(
            server,
            from.replace('tenant/', ''),
            from.startsWith('tenant/') ? 'tenant/' : '',
          ),
          'ok',
        );
        await note(server, from);
        await server.get('read', `${from}/creds/60/60`);
        assert.equal(await move(server, from, to), 'ok');
        assert.equal(await noted(server, to), 'kept');
        assert.notEqual(await server.outcome('read', `${from}/note/a`), 'ok');
        assert.equal(server.target.live.size, 0);
      }));
  }

  test('more data than one transaction takes', () =>
    withServer(async (server) => {
      await server.get('write', 'sys/namespaces/tenant');
      await mount(server, 'lend');
      await Promise.all(
        Array.from({ length: 1200 }, (_, at) =>
          server.get('write', `lend/note/n${at}`, {
            data: { text: `${at}`.repeat(at % 50 === 0 ? 100_000 : 1) },
          }),
        ),
      );
      assert.equal(await move(server, 'lend', 'tenant/there'), 'ok');
      for (const at of [0, 1, 599, 1199]) {
        const { text } = await server.get('read', `tenant/there/note/n${at}`);
        assert.equal(String(text).startsWith(`${at}`), true);
      }
    }));

  test('keeps its new place free while it is on its way', () =>
    withServer(async (server) => {
      await mount(server, 'lend');
      await note(server, 'lend');
      await server.get('read', 'lend/creds/60/60');
      server.target.mode = 'fails';
      assert.equal(await move(server, 'lend', 'there'), 'ok');
      for (const path of ['there', 'there/below', 'lend']) {
        assert.equal(await mount(server, path), 'invalid_request', path);
      }
      assert.equal(await server.outcome('write', 'sys/namespaces/there'), 'invalid_request');
      server.target.mode = 'works';
      await server.pass(10);
      await server.pass(10);
      assert.equal(await noted(server, 'there'), 'kept');
      assert.equal(await mount(server, 'lend'), 'ok');
    }));

  test('is whole in one of both places, wherever the server stopped', async () => {
    const moving = async (server: OpenInstance): Promise<void> => {
      await server.ask('write', 'sys/remount', { data: { from: 'lend', to: 'tenant/there' } });
    };
    let finished = false;
    for (let call = 1; !finished; call++) {
      const storage = createMemoryStorage();
      let countdown = Number.POSITIVE_INFINITY;
      const failing = createFaultyStorage(storage, () => (--countdown < 0 ? 'before' : undefined));
      const server = await openInstance({ storage: failing });
      await server.get('write', 'sys/namespaces/tenant');
      await mount(server, 'lend');
      await note(server, 'lend');
      await server.get('read', 'lend/creds/60/60');
      countdown = call;
      await moving(server);
      finished = countdown >= 0;
      const later = await restarted(server, storage);
      await later.pass(0);
      await later.pass(60);
      const places = [await noted(later, 'lend'), await noted(later, 'tenant/there')];
      assert.equal(places.filter((text) => text === 'kept').length, 1, `call ${call}`);
      if (places[1] === 'kept') assert.equal(later.target.live.size, 0, `call ${call}`);
      await later.instance.close();
    }
  });
});

suite('the settings of a mount', () => {
  const tune = (server: OpenInstance, path: string, data: JsonObject): Promise<string> =>
    server.outcome('write', `sys/${path}/tune`, { data });
  const shown = (server: OpenInstance, path: string): Promise<Record<string, unknown>> =>
    server.get('read', `sys/${path}/tune`);

  test('show that it asked for entropy from outside, when it did', () =>
    withServer(async (server) => {
      for (const wish of [true, false]) {
        const path = `sys/mounts/entropy-${String(wish)}`;
        await server.get('write', path, { data: { type: 'kv', external_entropy_access: wish } });
        const tuned = await server.get('read', `${path}/tune`);
        assert.equal(tuned['external_entropy_access'], wish ? true : undefined);
      }
    }));

  test('show its own default, however small its maximum is', () =>
    withServer(async (server) => {
      await mount(server, 'a');
      const before = await shown(server, 'mounts/a');
      assert.equal(await tune(server, 'mounts/a', { max_lease_ttl: '60' }), 'ok');
      const { default_lease_ttl, max_lease_ttl } = await shown(server, 'mounts/a');
      assert.deepEqual([default_lease_ttl, max_lease_ttl], [before['default_lease_ttl'], 60]);
      assert.equal(await tune(server, 'mounts/a', { default_lease_ttl: '61' }), 'invalid_request');
      assert.equal(await tune(server, 'mounts/a', { default_lease_ttl: '' }), 'ok');
      assert.deepEqual((await shown(server, 'mounts/a'))['max_lease_ttl'], 60);
    }));

  test('lose an option that is set to nothing, but never their version', () =>
    withServer(async (server) => {
      const options = async (): Promise<unknown> => (await shown(server, 'mounts/a'))['options'];
      await mount(server, 'a');
      await tune(server, 'mounts/a', { options: { version: '1', x: 'y' } });
      await tune(server, 'mounts/a', { options: { x: '' } });
      assert.deepEqual(await options(), { version: '1' });
      for (const version of ['0', '3', 'x', '']) {
        const outcome = await tune(server, 'mounts/a', { options: { version } });
        assert.equal(outcome, 'invalid_request', version);
      }
    }));

  test('of what the server is born with stay, except what audit records show', () =>
    withServer(async (server) => {
      for (const path of ['mounts/sys', 'mounts/identity', 'mounts/cubbyhole']) {
        assert.equal(await tune(server, path, { options: { a: 'b' } }), 'invalid_request');
        assert.equal(await tune(server, path, { audit_non_hmac_request_keys: 'a,b' }), 'ok');
        assert.deepEqual((await shown(server, path))['audit_non_hmac_request_keys'], ['a', 'b']);
      }
      assert.equal(await tune(server, 'auth/token', { token_type: 'batch' }), 'invalid_request');
    }));

  test('are refused when they are none', () =>
    withServer(async (server) => {
      const made = (data: JsonObject): Promise<string> =>
        server.outcome('write', 'sys/mounts/b', { data: { type: 'lending', ...data } });
      const wrong: JsonObject[] = [
        { config: { force_no_cache: 'true' } },
        { config: { default_lease_ttl: true } },
        { config: { passthrough_request_headers: { a: 1 } } },
        { config: { plugin_version: 'v9.9.9' } },
        { config: { plugin_version: 'new' } },
        { options: { version: '2' } },
      ];
      for (const data of wrong) {
        assert.equal(await made(data), 'invalid_request', JSON.stringify(data));
      }
      await mount(server, 'a');
      assert.equal(await tune(server, 'mounts/a', { plugin_version: '1.0.0' }), 'invalid_request');
      assert.equal(
        await tune(server, 'mounts/a', { user_lockout_config: { lockout_threshold: '3' } }),
        'invalid_request',
      );
    }));
});
