/** Masks come off again, hide what is below, and differ. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { systemRandom } from '../base/random.ts';
import { maskKeys, unmaskKeys } from './key-mask.ts';

const MASK = { key: Buffer.alloc(32, 1), info: 'test' };

test('a mask comes off, whatever the length', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.integer({ min: 8100, max: 20_000 }).map((length) => new Uint8Array(length).fill(7)),
  );
  fc.assert(
    fc.property(bytes, (each) => {
      const masked = maskKeys(each, MASK, systemRandom);
      assert.deepEqual(unmaskKeys(masked, MASK), Buffer.from(each));
    }),
  );
});

test('what is masked twice looks different, and shows none of itself', () => {
  const key = Buffer.alloc(20_000, 0xaa);
  const masked = maskKeys(key, MASK, systemRandom);
  assert.notDeepEqual(masked, maskKeys(key, MASK, systemRandom));
  assert.equal(masked.includes(Buffer.alloc(8, 0xaa)), false);
  assert.notDeepEqual(unmaskKeys(masked, { ...MASK, info: 'other' }), key);
  assert.throws(() => unmaskKeys(masked.subarray(0, 15), MASK), RangeError);
});
