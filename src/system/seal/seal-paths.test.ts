/** The paths around the seal, on a real barrier: what clients see of a server's life. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TEST_WORLD } from '../../barrier/barrier-fixture.ts';
import { Barrier } from '../../barrier/barrier.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { createShamirSeal } from '../../seal/shamir/shamir-seal.ts';
import { createStaticSeal } from '../../seal/static/static-seal.ts';
import type { Seal } from '../../seal/seal.ts';
import { Unsealer } from '../../seal/unsealer.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { keyringPaths } from './keyring-paths.ts';
import type { SealPorts } from './ports.ts';
import { rekeyPaths } from './rekey-paths.ts';
import { rootGenerationPaths } from './root-generation-paths.ts';
import { sealPaths } from './seal-paths.ts';

test('the newer paths of a rotation name the nonce of its verification, and end one that cannot be', async () => {
  const { bench, read, write } = await server();
  const made = await write('init', INIT);
  for (const key of made.keys) await write('unseal', { key });
  await write('rotate/root/init', INIT);
  assert.equal((await read('rotate/root/init'))['verification_nonce'], '');
  assert.equal((await read('rekey/init'))['verification_nonce'], undefined);
  await bench.call('delete', 'rotate/recovery/init');
  await bench.fail('delete', 'rekey-recovery-key/init');
});

test('bodies of the oldest paths are read strictly', async () => {
  const { bench } = await server();
  await bench.fail('write', 'init', { secret_shares: '3', secret_threshold: '2' });
  await bench.fail('write', 'init', { ...INIT, secret_shares: 2.5 });
  await bench.call('write', 'init', INIT);
  await bench.fail('write', 'unseal', { reset: 'true' });
  await bench.fail('write', 'unseal', { key: 5 });
  await bench.fail('write', 'rekey/init', { secret_shares: '3', secret_threshold: 2 });
  await bench.fail('write', 'rekey/init', { ...INIT, backup: 'false' });
  await bench.fail('write', 'generate-root/attempt', { otp: 5 });
});

const TOKEN = 's.0123456789abcdefghijklmn';
const INIT = { secret_shares: 3, secret_threshold: 2 };

interface Data {
  readonly [name: string]: unknown;
  readonly keys: readonly string[];
  readonly keys_base64: readonly string[];
  readonly nonce: string;
  readonly otp: string;
}

interface Server {
  readonly bench: Bench;
  readonly ports: SealPorts;
  readonly write: (path: string, body?: Record<string, string | number | boolean>) => Promise<Data>;
  readonly read: (path: string) => Promise<Data>;
}

async function server(
  seal: Seal = createShamirSeal(TEST_WORLD.random),
  open = true,
): Promise<Server> {
  const storage = createMemoryStorage();
  const barrier = new Barrier({ storage, world: TEST_WORLD });
  const unsealer = new Unsealer({ barrier, storage, seal, world: TEST_WORLD });
  const ports: SealPorts = {
    unsealer,
    keyring: barrier,
    initialize: async (request) => ({
      ...(await unsealer.init(request, async () => undefined)),
      rootToken: TOKEN,
    }),
    serve: async () => undefined,
    seal: async () => unsealer.seal(),
    makeRootToken: async () => TOKEN,
    version: '2.0.0',
    storageType: 'inmem',
    clusterName: () => 'cluster',
    clusterId: () => barrier.clusterId,
    openRekey: open,
    openRootGeneration: open,
  };
  const bench = await openBench({
    type: 'system',
    kind: 'system',
    scope: 'unit',
    summary: 'Seal.',
    paths: [
      ...sealPaths(ports),
      ...keyringPaths(ports),
      ...rekeyPaths(ports),
      ...rootGenerationPaths(ports),
    ],
  });
  return {
    bench,
    ports,
    write: async (path, body = {}) => dataOf(await bench.call('write', path, body)),
    read: async (path) => dataOf(await bench.call('read', path)),
  };
}

function dataOf(reply: Awaited<ReturnType<Bench['call']>>): Data {
  return (reply?.data ?? {}) as Data;
}

async function unsealed(): Promise<Server & { keys: readonly string[] }> {
  const made = await server();
  const { keys } = await made.write('init', INIT);
  for (const key of keys.slice(0, 2)) await made.write('unseal', { key });
  return { ...made, keys };
}

describe('from an empty store to a server in service', () => {
  test('and back', async () => {
    const { bench, read, write } = await server();
    assert.deepEqual(await read('init'), { initialized: false });
    assert.equal(
      (await bench.fail('write', 'unseal', { key: 'ab'.repeat(33) })).code,
      'invalid_request',
    );
    const made = await write('init', INIT);
    assert.equal(made['root_token'], TOKEN);
    assert.deepEqual(
      made.keys,
      made.keys_base64.map((key) => Buffer.from(key, 'base64').toString('hex')),
    );
    const sealed = await read('seal-status');
    assert.equal(sealed['sealed'], true);
    assert.equal('cluster_id' in sealed, false);
    assert.equal((await write('unseal', { key: made.keys[0] ?? '' }))['progress'], 1);
    const open = await write('unseal', { key: made.keys_base64[2] ?? '' });
    assert.equal(open['sealed'], false);
    assert.match(String(open['cluster_id']), /^[0-9a-f-]{36}$/);
    assert.equal(await bench.call('write', 'seal'), undefined);
    assert.equal((await read('seal-status'))['sealed'], true);
  });

  test('shares may be taken back, and are asked for in words', async () => {
    const { bench, write } = await server();
    const { keys } = await write('init', INIT);
    await write('unseal', { key: keys[0] ?? '' });
    assert.equal((await write('unseal', { reset: true }))['progress'], 0);
    assert.match((await bench.fail('write', 'unseal', {})).message, /'reset' set to true/);
    assert.match((await bench.fail('write', 'unseal', { key: 'zz' })).message, /hex or base64/);
    const migrate = { key: keys[0] ?? '', migrate: true };
    assert.match((await bench.fail('write', 'unseal', migrate)).message, /no migration seal/);
  });

  test('a seal that opens by itself has recovery keys', async () => {
    const seal = createStaticSeal(
      { current: { id: '1', key: Buffer.alloc(32, 1) } },
      TEST_WORLD.random,
    );
    const { bench, read, write } = await server(seal);
    assert.match(
      (await bench.fail('write', 'init', INIT)).message,
      /not applicable to seal type static/,
    );
    const made = await write('init', { recovery_shares: 1, recovery_threshold: 1 });
    assert.deepEqual(made.keys, []);
    assert.equal((made['recovery_keys'] as string[]).length, 1);
    const status = await read('seal-status');
    assert.deepEqual(
      [status['sealed'], status['recovery_seal'], status['type']],
      [false, true, 'static'],
    );
  });
});

describe('with the word of the key holders', () => {
  test('new shares replace the old', async () => {
    const { bench, write, keys } = await unsealed();
    const { nonce } = await write('rekey/init', { secret_shares: 1, secret_threshold: 1 });
    assert.equal((await write('rekey/update', { key: keys[0] ?? '', nonce }))['progress'], 1);
    const done = await write('rekey/update', { key: keys[1] ?? '', nonce });
    assert.equal(done['complete'], true);
    await bench.call('write', 'seal');
    assert.equal((await write('unseal', { key: done.keys[0] ?? '' }))['sealed'], false);
  });

  test('the authenticated form says the same in the envelope', async () => {
    const { bench, write, keys } = await unsealed();
    const start = await bench.call('write', 'rotate/root/init', {
      ...INIT,
      require_verification: true,
    });
    assert.equal(start?.bare, false);
    const { nonce } = dataOf(start);
    await write('rotate/root/update', { key: keys[0] ?? '', nonce });
    const made = await write('rotate/root/update', { key: keys[1] ?? '', nonce });
    const verification = { nonce: String(made['verification_nonce']) };
    assert.equal(
      (await write('rotate/root/verify', { key: made.keys[0] ?? '', ...verification }))['progress'],
      1,
    );
    const done = await write('rotate/root/verify', { key: made.keys[1] ?? '', ...verification });
    assert.equal(done['complete'], true);
    assert.match((await bench.fail('read', 'rotate/root/backup')).message, /no backed-up keys/);
    assert.equal(await bench.call('write', 'rotate/root'), undefined);
    assert.equal((await bench.fail('read', 'rotate/recovery/init')).code, 'invalid_request');
  });

  test('a root token comes under a one-time password, and off it', async () => {
    const { write, keys } = await unsealed();
    const { nonce, otp } = await write('generate-root/attempt');
    await write('generate-root/update', { key: keys[0] ?? '', nonce });
    const done = await write('generate-root/update', { key: keys[2] ?? '', nonce });
    const encoded = String(done['encoded_root_token']);
    assert.notEqual(encoded, TOKEN);
    const decoded = await write('decode-token', { encoded_token: encoded, otp });
    assert.equal(decoded['token'], TOKEN);
  });

  test('needs a token with sudo unless a listener says otherwise', async () => {
    for (const open of [true, false]) {
      const { ports } = await server(undefined, open);
      for (const path of [...rekeyPaths(ports), ...rootGenerationPaths(ports)]) {
        const old =
          /^(?:rekey|rekey-recovery-key|generate-root)(?:\/(?:init|update|verify|attempt))?$/;
        if (path.pattern === 'decode-token') continue;
        const expected = open && old.test(path.pattern);
        assert.equal(path.unauthenticated === true, expected, path.pattern);
        assert.equal(path.sudo === true, !expected, path.pattern);
        assert.equal(path.rootNamespaceOnly, true, path.pattern);
      }
    }
  });
});

describe('the encryption key', () => {
  test('rotates, and is counted', async () => {
    const { bench, read, write } = await unsealed();
    assert.equal((await read('key-status'))['term'], 1);
    await write('rotate');
    await write('rotate/keyring');
    const status = await read('key-status');
    assert.equal(status['term'], 3);
    assert.match(String(status['install_time']), /^\d{4}-.*Z$/);
    assert.equal((await bench.call('read', 'key-status'))?.injectTopLevel, true);
  });

  test('rotates by itself within limits', async () => {
    const { bench, read, write } = await unsealed();
    const initial = { enabled: true, interval: 0, max_operations: 3_865_470_566 };
    assert.deepEqual(await read('rotate/config'), initial);
    await write('rotate/config', { max_operations: 1_000_000_000, interval: '720h' });
    const changed = { enabled: true, interval: '720h0m0s', max_operations: 1_000_000_000 };
    assert.deepEqual(await read('rotate/keyring/config'), changed);
    for (const body of [{ max_operations: 5 }, { interval: '1h' }, { interval: 'bogus' }]) {
      assert.equal((await bench.fail('write', 'rotate/config', body)).code, 'invalid_request');
    }
    assert.deepEqual(await read('rotate/config'), changed);
  });
});
