/** Signatures over digests: what we sign Node verifies as a message, and the other way round. */
import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, hash, sign, verify } from 'node:crypto';
import { test } from 'node:test';
import { systemRandom } from '../../base/random.ts';
import {
  DigestError,
  digestBytes,
  signDigestPkcs1,
  signDigestPss,
  verifyDigestPkcs1,
  verifyDigestPss,
} from './digest.ts';
import type { DigestName } from './digest.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const odd = generateKeyPairSync('rsa', { modulusLength: 1025 });
const MESSAGE = Buffer.from('hello world');
const NAMES: readonly DigestName[] = [
  'sha1',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'sha3-224',
  'sha3-256',
  'sha3-384',
  'sha3-512',
];

for (const name of NAMES) {
  const digest = hash(name, MESSAGE, 'buffer');

  test(`PKCS #1 v1.5 over ${name} is the signature of the message`, () => {
    const signature = signDigestPkcs1(privateKey, name, digest);
    assert.deepEqual(signature, sign(name, MESSAGE, privateKey));
    assert.ok(verifyDigestPkcs1(publicKey, name, digest, signature));
    signature[9] = (signature[9] ?? 0) ^ 1;
    assert.ok(!verifyDigestPkcs1(publicKey, name, digest, signature));
    assert.throws(() => signDigestPkcs1(privateKey, name, MESSAGE), DigestError);
  });

  test(`PSS over ${name} agrees with OpenSSL for every salt length`, () => {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    for (const salt of [undefined, 0, 16, digestBytes(name)]) {
      const ours = signDigestPss(privateKey, name, digest, salt, systemRandom);
      const saltLength = salt ?? constants.RSA_PSS_SALTLEN_AUTO;
      assert.ok(verify(name, MESSAGE, { key: publicKey, padding, saltLength }, ours));
      const theirs = sign(name, MESSAGE, {
        key: privateKey,
        padding,
        saltLength: salt ?? constants.RSA_PSS_SALTLEN_MAX_SIGN,
      });
      assert.ok(verifyDigestPss(publicKey, name, digest, theirs, salt));
      assert.ok(verifyDigestPss(publicKey, name, digest, theirs, undefined));
      assert.ok(!verifyDigestPss(publicKey, name, digest, theirs, 17));
      for (const at of [0, 100, 255]) {
        const bad = Buffer.from(theirs);
        bad[at] = (bad[at] ?? 0) ^ 1;
        assert.ok(!verifyDigestPss(publicKey, name, digest, bad, undefined));
      }
    }
    assert.throws(() => signDigestPss(privateKey, name, digest, 400, systemRandom), DigestError);
  });
}

test('PSS with a modulus of 8n + 1 bits, where the encoded message is a byte shorter', () => {
  const digest = hash('sha256', MESSAGE, 'buffer');
  const key = { key: odd.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING };
  const ours = signDigestPss(odd.privateKey, 'sha256', digest, undefined, systemRandom);
  assert.ok(verify('sha256', MESSAGE, key, ours));
  assert.ok(verifyDigestPss(odd.publicKey, 'sha256', digest, ours, undefined));
});
