/** Encryption as its callers rely on it: what goes in comes out, nothing may change on the way, and no nonce is a caller's. */
import assert from 'node:assert/strict';
import { createPublicKey, encapsulate } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { systemRandom } from '../../../base/random.ts';
import type { JsonObject } from '../../../base/json.ts';
import { openBench } from '../../../core/backend-bench.contract.ts';
import type { Bench } from '../../../core/backend-bench.contract.ts';
import { KNOWN_ANSWERS } from './known-answers-fixture.ts';
import { transitBackend } from '../transit.ts';
import type { Reply } from '../../../model/reply.ts';

const transit = transitBackend({ random: systemRandom });
const AEADS = ['aes128-gcm96', 'aes256-gcm96', 'chacha20-poly1305', 'xchacha20-poly1305'];
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const HELLO = base64(Buffer.from('hello world'));

async function data(
  bench: Bench,
  path: string,
  body: JsonObject,
): Promise<Record<string, unknown>> {
  return { ...(await bench.call('write', path, body))?.data };
}

async function sealed(bench: Bench, body: JsonObject, path = 'encrypt/k'): Promise<string> {
  return String((await data(bench, path, body))['ciphertext']);
}

function resultsOf(reply: Reply | undefined): readonly Readonly<Record<string, unknown>>[] {
  const results = reply?.data?.['batch_results'];
  assert.ok(Array.isArray(results));
  return results as readonly Readonly<Record<string, unknown>>[];
}

/** Flips one bit below the base64. */
function flipped(ciphertext: string, at: number): string {
  const [vault, version, body = ''] = ciphertext.split(':');
  const bytes = Buffer.from(body, 'base64');
  const bit = at % (bytes.length * 8);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return `${vault}:${version}:${bytes.toString('base64')}`;
}

const bytesOf = (maxLength: number) => fc.uint8Array({ maxLength });

for (const type of AEADS) {
  for (const flags of [{}, { derived: true }, { derived: true, convergent_encryption: true }]) {
    const named = Object.keys(flags).at(-1) ?? 'plain';
    test(`${type}, ${named}: what was encrypted is decrypted, whatever the version; any change fails`, async () => {
      const bench = await openBench(transit);
      await bench.call('write', 'keys/k', { type, ...flags });
      await bench.call('write', 'keys/k/rotate');
      await fc.assert(
        fc.asyncProperty(
          bytesOf(300),
          bytesOf(30),
          fc.uint8Array({ minLength: 1, maxLength: 30 }),
          fc.constantFrom(0, 1, 2),
          fc.nat(),
          async (plaintext, additional, context, version, at) => {
            const shared: JsonObject = {
              associated_data: base64(additional),
              ...('derived' in flags ? { context: base64(context) } : {}),
            };
            const body = { ...shared, plaintext: base64(plaintext), key_version: version };
            const ciphertext = await sealed(bench, body);
            assert.ok(ciphertext.startsWith(`vault:v${version || 2}:`));
            assert.deepEqual(await data(bench, 'decrypt/k', { ...shared, ciphertext }), {
              plaintext: base64(plaintext),
            });
            const again = await sealed(bench, body);
            assert.equal(again === ciphertext, 'convergent_encryption' in flags);
            const changes: readonly JsonObject[] = [
              { ciphertext: flipped(ciphertext, at) },
              { associated_data: base64(Buffer.concat([additional, Buffer.of(1)])) },
              { ciphertext: ciphertext.replace(/v\d/, (text) => (text === 'v1' ? 'v2' : 'v1')) },
              ...('derived' in flags
                ? [{ context: base64(Buffer.concat([context, Buffer.of(1)])) }, { context: '' }]
                : []),
            ];
            for (const change of changes) {
              await bench.fail('write', 'decrypt/k', { ...shared, ciphertext, ...change });
            }
          },
        ),
        { numRuns: 12 },
      );
    });
  }
}

