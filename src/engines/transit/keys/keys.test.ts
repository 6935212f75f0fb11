/** Keys: every combination of type and flags, versions and their limits, and what a key does not give away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../../base/random.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import { openBench } from '../../../core/backend-bench.contract.ts';
import type { Bench } from '../../../core/backend-bench.contract.ts';
import type { Schedule } from '../../../model/outside.ts';
import { findKey } from './key-record.ts';
import { SLH_DSA_SETS } from '../../../crypto/signatures/slh-dsa.ts';
import { KEY_TYPES } from './key-types.ts';
import { transitBackend } from '../transit.ts';

const transit = transitBackend({ random: systemRandom });
const HELLO = Buffer.from('hello world').toString('base64');
/** Making these takes seconds. */
const SLOW = new Set([
  'rsa-3072',
  'rsa-4096',
  ...SLH_DSA_SETS.map((set) => `slh-dsa-${set}`).filter((name) => !name.endsWith('128f')),
]);

function textOf(value: unknown): string {
  assert.ok(typeof value === 'string');
  return value;
}

async function data(bench: Bench, path: string, body: JsonObject = {}) {
  return { ...(await bench.call('write', path, body))?.data };
}

async function read(bench: Bench, path: string) {
  return { ...(await bench.call('read', path))?.data };
}

function versionsIn(key: Record<string, unknown>): string[] {
  return Object.keys(key['keys'] ?? {});
}

test('every type with every flag is made whole or refused whole (GHSA-8w8f-r2xv-4q4j)', async () => {
  const bench = await openBench(transit);
  for (const type of KEY_TYPES.values()) {
    if (SLOW.has(type.name)) continue;
    for (let bits = 0; bits < 16; bits++) {
      const body = {
        type: type.name,
        derived: (bits & 1) !== 0,
        convergent_encryption: (bits & 2) !== 0,
        exportable: (bits & 4) !== 0,
        ...((bits & 8) === 0 ? {} : { key_size: 64 }),
      };
      const name = `${type.name}-${bits}`;
      const fits =
        (!body.derived || type.derives) &&
        (!body.convergent_encryption || (body.derived && type.encrypts)) &&
        (type.family === 'hmac') === ((bits & 8) !== 0);
      if (fits) {
        const made = await data(bench, `keys/${name}`, body);
        assert.equal(made['latest_version'], 1, name);
        const context = body.derived ? { context: 'YQ==' } : {};
        if (type.signs) await bench.call('write', `sign/${name}`, { input: HELLO, ...context });
        if (type.encrypts) {
          await bench.call('write', `encrypt/${name}`, { plaintext: HELLO, ...context });
        }
        await bench.call('write', `hmac/${name}`, { input: HELLO });
      } else {
        assert.equal((await bench.fail('write', `keys/${name}`, body)).code, 'invalid_request');
        assert.equal((await bench.fail('read', `keys/${name}`)).code, 'not_found', name);
      }
    }
  }
});

test('errors name the field and never what was sent (CVE-2025-4166)', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', {});
  const secret = 'S3CRET';
  for (const [path, body] of [
    ['keys/x', { type: secret }],
    ['encrypt/k', { plaintext: { a: secret } }],
    ['encrypt/k', { plaintext: [secret] }],
    ['encrypt/k', { batch_input: secret }],
    ['encrypt/k', { batch_input: [{ plaintext: [secret] }] }],
    ['decrypt/k', { ciphertext: `vault:${secret}:x` }],
    ['decrypt/k', { ciphertext: `vault:v1:${secret}!` }],
    ['hmac/k', { input: HELLO, algorithm: secret }],
    ['sign/k', { input: HELLO, hash_algorithm: secret }],
    ['restore/y', { backup: Buffer.from(`{"policy":"${secret}"}`).toString('base64') }],
    ['keys/z/import', { type: 'ecdsa-p256', public_key: secret }],
  ] as const) {
    const error = await bench.fail('write', path, body as JsonObject);
    assert.ok(!`${error.message} ${error.detail ?? ''}`.includes(secret), path);
  }
});

test('a read shows nothing secret, an export only of what is exportable', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', {});
  await bench.fail('read', 'export/encryption-key/k');
  await bench.fail('read', 'export/hmac-key/k');
  await bench.fail('read', 'backup/k');
  await bench.call('write', 'keys/k/config', { exportable: true });
  const exported = (await read(bench, 'export/encryption-key/k'))['keys'];
  assert.ok(isJsonObject(exported));
  const secret = textOf(exported['1']);
  assert.equal(Buffer.from(secret, 'base64').length, 32);
  assert.ok(!JSON.stringify(await read(bench, 'keys/k')).includes(secret));
  await bench.fail('read', 'backup/k');
  await bench.call('write', 'keys/k/config', { exportable: false, allow_plaintext_backup: true });
  assert.ok('backup' in (await read(bench, 'backup/k')), 'exportable stays');
});

