/** Keys on their way in and out, and certificates for those that stay. */
import assert from 'node:assert/strict';
import {
  X509Certificate,
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  verify,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { systemRandom } from '../../../base/random.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import { openBench } from '../../../core/backend-bench.contract.ts';
import type { Bench } from '../../../core/backend-bench.contract.ts';
import { nextPem } from '../../../crypto/pem.ts';
import { derElements, derSequence } from '../../../crypto/der.ts';
import { wrapKey } from '../../../crypto/key-wrap.ts';
import { makeDevCertificates } from '../../../crypto/x509/dev-certificates.ts';
import { transitBackend } from '../transit.ts';

/** A request made with OpenSSL for these tests. */
const TEMPLATE = `-----BEGIN CERTIFICATE REQUEST-----
MIIBFzCBvQIBADAoMQwwCgYDVQQKDANPcmcxGDAWBgNVBAMMD2Nzci5leGFtcGxl
LmNvbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIFk08Xphpm9xagyMzCLoTIq
RZnbPU+KKO0WSmHMrHB/cCqwyRWn7b/50HccHt5ZpfuciPLAZSXJq9Zt1XLUEgag
MzAxBgkqhkiG9w0BCQ4xJDAiMCAGA1UdEQQZMBeCD2Nzci5leGFtcGxlLmNvbYcE
CgECAzAKBggqhkjOPQQDAgNJADBGAiEA3j2CUdOqex4puPZoMWAu2Doz3r2u4NGO
zz/rzKyjWkECIQCLoK1vTZm0YVK8zSD8LcVSXzPVxYmWZoT/RJ8RUXYG8g==
-----END CERTIFICATE REQUEST-----`;

const transit = transitBackend({ random: systemRandom });
const HELLO = Buffer.from('hello world').toString('base64');

function textOf(value: unknown): string {
  assert.ok(typeof value === 'string');
  return value;
}

async function data(bench: Bench, path: string, body: JsonObject = {}) {
  return { ...(await bench.call('write', path, body))?.data };
}

async function read(bench: Bench, path: string, query: JsonObject = {}) {
  return { ...(await bench.call('read', path, query))?.data };
}

/** What a client's tool makes of a key. */
function blobFor(wrapping: string, secret: Buffer, oaepHash = 'sha256'): string {
  const ephemeral = systemRandom.bytes(32);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const wrapped = publicEncrypt({ key: wrapping, padding, oaepHash }, ephemeral);
  return Buffer.concat([wrapped, wrapKey(ephemeral, secret)]).toString('base64');
}

function pkcs8(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'pkcs8' });
}

