/** Signatures and HMACs: others verify ours, we verify theirs, and nothing else passes. */
import assert from 'node:assert/strict';
import { constants, createHash, createHmac, createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { systemRandom } from '../../../base/random.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { openBench } from '../../../core/backend-bench.contract.ts';
import type { Bench } from '../../../core/backend-bench.contract.ts';
import { HASHES } from './signatures.ts';
import { transitBackend } from '../transit.ts';

const transit = transitBackend({ random: systemRandom });
const MESSAGE = Buffer.from('hello world');
const HELLO = MESSAGE.toString('base64');
const OTHER = Buffer.from('other').toString('base64');

function textOf(value: unknown): string {
  assert.ok(typeof value === 'string');
  return value;
}

async function data(bench: Bench, path: string, body: JsonObject) {
  return { ...(await bench.call('write', path, body))?.data };
}

async function signed(bench: Bench, path: string, body: JsonObject = {}): Promise<string> {
  return String((await data(bench, path, { input: HELLO, ...body }))['signature']);
}

async function publicPem(bench: Bench, name: string): Promise<string> {
  const keys = (await bench.call('read', `export/public-key/${name}`, { format: 'pem' }))?.data?.[
    'keys'
  ];
  assert.ok(isJsonObject(keys));
  return textOf(keys['1']);
}

function bytesOf(signature: string, encoding: 'base64' | 'base64url' = 'base64'): Buffer {
  return Buffer.from(signature.slice(signature.lastIndexOf(':') + 1), encoding);
}

/** Changes a bit of the signature: never valid, if it can be read at all. */
async function refusesChanges(bench: Bench, path: string, body: JsonObject, signature: string) {
  const bytes = bytesOf(signature);
  for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 4;
    const sent = { input: HELLO, ...body, signature: `vault:v1:${changed.toString('base64')}` };
    try {
      assert.deepEqual(await data(bench, path, sent), { valid: false });
    } catch (error) {
      assert.match(String(error), /signature is invalid/);
    }
  }
}

for (const type of [
  'ed25519',
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'ml-dsa-44',
  'ml-dsa-65',
  'ml-dsa-87',
  'slh-dsa-sha2-128f',
  'slh-dsa-shake-128f',
  'rsa-2048',
]) {
  test(`${type}: signatures are verified here and by OpenSSL, changed ones are not`, async () => {
    const bench = await openBench(transit);
    await bench.call('write', 'keys/k', { type });
    const hashes = /ecdsa|rsa/.test(type) ? [...HASHES] : [['sha2-256', 'sha256'] as const];
    for (const [name, hash] of hashes) {
      if (hash === undefined) continue;
      const own = type === 'rsa-2048' ? { signature_algorithm: 'pkcs1v15' } : {};
      const signature = await signed(bench, `sign/k/${name}`, own);
      const path = `verify/k/${name}`;
      const sent = { ...own, signature };
      assert.deepEqual(await data(bench, path, { ...sent, input: HELLO }), { valid: true });
      assert.deepEqual(await data(bench, path, { ...sent, input: OTHER }), { valid: false });
      const key = createPublicKey(await publicPem(bench, 'k'));
      const outside = /ecdsa|rsa/.test(type) ? hash : null;
      assert.ok(verify(outside, MESSAGE, key, bytesOf(signature)), name);
      await refusesChanges(bench, path, own, signature);
    }
  });
}

test('RSA PSS takes every salt length, and OpenSSL agrees', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', { type: 'rsa-2048' });
  const key = createPublicKey(await publicPem(bench, 'k'));
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  for (const salt of ['auto', 'hash', '16', '222']) {
    const signature = await signed(bench, 'sign/k', { salt_length: salt });
    const saltLength = constants.RSA_PSS_SALTLEN_AUTO;
    assert.ok(verify('sha256', MESSAGE, { key, padding, saltLength }, bytesOf(signature)));
    const body = { input: HELLO, signature };
    assert.deepEqual(await data(bench, 'verify/k', body), { valid: true });
    assert.deepEqual(await data(bench, 'verify/k', { ...body, salt_length: '17' }), {
      valid: false,
    });
  }
  await bench.fail('write', 'sign/k', { input: HELLO, salt_length: '223' });
});

test('a digest that the caller made is signed as the message is', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', { type: 'rsa-2048' });
  const digest = createHash('sha256').update(MESSAGE).digest('base64');
  for (const algorithm of ['pss', 'pkcs1v15']) {
    const own = { signature_algorithm: algorithm };
    const signature = await signed(bench, 'sign/k', { ...own, input: digest, prehashed: true });
    const whole = { ...own, input: HELLO, signature };
    assert.deepEqual(await data(bench, 'verify/k', whole), { valid: true });
    const hashed = { ...own, input: digest, prehashed: true, signature };
    assert.deepEqual(await data(bench, 'verify/k', hashed), { valid: true });
  }
  const raw = { signature_algorithm: 'pkcs1v15', prehashed: true };
  const signature = await signed(bench, 'sign/k/none', raw);
  const sent = { ...raw, input: HELLO, signature };
  assert.deepEqual(await data(bench, 'verify/k/none', sent), { valid: true });
  await bench.call('write', 'keys/e', { type: 'ecdsa-p256' });
  for (const marshaling_algorithm of ['asn1', 'jws']) {
    const own = { marshaling_algorithm, prehashed: true };
    const made = await signed(bench, 'sign/e', { ...own, input: digest });
    const whole = { marshaling_algorithm, input: HELLO, signature: made };
    assert.deepEqual(await data(bench, 'verify/e', whole), { valid: true });
    const hashed = { ...own, input: digest, signature: made };
    assert.deepEqual(await data(bench, 'verify/e', hashed), { valid: true });
  }
});

