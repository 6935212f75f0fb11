/** Logins that a real FreeRADIUS judges. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { RequestError } from '../../model/errors.ts';
import {
  FREERADIUS_HINT,
  FREERADIUS_IS_THERE,
  SECRET,
  startFreeRadius,
} from './freeradius.testkit.ts';
import type { FreeRadius } from './freeradius.testkit.ts';
import { radiusBackend } from './radius.ts';
import type { Reply } from '../../model/reply.ts';

const backend = radiusBackend({ clock: systemClock, random: systemRandom });
const REFUSAL = 'access denied by the authentication server';
const LONG = 'a password of more than sixteen bytes, and of more than thirty-two';
const PASSWORDS = { ada: 'lovelace', Bob: LONG };

async function withConfig(config: JsonObject): Promise<Bench> {
  const bench = await openBench(backend);
  await bench.call('write', 'config', { host: '127.0.0.1', secret: SECRET, ...config });
  return bench;
}

async function outcome(bench: Bench, path: string, data: JsonObject): Promise<string> {
  try {
    return (await bench.call('write', path, data))?.auth?.alias?.name ?? 'nobody';
  } catch (error) {
    if (error instanceof RequestError) return error.message;
    throw error;
  }
}

async function renewed(bench: Bench, reply: Reply | undefined): Promise<unknown> {
  const { auth } = reply ?? {};
  const renewal = {
    internal: auth?.internal ?? {},
    displayName: '',
    metadata: auth?.metadata ?? {},
    policies: auth?.policies ?? [],
    connection: {
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      clientCertificates: [],
      local: false,
    },
    incrementSeconds: 0,
    nowMs: bench.nowMs,
  };
  return await bench.store(async (store) => await backend.renewAuth?.(renewal, store));
}

suite('FreeRADIUS', { skip: FREERADIUS_IS_THERE ? false : FREERADIUS_HINT }, () => {
  let server: FreeRadius;
  before(async () => {
    server = await startFreeRadius(PASSWORDS);
  });
  after(() => server.stop());
  const open = async (config: JsonObject = {}): Promise<Bench> =>
    await withConfig({ port: server.port, ...config });

  test('lets in whom it knows, by the path or by the body', async () => {
    const bench = await open();
    assert.equal(await outcome(bench, 'login/ada', { password: 'lovelace' }), 'ada');
    assert.equal(await outcome(bench, 'login', { username: 'ada', password: 'lovelace' }), 'ada');
    assert.equal(await outcome(bench, 'login/Bob', { password: LONG }), 'bob');
    const error = await bench.fail('write', 'login/ada', { password: 'wrong' });
    assert.deepEqual([error.message, error.invalidCredentials], [REFUSAL, true]);
    for (const [name, password] of [
      ['nobody', 'x'],
      ['ada', 'x'.repeat(129)],
      ['ada', 'lovelace\0'],
      ['x'.repeat(254), 'x'],
    ] as const)
      assert.equal(await outcome(bench, `login/${name}`, { password }), REFUSAL, name);
  });

  test('with the policies of the user, or of those that are not named', async () => {
    const bench = await open({ unregistered_user_policies: 'guest', token_policies: 'all' });
    await bench.call('write', 'users/ADA', { policies: 'dev,Ops' });
    const known = await bench.call('write', 'login/ada', { password: 'lovelace' });
    assert.deepEqual(known?.auth?.policies, ['all', 'dev', 'ops']);
    const other = await bench.call('write', 'login/Bob', { password: LONG });
    assert.deepEqual(other?.auth?.policies, ['all', 'guest']);
    assert.deepEqual((await bench.call('list', 'users'))?.data, { keys: ['ada'] });
    for (const policies of ['root', ' ROOT ']) await bench.fail('write', 'users/eve', { policies });
    await bench.fail('write', 'config', { unregistered_user_policies: 'Root' });
  });

  test('a renewal asks again, and wants the same policies', async () => {
    const bench = await open({ token_ttl: '1h' });
    await bench.call('write', 'users/ada', { policies: 'dev' });
    const login = await bench.call('write', 'login/ada', { password: 'lovelace' });
    assert.doesNotMatch(JSON.stringify(login?.auth), /lovelace/);
    assert.equal(((await renewed(bench, login)) as { ttlSeconds: number }).ttlSeconds, 3600);
    await bench.call('write', 'users/ada', { policies: 'other' });
    await assert.rejects(renewed(bench, login), /policies have changed/);
    await bench.call('write', 'users/ada', { policies: 'dev' });
    await bench.call('write', 'config', { secret: 'another', read_timeout: 1 });
    await assert.rejects(renewed(bench, login), /does not accept/);
  });
});

suite('answers of others', () => {
  let stranger: Socket;
  let port: number;
  before(async () => {
    stranger = createSocket('udp4');
    // Accepts everything, without knowing the secret.
    stranger.on('message', (bytes, from) => {
      const accept = Buffer.from(bytes.subarray(0, 20));
      accept.writeUInt8(2, 0);
      accept.writeUInt16BE(20, 2);
      stranger.send(accept, from.port, from.address);
    });
    stranger.bind(0, '127.0.0.1');
    await once(stranger, 'listening');
    ({ port } = stranger.address());
  });
  after(() => stranger.close());

  test('let nobody in, and count against nobody', async () => {
    for (const require_message_authenticator of [true, false]) {
      const bench = await withConfig({ port, read_timeout: 1, require_message_authenticator });
      const error = await bench.fail('write', 'login/ada', { password: 'lovelace' });
      assert.deepEqual([error.message, error.invalidCredentials], [REFUSAL, false]);
    }
  });

  test('nor does a server that is not there', async () => {
    const closed = createSocket('udp4').bind(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port: nowhere } = closed.address();
    closed.close();
    const bench = await withConfig({ port: nowhere, read_timeout: 1 });
    const error = await bench.fail('write', 'login/ada', { password: 'lovelace' });
    assert.deepEqual([error.message, error.invalidCredentials], [REFUSAL, false]);
  });
});

test('settings are checked, and the secret is not read back', async () => {
  const bench = await withConfig({ port: 1812 });
  const shown = await bench.call('read', 'config');
  assert.equal('secret' in (shown?.data ?? {}), false);
  assert.deepEqual(
    ['host', 'port', 'read_timeout', 'nas_port', 'unregistered_user_policies'].map(
      (name) => shown?.data?.[name],
    ),
    ['127.0.0.1', 1812, 10, 10, []],
  );
  for (const wrong of [{ host: '' }, { secret: '' }, { port: 70_000 }, { read_timeout: 1000 }])
    await bench.fail('write', 'config', wrong);
  const fresh = await openBench(backend);
  await fresh.fail('write', 'login/ada', { password: 'x' });
  await fresh.fail('write', 'config', { host: 'x' });
});
