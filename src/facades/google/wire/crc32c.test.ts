/** CRC-32C against published values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from './crc32c.ts';

test('gives the published check value and those of RFC 3720', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  assert.equal(
    crc32c(Buffer.from(Array.from({ length: 32 }, (_none, index) => index))),
    0x46dd794e,
  );
  assert.equal(crc32c(Buffer.alloc(0)), 0);
});

test('agrees with what a Google client sends for the same bytes', () => {
  assert.equal(crc32c(Buffer.from('payload')), 4108544368);
});