test('JWS signatures are base64url of two numbers of the curve’s length', async () => {
  const bench = await openBench(transit);
  for (const [type, length] of [
    ['ecdsa-p256', 64],
    ['ecdsa-p384', 96],
    ['ecdsa-p521', 132],
  ] as const) {
    await bench.call('write', `keys/${type}`, { type });
    const own = { marshaling_algorithm: 'jws' };
    const signature = await signed(bench, `sign/${type}`, own);
    assert.equal(bytesOf(signature, 'base64url').length, length);
    const body = { ...own, input: HELLO, signature };
    assert.deepEqual(await data(bench, `verify/${type}`, body), { valid: true });
  }
});

test('a signature counts under the version and the key that made it only', async () => {
  const bench = await openBench(transit);
  for (const name of ['a', 'b']) await bench.call('write', `keys/${name}`, { type: 'ed25519' });
  const signature = await signed(bench, 'sign/a');
  await bench.call('write', 'keys/a/rotate');
  const sent = { input: HELLO, signature };
  assert.deepEqual(await data(bench, 'verify/a', sent), { valid: true });
  assert.deepEqual(await data(bench, 'verify/b', sent), { valid: false });
  const moved = { input: HELLO, signature: signature.replace('v1', 'v2') };
  assert.deepEqual(await data(bench, 'verify/a', moved), { valid: false });
  await bench.call('write', 'keys/a/config', { min_decryption_version: 2 });
  await bench.fail('write', 'verify/a', sent);
});

test('HMACs are those of the exported key', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', { exportable: true });
  const exported = (await bench.call('read', 'export/hmac-key/k'))?.data?.['keys'];
  assert.ok(isJsonObject(exported));
  const key = Buffer.from(textOf(exported['1']), 'base64');
  for (const [name, hash] of HASHES) {
    if (hash === undefined) continue;
    const { hmac } = await data(bench, `hmac/k/${name}`, { input: HELLO });
    const expected = createHmac(hash, key).update(MESSAGE).digest('base64');
    assert.equal(hmac, `vault:v1:${expected}`);
    const body = { hmac };
    assert.deepEqual(await data(bench, `verify/k/${name}`, { ...body, input: HELLO }), {
      valid: true,
    });
    assert.deepEqual(await data(bench, `verify/k/${name}`, { ...body, input: OTHER }), {
      valid: false,
    });
  }
  await bench.fail('write', 'hmac/k/none', { input: HELLO });
});

test('items of batches are read as texts: numbers are their digits, null is nothing', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', { type: 'ed25519' });
  const results = async (path: string, items: JsonValue[]) => {
    const answer = await data(bench, path, { batch_input: items });
    return answer['batch_results'] as readonly JsonObject[];
  };
  const signatures = await results('sign/k', [null, { input: 1234 }, { input: '1234' }]);
  assert.equal(signatures[0]?.['error'], 'missing input');
  assert.equal(signatures[1]?.['signature'], signatures[2]?.['signature']);
  const hmacs = await results('hmac/k', [{ input: 1234, reference: 7 }, { input: null }]);
  assert.equal(hmacs[0]?.['reference'], '7');
  assert.match(textOf(hmacs[1]?.['hmac']), /^vault:v1:/);
  const [missing] = await results('verify/k', [{ hmac: hmacs[0]?.['hmac'] ?? '' }]);
  assert.equal(missing?.['error'], 'missing input');
  await bench.fail('write', 'sign/k', { batch_input: [{ input: true }] });
});

test('a context that is no base64 and a version 0 are refused, whatever the key', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', { type: 'ed25519' });
  await bench.fail('write', 'sign/k', { input: HELLO, context: '%' });
  await bench.fail('write', 'verify/k', { input: HELLO, signature: 'vault:v0:AAAA' });
  await bench.fail('write', 'verify/k', { input: HELLO, hmac: 'vault:v0:AAAA' });
});

test('the hash is named in the path or in its own field, never by the name of the path’s part', async () => {
  const bench = await openBench(transit);
  await bench.call('write', 'keys/k', {});
  const plain = await data(bench, 'hmac/k', { input: HELLO });
  const named = await data(bench, 'hmac/k', { input: HELLO, urlalgorithm: 'sha2-512' });
  assert.equal(named['hmac'], plain['hmac']);
});
