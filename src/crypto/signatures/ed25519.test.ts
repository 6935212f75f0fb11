/** Ed25519 by the vectors of RFC 8032 §7.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519Signer, ed25519Verifier, keyId, parsePublicKey } from './ed25519.ts';

/** Seed, public key, message, signature. */
const VECTORS: readonly (readonly [string, string, string, string])[] = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
];

test('the vectors of RFC 8032', () => {
  for (const [seed, publicKey, text, signature] of VECTORS) {
    const signer = ed25519Signer(Buffer.from(seed, 'hex'));
    const message = Buffer.from(text, 'hex');
    assert.equal(signer.publicKey.toString('hex'), publicKey);
    assert.equal(signer.sign(message).toString('hex'), signature);
    const holds = ed25519Verifier(signer.publicKey);
    assert.ok(holds(message, Buffer.from(signature, 'hex')));
    assert.ok(!holds(Buffer.from('73', 'hex'), Buffer.from(signature, 'hex')));
    assert.ok(!holds(message, Buffer.alloc(64)));
    assert.ok(!holds(message, Buffer.alloc(0)));
  }
});

test('a public key is 32 bytes in canonical base64, a seed 32 bytes', () => {
  const { publicKey } = ed25519Signer(Buffer.alloc(32, 1));
  const text = publicKey.toString('base64');
  assert.deepEqual(parsePublicKey(text), publicKey);
  for (const wrong of ['', `${text} `, text.slice(1), 'AAAA']) {
    assert.equal(parsePublicKey(wrong), undefined);
  }
  assert.match(keyId(publicKey), /^[\da-f]{16}$/);
  assert.throws(() => ed25519Signer(Buffer.alloc(31)), RangeError);
});
