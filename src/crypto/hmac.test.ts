/** HMAC-SHA-256 against RFC 4231 and against node:crypto's own. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { HmacKey } from './hmac.ts';

/** RFC 4231 §4.2 to §4.8 (§4.6 is truncated to 128 bits). */
const VECTORS: readonly { key: Buffer; data: Buffer; mac: string }[] = [
  {
    key: Buffer.alloc(20, 0x0b),
    data: Buffer.from('Hi There'),
    mac: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  },
  {
    key: Buffer.from('Jefe'),
    data: Buffer.from('what do ya want for nothing?'),
    mac: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  },
  {
    key: Buffer.alloc(20, 0xaa),
    data: Buffer.alloc(50, 0xdd),
    mac: '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
  },
  {
    key: Buffer.from(Array.from({ length: 25 }, (_, index) => index + 1)),
    data: Buffer.alloc(50, 0xcd),
    mac: '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
  },
  {
    key: Buffer.alloc(20, 0x0c),
    data: Buffer.from('Test With Truncation'),
    mac: 'a3b6167473100ee06e0c796c2955552b',
  },
  {
    key: Buffer.alloc(131, 0xaa),
    data: Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'),
    mac: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  },
  {
    key: Buffer.alloc(131, 0xaa),
    data: Buffer.from(
      'This is a test using a larger than block-size key and a larger than block-size data. ' +
        'The key needs to be hashed before being used by the HMAC algorithm.',
    ),
    mac: '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
  },
];

test('matches RFC 4231', () => {
  for (const { key, data, mac } of VECTORS) {
    assert.equal(new HmacKey(key).digestText(data, 'hex').slice(0, mac.length), mac);
  }
});

test('equals node:crypto for every key, message and length', () => {
  const message = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.uint8Array({ maxLength: 200 }),
    fc.integer({ min: 1300, max: 6000 }).map((length) => 'é'.repeat(length)),
    fc.integer({ min: 4000, max: 4200 }).map((length) => Buffer.alloc(length, 1)),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 140 }), fc.array(message), (keyBytes, messages) => {
      const key = new HmacKey(keyBytes);
      for (const each of messages) {
        const expected = createHmac('sha256', keyBytes).update(each).digest();
        assert.deepEqual(key.digest(each), expected);
        assert.equal(key.digestText(each, 'base64url'), expected.toString('base64url'));
      }
    }),
  );
});

test('a destroyed key throws', () => {
  const key = new HmacKey(Buffer.from('k'));
  key.destroy();
  assert.throws(() => key.digest('message'), /wiped/);
});
