/** Key order against the definition: the bytes of UTF-8. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { childName, compareKeys, positionAfter, prefixEnd } from './key-order.ts';

const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({
    unit: fc.constantFrom('a', '/', '0', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
    maxLength: 6,
  }),
);

function bytesOrder(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

test('keys compare like their UTF-8 bytes', () => {
  fc.assert(
    fc.property(text, text, (left, right) => {
      assert.equal(Math.sign(compareKeys(left, right)), bytesOrder(left, right));
    }),
  );
});

test('the end of a prefix is above exactly the keys that begin with it', () => {
  fc.assert(
    fc.property(text, text, (prefix, key) => {
      const end = prefixEnd(prefix);
      const below = end === undefined || bytesOrder(key, end) < 0;
      assert.equal(bytesOrder(key, prefix) >= 0 && below, key.startsWith(prefix));
    }),
  );
});

test('a listing resumes behind a record or a whole folder', () => {
  assert.deepEqual(positionAfter('p/', 'name'), { key: 'p/name', inclusive: false });
  assert.deepEqual(positionAfter('p/', 'folder/'), { key: 'p/folder0', inclusive: true });
  assert.equal(childName('p/folder/x/y', 'p/'), 'folder/');
  assert.equal(childName('p/name', 'p/'), 'name');
});
