/** HKDF-SHA-256 against RFC 5869 appendix A. */
import assert from 'node:assert/strict';
import { hkdfSync } from 'node:crypto';
import { test } from 'node:test';
import { deriveKey } from './key-derivation.ts';

test('matches RFC 5869 A.3', () => {
  const key = Buffer.alloc(22, 0x0b);
  assert.equal(
    deriveKey(key, { info: '', length: 42 }).toString('hex'),
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  );
  const salt = Buffer.from('000102030405060708090a0b0c', 'hex');
  assert.deepEqual(
    deriveKey(key, { salt, info: 'purpose' }),
    Buffer.from(hkdfSync('sha256', key, salt, 'purpose', 32)),
  );
});

test('purposes and salts do not share keys', () => {
  const key = Buffer.alloc(32, 1);
  const keys = [
    deriveKey(key, { info: 'a' }),
    deriveKey(key, { info: 'b' }),
    deriveKey(key, { info: 'a', salt: Buffer.from('s') }),
  ].map((each) => each.toString('hex'));
  assert.equal(new Set(keys).size, keys.length);
});