test('keys are imported, completed, rotated as allowed, and exported wrapped', async () => {
  const bench = await openBench(transit);
  const wrapping = String((await read(bench, 'wrapping_key'))['public_key']);
  assert.equal((await read(bench, 'wrapping_key'))['public_key'], wrapping);
  assert.equal(createPublicKey(wrapping).asymmetricKeyDetails?.modulusLength, 4096);

  const raw = systemRandom.bytes(32);
  const ciphertext = blobFor(wrapping, raw);
  await bench.call('write', 'keys/aes/import', { ciphertext, exportable: true });
  const exported = (await read(bench, 'export/encryption-key/aes'))['keys'];
  assert.deepEqual(exported, { 1: raw.toString('base64') });
  await bench.fail('write', 'keys/aes/import', { ciphertext });
  assert.match((await bench.fail('write', 'keys/aes/rotate')).message, /does not allow rotation/);
  await bench.call('write', 'keys/aes/import_version', { ciphertext });
  assert.equal((await read(bench, 'keys/aes'))['latest_version'], 2);

  const sha1 = blobFor(wrapping, raw, 'sha1');
  await bench.fail('write', 'keys/x/import', { ciphertext: sha1 });
  await bench.call('write', 'keys/sha1/import', { ciphertext: sha1, hash_function: 'SHA1' });

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const wrappedEc = blobFor(wrapping, pkcs8(ec.privateKey));
  const wrongs: readonly JsonObject[] = [
    { ciphertext: wrappedEc, type: 'rsa-2048' },
    { ciphertext: wrappedEc, type: 'ecdsa-p384' },
    { ciphertext: wrappedEc, type: 'ed25519' },
    { ciphertext: wrappedEc, type: 'aes256-gcm96' },
    { ciphertext, type: 'ecdsa-p256' },
    { ciphertext, type: 'aes128-gcm96' },
    { ciphertext: `AAAA${ciphertext.slice(4)}` },
    { ciphertext: `${ciphertext.slice(0, -8)}AAAAAAAA` },
    { type: 'aes256-gcm96' },
  ];
  for (const wrong of wrongs) {
    assert.equal((await bench.fail('write', 'keys/x/import', wrong)).vaultStatus, 500);
    assert.equal((await bench.fail('read', 'keys/x')).code, 'not_found');
  }

  const pem = ec.publicKey.export({ format: 'pem', type: 'spki' });
  const half = { public_key: pem, type: 'ecdsa-p256', allow_rotation: true };
  await bench.call('write', 'keys/ec/import', half);
  await bench.fail('write', 'sign/ec', { input: HELLO });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const wrappedOther = blobFor(wrapping, pkcs8(other.privateKey));
  await bench.fail('write', 'keys/ec/import_version', { ciphertext: wrappedOther, version: 1 });
  await bench.call('write', 'keys/ec/import_version', { ciphertext: wrappedEc });
  const key = await read(bench, 'keys/ec');
  assert.equal(key['latest_version'], 1, 'the private half completed version 1');
  const { signature } = await data(bench, 'sign/ec', { input: HELLO });
  const sent = { input: HELLO, signature: String(signature) };
  assert.deepEqual(await data(bench, 'verify/ec', sent), { valid: true });
  await bench.call('write', 'keys/ec/rotate');
  assert.equal((await read(bench, 'keys/ec'))['imported_key'], false);

  // What is exported for the mount's own wrapping key can be imported again.
  await bench.call('write', 'keys/target/import', { public_key: wrapping, type: 'rsa-4096' });
  const byok = (await read(bench, 'byok-export/target/aes'))['keys'];
  assert.ok(isJsonObject(byok));
  const again = { ciphertext: textOf(byok['2']), exportable: true };
  await bench.call('write', 'keys/again/import', again);
  assert.deepEqual((await read(bench, 'export/encryption-key/again'))['keys'], {
    1: raw.toString('base64'),
  });
  await bench.fail('read', 'byok-export/target/ec');
  await bench.fail('read', 'byok-export/aes/aes');
});

test('exports are what other programs read', async () => {
  const bench = await openBench(transit);
  for (const [type, kind, label] of [
    ['ecdsa-p384', 'signing-key', 'EC PRIVATE KEY'],
    ['rsa-2048', 'encryption-key', 'RSA PRIVATE KEY'],
  ] as const) {
    await bench.call('write', `keys/${type}`, { type, exportable: true });
    for (const format of ['', 'pem', 'der']) {
      const keys = (await read(bench, `export/${kind}/${type}`, { format }))['keys'];
      assert.ok(isJsonObject(keys));
      const text = textOf(keys['1']);
      if (format === '') assert.ok(text.startsWith(`-----BEGIN ${label}-----`));
      const key =
        format === 'der'
          ? createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' })
          : createPrivateKey(text);
      const shown = (await read(bench, `export/public-key/${type}`))['keys'];
      assert.ok(isJsonObject(shown));
      assert.ok(createPublicKey(key).equals(createPublicKey(textOf(shown['1']))));
    }
  }
});