test('versions below the minimum neither decrypt nor show, and trimmed ones are gone', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', { exportable: true });
  const { ciphertext } = await data(bench, 'encrypt/k', { plaintext: HELLO });
  const old = { ciphertext: String(ciphertext) };
  await bench.call('write', 'keys/k/rotate');
  await bench.call('write', 'keys/k/rotate');
  assert.deepEqual(versionsIn(await data(bench, 'keys/k/config', { min_decryption_version: 2 })), [
    '2',
    '3',
  ]);
  await bench.fail('write', 'decrypt/k', old);
  await bench.fail('read', 'export/encryption-key/k/1');
  await bench.call('write', 'keys/k/config', { min_decryption_version: 1 });
  assert.deepEqual(await data(bench, 'decrypt/k', old), { plaintext: HELLO });
  await bench.call('write', 'keys/k/config', {
    min_decryption_version: 2,
    min_encryption_version: 3,
  });
  await bench.fail('write', 'encrypt/k', { plaintext: HELLO, key_version: 2 });
  await bench.call('write', 'keys/k/trim', { min_available_version: 2 });
  await bench.fail('write', 'keys/k/config', { min_decryption_version: 1 });
  await bench.store(async (store) => {
    assert.deepEqual(await store.list('material/k/'), ['2', '3']);
  });
  await bench.call('write', 'keys/k/config', { deletion_allowed: true });
  await bench.call('delete', 'keys/k');
  await bench.store(async (store) => assert.deepEqual(await store.list('material/k/'), []));
});

test('a key that is not there is out of use as it is', async () => {
  const bench = await openBench(transit);
  for (const [operation, path] of [
    ['delete', 'keys/none/soft-delete'],
    ['write', 'keys/none/soft-delete-restore'],
  ] as const)
    assert.equal(await bench.call(operation, path), undefined);
});

test('a soft-deleted key does nothing until it is restored', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', {});
  await bench.call('write', 'keys/e', { type: 'ed25519' });
  const { ciphertext } = await data(bench, 'encrypt/k', { plaintext: HELLO });
  const sealed = String(ciphertext);
  const { hmac } = await data(bench, 'hmac/k', { input: HELLO });
  for (const name of ['k', 'e']) await bench.call('delete', `keys/${name}/soft-delete`);
  for (const [path, body] of [
    ['encrypt/k', { plaintext: HELLO }],
    ['decrypt/k', { ciphertext: sealed }],
    ['rewrap/k', { ciphertext: sealed }],
    ['hmac/k', { input: HELLO }],
    ['verify/k', { input: HELLO, hmac: String(hmac) }],
    ['datakey/plaintext/k', {}],
    ['keys/k/rotate', {}],
    ['sign/e', { input: HELLO }],
    ['keys/e/csr', {}],
  ] as const) {
    const error = await bench.fail('write', path, body);
    assert.match(error.message, /soft-deleted/, path);
  }
  await bench.call('write', 'keys/k/soft-delete-restore');
  assert.deepEqual(await data(bench, 'decrypt/k', { ciphertext: sealed }), { plaintext: HELLO });
});

test('a key rotates by itself when its period is over, and not before', async () => {
  const bench = await openBench(transit);
  await bench.fail('write', 'keys/k', { auto_rotate_period: '30m' });
  await bench.call('write', 'keys/k', { auto_rotate_period: '1h' });
  bench.nowMs += 3_599_999;
  assert.equal((await data(bench, 'encrypt/k', { plaintext: HELLO }))['key_version'], 1);
  bench.nowMs += 1;
  assert.equal((await data(bench, 'encrypt/k', { plaintext: HELLO }))['key_version'], 2);
  assert.equal((await data(bench, 'encrypt/k', { plaintext: HELLO }))['key_version'], 2);
  bench.nowMs += 10 * 3_600_000;
  assert.equal((await read(bench, 'keys/k'))['latest_version'], 3);
});

/** Runs what is due on the calendar, as the expiry queue does. */
async function runDue(bench: Bench): Promise<number> {
  const due = bench.scheduled.filter((each) => each.atMs <= bench.nowMs);
  const later = bench.scheduled.filter((each) => each.atMs > bench.nowMs);
  bench.scheduled.splice(0, Infinity, ...later);
  for (const { task, name } of due) {
    const context = {
      name,
      namespaceId: 'root',
      nowMs: bench.nowMs,
      schedule: (...[to, subject, atMs]: Parameters<Schedule>): void => {
        bench.scheduled.push({ task: to, name: subject, atMs });
      },
      record: async () => ({ failed: (): void => {} }),
    };
    await bench.store(async (store) => await transit.tasks?.[task]?.run(context, store));
  }
  return due.length;
}

