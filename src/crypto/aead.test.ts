/** AEADs against the published vectors, and against any change of a bit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { aeadKeyBytes, aeadNonceBytes, aeadOpen, aeadSeal } from './aead.ts';
import type { AeadName } from './aead.ts';
import { hchacha20 } from './xchacha.ts';
import { AuthenticationError } from './xaes.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const SUNSCREEN = Buffer.from(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
);

interface Vector {
  readonly source: string;
  readonly aead: AeadName;
  readonly key: string;
  readonly nonce: string;
  readonly additional: string;
  readonly plaintext: Buffer;
  readonly sealed: string;
}

const VECTORS: readonly Vector[] = [
  {
    source: 'GCM specification, test case 4',
    aead: 'aes-128-gcm',
    key: 'feffe9928665731c6d6a8f9467308308',
    nonce: 'cafebabefacedbaddecaf888',
    additional: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    plaintext: hex(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    ),
    sealed:
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091' +
      '5bc94fbc3221a5db94fae95ae7121a47',
  },
  {
    source: 'GCM specification, test case 16',
    aead: 'aes-256-gcm',
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
    nonce: 'cafebabefacedbaddecaf888',
    additional: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    plaintext: hex(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    ),
    sealed:
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
      '76fc6ece0f4e1768cddf8853bb2d551b',
  },
  {
    source: 'RFC 8439 §2.8.2',
    aead: 'chacha20-poly1305',
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    nonce: '070000004041424344454647',
    additional: '50515253c0c1c2c3c4c5c6c7',
    plaintext: SUNSCREEN,
    sealed:
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b6' +
      '7ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09' +
      'e26a7e902ecbd0600691',
  },
  {
    source: 'draft-irtf-cfrg-xchacha-03 A.3.1',
    aead: 'xchacha20-poly1305',
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    nonce: '404142434445464748494a4b4c4d4e4f5051525354555657',
    additional: '50515253c0c1c2c3c4c5c6c7',
    plaintext: SUNSCREEN,
    sealed:
      'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e' +
      '1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e' +
      'c0875924c1c7987947deafd8780acf49',
  },
];

for (const vector of VECTORS) {
  test(`${vector.aead}: ${vector.source}`, () => {
    const { aead, plaintext } = vector;
    const nonce = hex(vector.nonce);
    const sealed = aeadSeal(aead, hex(vector.key), nonce, plaintext, hex(vector.additional));
    assert.equal(sealed.subarray(nonce.length).toString('hex'), vector.sealed);
    assert.deepEqual(aeadOpen(aead, hex(vector.key), sealed, hex(vector.additional)), plaintext);
  });
}

test('HChaCha20: draft-irtf-cfrg-xchacha-03 §2.2.1', () => {
  const key = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
  assert.equal(
    hchacha20(key, hex('000000090000004a0000000031415927')).toString('hex'),
    '82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc',
  );
});

const aeads = fc.constantFrom<AeadName>(
  'aes-128-gcm',
  'aes-256-gcm',
  'chacha20-poly1305',
  'xchacha20-poly1305',
);

test('what is sealed opens, and no bit of it may change', () => {
  fc.assert(
    fc.property(
      aeads,
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(),
      fc.uint8Array({ minLength: 56, maxLength: 56 }),
      (aead, plaintext, additional, at, seed) => {
        const key = seed.subarray(0, aeadKeyBytes(aead));
        const nonce = seed.subarray(32, 32 + aeadNonceBytes(aead));
        const sealed = aeadSeal(aead, key, nonce, plaintext, additional);
        assert.deepEqual(aeadOpen(aead, key, sealed, additional), Buffer.from(plaintext));
        const bit = at % (sealed.length * 8);
        sealed[bit >> 3] = (sealed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.throws(() => aeadOpen(aead, key, sealed, additional), AuthenticationError);
        const longer = Buffer.concat([additional, Buffer.of(0)]);
        const again = aeadSeal(aead, key, nonce, plaintext, additional);
        assert.throws(() => aeadOpen(aead, key, again, longer), AuthenticationError);
      },
    ),
  );
});