test('a certification request is signed by the key and takes the template over', async () => {
  const bench = await openBench(transit);
  const template = TEMPLATE;
  for (const [type, hash] of [
    ['ecdsa-p256', 'sha256'],
    ['ecdsa-p521', 'sha512'],
    ['ed25519', null],
    ['rsa-2048', 'sha256'],
  ] as const) {
    await bench.call('write', `keys/${type}`, { type });
    for (const csr of ['', template]) {
      const text = String((await data(bench, `keys/${type}/csr`, { csr }))['csr']);
      const bytes = nextPem(text)?.block.bytes ?? Buffer.alloc(0);
      const [info, , signature] = derSequence(bytes);
      assert.ok(info !== undefined && signature !== undefined);
      const [, name, publicKey] = derElements(info.content);
      const key = createPublicKey({
        key: publicKey?.whole ?? Buffer.alloc(0),
        format: 'der',
        type: 'spki',
      });
      assert.ok(verify(hash, info.whole, key, signature.content.subarray(1)));
      assert.equal(name?.content.includes('csr.example.com'), csr !== '');
    }
  }
  await bench.fail('write', 'keys/ed25519/csr', { csr: 'nothing' });
  const garbage = '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----';
  await bench.fail('write', 'keys/ed25519/csr', { csr: garbage });
});

test('a certificate is kept with the key that it is of, and with no other', async () => {
  const bench = await openBench(transit);
  const made = await makeDevCertificates([], { clock: systemClock, random: systemRandom });
  const wrapping = String((await read(bench, 'wrapping_key'))['public_key']);
  const ciphertext = blobFor(wrapping, pkcs8(createPrivateKey(made.key)));
  await bench.call('write', 'keys/k/import', { ciphertext, type: 'ecdsa-p256' });
  await bench.call('write', 'keys/other', { type: 'ecdsa-p256' });
  const chain = { certificate_chain: made.certificate };
  await bench.call('write', 'keys/k/set-certificate', chain);
  const keys = (await read(bench, 'export/certificate-chain/k'))['keys'];
  assert.ok(isJsonObject(keys));
  assert.equal(new X509Certificate(textOf(keys['1'])).subject, 'CN=localhost');
  assert.match((await bench.fail('write', 'keys/other/set-certificate', chain)).message, /match/);
  for (const bad of ['nothing', made.authority, made.certificate + made.certificate]) {
    await bench.fail('write', 'keys/k/set-certificate', { certificate_chain: bad });
  }
  const whole = { certificate_chain: made.certificate + made.authority };
  await bench.call('write', 'keys/k/set-certificate', whole);
});

test('two parties agree on a key, each from its own pair', async () => {
  const bench = await openBench(transit);
  for (const type of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521']) {
    const publicOf = async (name: string): Promise<string> => {
      await bench.call('write', `keys/${name}`, { type });
      const { keys } = await read(bench, `export/public-key/${name}`, { format: 'pem' });
      return textOf((keys as JsonObject)['1']);
    };
    const [alice, bob] = [`alice-${type}`, `bob-${type}`];
    const [alicePem, bobPem] = [await publicOf(alice), await publicOf(bob)];
    for (const derived_key_type of ['aes128-gcm96', 'aes256-gcm96', 'xchacha20-poly1305']) {
      const [one, two] = [`one-${type}-${derived_key_type}`, `two-${type}-${derived_key_type}`];
      const body = { derived_key_type };
      const own = { ...body, base_key_name: alice, peer_public_key: bobPem };
      await bench.call('write', `derive-key/${one}`, own);
      const other = { ...body, base_key_name: bob, peer_public_key: alicePem };
      await bench.call('write', `derive-key/${two}`, other);
      const { ciphertext } = await data(bench, `encrypt/${one}`, { plaintext: HELLO });
      const opened = await data(bench, `decrypt/${two}`, { ciphertext: textOf(ciphertext) });
      assert.deepEqual(opened, { plaintext: HELLO });
      await bench.call('write', `derive-key/${one}`, own);
      assert.equal((await read(bench, `keys/${one}`))['latest_version'], 2);
    }
  }
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
  const wrongCurve = pem.export({ format: 'pem', type: 'spki' });
  const base_key_name = 'alice-ecdsa-p256';
  await bench.call('write', 'keys/made', { type: 'aes256-gcm96' });
  const bobs = await read(bench, 'export/public-key/bob-ecdsa-p256', { format: 'pem' });
  const peer_public_key = textOf((bobs['keys'] as JsonObject)['1']);
  await bench.fail('write', 'derive-key/made', { base_key_name, peer_public_key });
  for (const body of [
    { base_key_name, peer_public_key: wrongCurve },
    { base_key_name, peer_public_key: 'nonsense' },
    { base_key_name },
    { base_key_name: 'made', peer_public_key: wrongCurve },
    { base_key_name: 'none', peer_public_key: wrongCurve },
    { base_key_name, peer_public_key: wrongCurve, base_key_version: 7 },
    { base_key_name, peer_public_key: wrongCurve, derived_key_type: 'rsa-2048' },
    { base_key_name, peer_public_key: wrongCurve, key_derivation_algorithm: 'x' },
  ]) {
    await bench.fail('write', 'derive-key/new', body);
  }
  assert.equal((await bench.fail('read', 'keys/new')).code, 'not_found');
});