test('a key that nobody uses is rotated by the calendar, each period once', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', { auto_rotate_period: '2h' });
  const version = async (): Promise<unknown> =>
    (await bench.store(async (store) => await findKey(store, 'k')))?.latestVersion;
  for (const hours of [2, 4, 6]) {
    bench.nowMs += 2 * 3_600_000;
    assert.equal(await runDue(bench), 1);
    assert.equal(await version(), 1 + hours / 2);
  }
  // Changed and rotated by hand: what was planned before does nothing, and nothing is planned twice for one time.
  await bench.call('write', 'keys/k/config', { auto_rotate_period: '1h' });
  await bench.call('write', 'keys/k/config', { auto_rotate_period: '1h' });
  bench.nowMs += 1_800_000;
  await bench.call('write', 'keys/k/rotate');
  bench.nowMs += 1_800_000;
  await runDue(bench);
  assert.equal(await version(), 5);
  bench.nowMs += 1_800_000;
  await runDue(bench);
  assert.equal(await version(), 6);
  await bench.call('delete', 'keys/k/soft-delete');
  bench.nowMs += 3_600_000;
  await runDue(bench);
  assert.equal(await version(), 6);
  await bench.call('write', 'keys/k/soft-delete-restore');
  await runDue(bench);
  assert.equal(await version(), 7);
  await bench.call('write', 'keys/k/config', { auto_rotate_period: 0 });
  bench.nowMs += 100 * 3_600_000;
  await runDue(bench);
  assert.equal(await version(), 7);
  assert.equal(bench.scheduled.length, 0);
});

test('a key that is replaced under its name is not used any more', async () => {
  const bench = await openBench(transit);
  const flags = { exportable: true, allow_plaintext_backup: true };
  await bench.call('write', 'keys/a', flags);
  await bench.call('write', 'keys/b', flags);
  const { ciphertext } = await data(bench, 'encrypt/a', { plaintext: HELLO });
  const body = { ciphertext: String(ciphertext) };
  await bench.fail('write', 'decrypt/b', body);
  const { backup } = await read(bench, 'backup/a');
  await bench.fail('write', 'restore/b', { backup: String(backup) });
  await bench.call('write', 'restore/b', { backup: String(backup), force: true });
  assert.deepEqual(await data(bench, 'decrypt/b', body), { plaintext: HELLO });
});

test('every type comes back from its backup', async () => {
  const bench = await openBench(transit);
  for (const type of KEY_TYPES.values()) {
    if (SLOW.has(type.name)) continue;
    const flags = {
      type: type.name,
      exportable: true,
      allow_plaintext_backup: true,
      ...(type.family === 'hmac' ? { key_size: 48 } : {}),
    };
    const { name } = type;
    await bench.call('write', `keys/${name}`, flags);
    await bench.call('write', `keys/${name}/rotate`);
    await bench.call('write', `keys/${name}/config`, { min_decryption_version: 2 });
    const { hmac } = await data(bench, `hmac/${name}`, { input: HELLO });
    const { backup } = await read(bench, `backup/${name}`);
    await bench.call('write', `restore/${name}-2`, { backup: String(backup) });
    const check = { input: HELLO, hmac: String(hmac) };
    assert.deepEqual(await data(bench, `verify/${name}-2`, check), { valid: true }, name);
    const [one, two] = [await read(bench, `keys/${name}`), await read(bench, `keys/${name}-2`)];
    assert.deepEqual(two['keys'], one['keys'], name);
    await bench.call('write', `keys/${name}-2/config`, { min_decryption_version: 1 });
    if (type.family !== 'hmac') {
      assert.equal(versionsIn(await read(bench, `keys/${name}-2`)).length, 2, name);
    }
  }
});

test('a broken backup is refused, whatever is broken', async () => {
  const bench = await openBench(transit);
  const flags = { exportable: true, allow_plaintext_backup: true };
  await bench.call('write', 'keys/a', { ...flags, type: 'ecdsa-p256' });
  const { backup } = await read(bench, 'backup/a');
  const text = Buffer.from(String(backup), 'base64').toString();
  for (const [from, to] of [
    ['"type":1', '"type":99'],
    ['"type":1', '"type":0'],
    ['"type":1', '"type":3'],
    ['"latest_version":1', '"latest_version":1000000000'],
    ['"latest_version":1', '"latest_version":0'],
    ['"latest_version":1', '"latest_version":2'],
    ['"ec_d":', '"ec_d":1'],
    ['"ec_x":', '"ec_x":1'],
    ['"derived":false', '"derived":true'],
    ['"name":"a"', '"name":"../x"'],
    ['{"policy"', '[{"policy"'],
  ] as const) {
    const broken = text.replaceAll(from, to);
    assert.notEqual(broken, text, from);
    const body = { backup: Buffer.from(broken).toString('base64') };
    await bench.fail('write', from.includes('name') ? 'restore' : 'restore/b', body);
    assert.equal((await bench.fail('read', 'keys/b')).code, 'not_found', to);
  }
});
