/** Subkeys: no value survives, the shape does, depth cuts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../../base/json.ts';
import { subkeysOf } from './subkeys.ts';

const SECRET: JsonObject = {
  foo: 'bar',
  deep: { a: { b: { c: {} } }, l: [{ x: 1 }] },
  n: null,
  e: {},
};

test('depth as recorded from the reference', () => {
  const rest = { foo: null, n: null, e: null };
  assert.deepEqual(subkeysOf(SECRET, 0), { ...rest, deep: { a: { b: { c: null } }, l: null } });
  assert.deepEqual(subkeysOf(SECRET, 1), { ...rest, deep: null });
  assert.deepEqual(subkeysOf(SECRET, 2), { ...rest, deep: { a: null, l: null } });
  assert.deepEqual(subkeysOf(SECRET, 3), { ...rest, deep: { a: { b: null }, l: null } });
  assert.deepEqual(subkeysOf(SECRET, -1), { ...rest, deep: null });
});

test('no value is ever shown, and depth is respected', () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>;
  fc.assert(
    fc.property(object, fc.integer({ min: 1, max: 4 }), (secret, depth) => {
      const shown = subkeysOf(secret, depth);
      assert.deepEqual(Object.keys(shown).sort(), Object.keys(secret).sort());
      const levels = (value: unknown): number =>
        typeof value === 'object' && value !== null
          ? 1 + Math.max(0, ...Object.values(value).map(levels))
          : (assert.equal(value, null), 0);
      assert.ok(levels(shown) <= depth);
    }),
  );
});