for (const known of KNOWN_ANSWERS) {
  test(`${known.type}: what a reference server made is taken here, and the other way round`, async () => {
    const bench = await openBench(transit);
    await bench.call('write', 'restore/k', { backup: known.backup });
    const context = known.context === undefined ? {} : { context: known.context };
    assert.equal((await data(bench, 'hmac/k', { input: HELLO }))['hmac'], known.hmac);
    if (known.ciphertext !== undefined) {
      const shared = { ...context, associated_data: 'YWFk' };
      const { ciphertext } = known;
      const opened = await data(bench, 'decrypt/k', { ...shared, ciphertext });
      assert.deepEqual(opened, { plaintext: HELLO });
      if (known.context !== undefined) {
        // Convergent: our ciphertext is the same to the bit.
        assert.equal(await sealed(bench, { ...shared, plaintext: HELLO }), ciphertext);
      }
    }
    if (known.signature !== undefined) {
      const { signature } = known;
      const body = { ...context, input: HELLO, signature };
      assert.deepEqual(await data(bench, 'verify/k', body), { valid: true });
      if (known.type === 'ed25519') {
        assert.equal(
          (await data(bench, 'sign/k', { ...context, input: HELLO }))['signature'],
          signature,
        );
      }
    }
  });
}

for (const type of ['ml-kem-512', 'ml-kem-768', 'ml-kem-1024']) {
  test(`${type}: seals to the public key, binds associated data, and finds shared secrets`, async () => {
    const bench = await openBench(transit);
    await bench.call('write', 'keys/k', { type });
    const ciphertext = await sealed(bench, { plaintext: HELLO, associated_data: 'YWFk' });
    const body = { ciphertext, associated_data: 'YWFk' };
    assert.deepEqual(await data(bench, 'decrypt/k', body), { plaintext: HELLO });
    await bench.fail('write', 'decrypt/k', { ...body, associated_data: 'YWFl' });
    const bytes = Buffer.from(ciphertext.slice('vault:v1:'.length), 'base64');
    for (const at of [0, 500, bytes.length - 20, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const text = `vault:v1:${changed.toString('base64')}`;
      await bench.fail('write', 'decrypt/k', { ...body, ciphertext: text });
    }
    const short = `vault:v1:${bytes.subarray(0, 100).toString('base64')}`;
    await bench.fail('write', 'decrypt/k', { ...body, ciphertext: short });
    await bench.fail('write', 'decapsulate/k', { ciphertext: short });
    const made = await data(bench, 'encapsulate/k', {});
    const found = await data(bench, 'decapsulate/k', { ciphertext: String(made['ciphertext']) });
    assert.equal(found['shared_key'], made['shared_key']);
    // What somebody with the public key makes elsewhere.
    const { keys } = { ...(await bench.call('read', 'export/public-key/k'))?.data };
    const pem = String((keys as Readonly<Record<string, string>>)['1']);
    const outside = encapsulate(createPublicKey(pem));
    const text = `vault:v1:${Buffer.from(outside.ciphertext).toString('base64')}`;
    const theirs = await data(bench, 'decapsulate/k', { ciphertext: text });
    assert.equal(theirs['shared_key'], Buffer.from(outside.sharedKey).toString('base64'));
    await bench.call('write', 'keys/k/rotate');
    const again = await data(bench, 'rewrap/k', body);
    assert.match(String(again['ciphertext']), /^vault:v2:/);
    const opened = { ...body, ciphertext: String(again['ciphertext']) };
    assert.deepEqual(await data(bench, 'decrypt/k', opened), { plaintext: HELLO });
    await bench.fail('write', 'sign/k', { input: HELLO });
  });
}

test('keys of other types encapsulate nothing', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', {});
  await bench.fail('write', 'encapsulate/k', {});
  await bench.fail('write', 'decapsulate/k', { ciphertext: 'vault:v1:AAAA' });
  await bench.fail('write', 'encapsulate/none', {});
});

