/** HKDF, AES key wrap and TOTP against the vectors of their RFCs. */
import assert from 'node:assert/strict';
import { createSecretKey, hkdfSync } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hkdfExpand, hkdfExtract } from './hkdf.ts';
import { unwrapKey, wrapKey } from './key-wrap.ts';
import { totpCode, totpStep } from './totp.ts';
import type { TotpHash } from './totp.ts';
import { AuthenticationError } from './xaes.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

test('HKDF-SHA-256: RFC 5869 A.1 and A.3', () => {
  const material = Buffer.alloc(22, 0x0b);
  const extracted = hkdfExtract(material, hex('000102030405060708090a0b0c'));
  assert.equal(
    extracted.toString('hex'),
    '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
  );
  assert.equal(
    hkdfExpand(extracted, hex('f0f1f2f3f4f5f6f7f8f9'), 42).toString('hex'),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  );
  assert.equal(
    hkdfExpand(hkdfExtract(material), Buffer.alloc(0), 42).toString('hex'),
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  );
});

test('HKDF agrees with OpenSSL, and takes an info longer than OpenSSL does', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1 }),
      fc.uint8Array(),
      fc.integer({ min: 1, max: 200 }),
      (key, info, length) => {
        const expected = Buffer.from(hkdfSync('sha256', key, '', info, length));
        assert.deepEqual(hkdfExpand(createSecretKey(hkdfExtract(key)), info, length), expected);
      },
    ),
  );
  assert.equal(hkdfExpand(Buffer.alloc(32), Buffer.alloc(5000), 64).length, 64);
});

test('AES key wrap with padding: RFC 5649 §6', () => {
  const key = hex('5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8');
  const vectors = [
    [
      'c37b7e6492584340bed12207808941155068f738',
      '138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a',
    ],
    ['466f7250617369', 'afbeb0f07dfbf5419200f2ccb50bb24f'],
  ] as const;
  for (const [secret, wrapped] of vectors) {
    assert.equal(wrapKey(key, hex(secret)).toString('hex'), wrapped);
    assert.equal(unwrapKey(key, hex(wrapped)).toString('hex'), secret);
  }
});

test('a wrapped key of any length comes back, and no bit of it may change', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 100 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.nat(),
      (secret, key, at) => {
        const wrapped = wrapKey(key, secret);
        assert.deepEqual(unwrapKey(key, wrapped), Buffer.from(secret));
        const bit = at % (wrapped.length * 8);
        wrapped[bit >> 3] = (wrapped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.throws(() => unwrapKey(key, wrapped), AuthenticationError);
      },
    ),
  );
});

test('TOTP: RFC 6238 appendix B', () => {
  const secrets: Readonly<Record<TotpHash, string>> = {
    sha1: '12345678901234567890',
    sha256: '12345678901234567890123456789012',
    sha512: '1234567890123456789012345678901234567890123456789012345678901234',
  };
  const vectors: readonly (readonly [number, TotpHash, string])[] = [
    [59, 'sha1', '94287082'],
    [59, 'sha256', '46119246'],
    [59, 'sha512', '90693936'],
    [1111111109, 'sha1', '07081804'],
    [1111111109, 'sha256', '68084774'],
    [1111111109, 'sha512', '25091201'],
    [1234567890, 'sha1', '89005924'],
    [20000000000, 'sha1', '65353130'],
    [20000000000, 'sha256', '77737706'],
    [20000000000, 'sha512', '47863826'],
  ];
  for (const [seconds, hash, code] of vectors) {
    const step = totpStep(seconds * 1000, 30);
    const shape = { hash, digits: 8, periodSeconds: 30 };
    assert.equal(totpCode(Buffer.from(secrets[hash]), step, shape), code);
  }
});