test('post-quantum keys are imported, whole or their public half, and fit their types', async () => {
  const bench = await openBench(transit);
  const { public_key: wrapping } = await read(bench, 'wrapping_key');
  for (const type of [
    'ml-dsa-44',
    'ml-dsa-87',
    'slh-dsa-sha2-128f',
    'ml-kem-512',
    'ml-kem-1024',
  ] as const) {
    const pair = generateKeyPairSync(type as 'ml-dsa-44');
    const ciphertext = blobFor(textOf(wrapping), pkcs8(pair.privateKey));
    await bench.call('write', `keys/${type}/import`, { type, ciphertext });
    const public_key = pair.publicKey.export({ format: 'pem', type: 'spki' });
    await bench.call('write', `keys/${type}-public/import`, { type, public_key });
    const [use, back, sent] = type.includes('-dsa')
      ? (['sign', 'verify', { input: HELLO }] as const)
      : (['encrypt', 'decrypt', { plaintext: HELLO }] as const);
    if (use === 'sign') {
      const { signature } = await data(bench, `sign/${type}`, sent);
      const check = { ...sent, signature: textOf(signature) };
      assert.deepEqual(await data(bench, `${back}/${type}-public`, check), { valid: true });
      await bench.fail('write', `sign/${type}-public`, sent);
    } else {
      const sealed = await data(bench, `encrypt/${type}-public`, sent);
      const body = { ciphertext: textOf(sealed['ciphertext']) };
      assert.deepEqual(await data(bench, `decrypt/${type}`, body), sent);
      await bench.fail('write', `decrypt/${type}-public`, body);
    }
    await bench.fail('write', 'keys/wrong/import', { type: 'ml-dsa-65', ciphertext });
    await bench.fail('write', 'keys/wrong/import', { type: 'ml-dsa-65', public_key });
  }
});

for (const type of ['ml-dsa-65', 'slh-dsa-sha2-128f']) {
  test(`a request for an ${type} key is signed by it (RFC 9881, RFC 9909)`, async () => {
    const bench = await openBench(transit);
    await bench.call('write', 'keys/k', { type });
    const { csr } = await data(bench, 'keys/k/csr');
    const der = nextPem(textOf(csr))?.block.bytes ?? Buffer.alloc(0);
    const [info, algorithm, signature] = derSequence(der);
    const [, , spki] = derElements(info?.content ?? der);
    const key = createPublicKey({ key: spki?.whole ?? der, format: 'der', type: 'spki' });
    assert.equal(key.asymmetricKeyType, type);
    assert.deepEqual(algorithm?.whole, derElements(spki?.content ?? der)[0]?.whole);
    const signed = signature?.content.subarray(1) ?? der;
    assert.ok(verify(null, info?.whole ?? der, key, signed));
  });
}
