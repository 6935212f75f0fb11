/** The map that forgets: bounded, and never what is in use. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Recent } from './recent.ts';

test('what is used again and again stays, what is not goes', () => {
  const recent = new Recent<number>(10);
  recent.set('hot', 1);
  for (let index = 0; index < 100; index++) {
    recent.set(`cold${index}`, index);
    assert.equal(recent.get('hot'), 1);
  }
  assert.equal(recent.get('cold0'), undefined);
  assert.equal(recent.get('cold99'), 99);
});

test('a value is the last that was set, or forgotten, and no more are held than allowed', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    value: fc.nat(),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(step, { maxLength: 60 }),
      (max, steps) => {
        const recent = new Recent<number>(max);
        const last = new Map<string, number>();
        for (const { key, value } of steps) {
          recent.set(key, value);
          last.set(key, value);
          assert.equal(recent.get(key), value);
        }
        const held = [...last].filter(([key, value]) => {
          const found = recent.get(key);
          assert.ok(found === undefined || found === value);
          return found !== undefined;
        });
        assert.ok(held.length <= Math.max(2, max));
      },
    ),
  );
});
