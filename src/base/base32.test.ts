/** Base32: the vectors of RFC 4648 §10, and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeBase32, encodeBase32 } from './base32.ts';

const VECTORS = [
  ['', ''],
  ['f', 'MY======'],
  ['fo', 'MZXQ===='],
  ['foo', 'MZXW6==='],
  ['foob', 'MZXW6YQ='],
  ['fooba', 'MZXW6YTB'],
  ['foobar', 'MZXW6YTBOI======'],
] as const;

test('RFC 4648 §10', () => {
  for (const [text, encoded] of VECTORS) {
    assert.equal(encodeBase32(Buffer.from(text)), encoded.replaceAll('=', ''));
    assert.equal(decodeBase32(encoded)?.toString(), text);
    assert.equal(decodeBase32(encoded.toLowerCase())?.toString(), text);
  }
});

test('any bytes come back', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(decodeBase32(encodeBase32(bytes)), Buffer.from(bytes));
    }),
  );
});

test('what is no base32 is refused', () => {
  for (const text of ['not base32!', '1', 'A', 'ABC', 'ABCDEF', 'MY=Y', '８']) {
    assert.equal(decodeBase32(text), undefined, text);
  }
});
