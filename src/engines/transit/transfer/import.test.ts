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
import { pemBytes } from '../../../crypto/certification-request.ts';
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
      const bytes = pemBytes(text, 'CERTIFICATE REQUEST') ?? Buffer.alloc(0);
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