test('a nonce of the caller’s own is never used, alone or in a batch (CVE-2023-4680)', async () => {
  const bench = await openBench(transit);
  const nonce = base64(Buffer.alloc(12, 7));
  const reply = await bench.call('write', 'encrypt/k', { plaintext: HELLO, nonce });
  assert.match(String(reply?.warnings), /\[nonce\]/);
  const item = { plaintext: HELLO, nonce };
  const batch = await bench.call('write', 'encrypt/k', { batch_input: [item, item] });
  assert.match(String(batch?.warnings), /nonces in batch_input are not used/);
  const [one, two] = resultsOf(batch);
  const texts = [reply?.data?.['ciphertext'], one?.['ciphertext'], two?.['ciphertext']].map(String);
  assert.equal(new Set(texts).size, 3);
  for (const text of texts) {
    const bytes = Buffer.from(text.slice('vault:v1:'.length), 'base64');
    assert.notDeepEqual(bytes.subarray(0, 12), Buffer.alloc(12, 7));
  }
});

test('one bad input of a batch fails alone, and the status tells', async () => {
  const bench = await openBench(transit);
  const good = { plaintext: HELLO, reference: 'r' };
  const mixed = { batch_input: [good, { plaintext: '%' }] };
  const reply = await bench.call('write', 'encrypt/k', mixed);
  assert.equal(reply?.status, 400);
  const [first, second] = resultsOf(reply);
  assert.equal(first?.['reference'], 'r');
  assert.equal(first['key_version'], 1);
  assert.deepEqual(Object.keys(second ?? {}).sort(), ['error', 'reference']);
  const lenient = { ...mixed, partial_failure_response_code: 207 };
  assert.equal((await bench.call('write', 'encrypt/k', lenient))?.status, 207);
  const absurd = { ...mixed, partial_failure_response_code: 100 };
  assert.equal((await bench.call('write', 'encrypt/k', absurd))?.status, 400);
  const all = { batch_input: [{ plaintext: '%' }], partial_failure_response_code: 200 };
  assert.equal((await bench.call('write', 'encrypt/k', all))?.status, 400);
});

test('rewrap moves a ciphertext to the latest version and shows nothing', async () => {
  const bench = await openBench(transit);
  const ciphertext = await sealed(bench, { plaintext: HELLO });
  await bench.call('write', 'keys/k/rotate');
  const moved = await data(bench, 'rewrap/k', { ciphertext });
  assert.deepEqual(Object.keys(moved).sort(), ['ciphertext', 'key_version']);
  assert.equal(moved['key_version'], 2);
  assert.deepEqual(await data(bench, 'decrypt/k', { ciphertext: String(moved['ciphertext']) }), {
    plaintext: HELLO,
  });
});

test('RSA: what fits is decrypted, what does not is refused, a changed ciphertext too', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', { type: 'rsa-2048' });
  for (const plaintext of ['', HELLO, base64(Buffer.alloc(190, 1))]) {
    const ciphertext = await sealed(bench, { plaintext });
    assert.deepEqual(await data(bench, 'decrypt/k', { ciphertext }), { plaintext });
    for (const at of [3, 1000, 2047]) {
      await bench.fail('write', 'decrypt/k', { ciphertext: flipped(ciphertext, at) });
    }
  }
  const long = base64(Buffer.alloc(191, 1));
  assert.equal((await bench.fail('write', 'encrypt/k', { plaintext: long })).vaultStatus, 500);
});

test('data keys are encrypted with the key, and shown only when asked for', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', {});
  for (const bits of [128, 256, 512]) {
    const both = await data(bench, 'datakey/plaintext/k', { bits });
    assert.equal(Buffer.from(String(both['plaintext']), 'base64').length * 8, bits);
    const opened = await data(bench, 'decrypt/k', { ciphertext: String(both['ciphertext']) });
    assert.deepEqual(opened, { plaintext: both['plaintext'] });
  }
  assert.ok(!('plaintext' in (await data(bench, 'datakey/wrapped/k', {}))));
});

test('a large batch lets other requests have their turn', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', {});
  const items = Array.from({ length: 8000 }, () => ({ plaintext: HELLO }));
  let turns = 0;
  let done = false;
  const tick = (): void => {
    turns++;
    if (!done) setImmediate(tick);
  };
  setImmediate(tick);
  const reply = await bench.call('write', 'encrypt/k', { batch_input: items });
  done = true;
  assert.equal(resultsOf(reply).length, 8000);
  assert.ok(turns > 20, `${turns} turns`);
});
