/** Weak coercion beyond what the field tests cover: lists of texts, maps, and hostile names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from './json.ts';
import { MismatchError, toInt, toMap, toStringMap, toText } from './coerce.ts';

test('a list of objects merges, the later one winning', () => {
  assert.deepEqual({ ...toMap([{ a: 1, b: 1 }, { b: 2 }]) }, { a: 1, b: 2 });
});

test('hostile names do not reach a prototype', () => {
  const hostile = parseJson('[{"__proto__":{"polluted":1}}]');
  assert.equal(toMap(hostile)['polluted'], undefined);
  const texts = toStringMap(['__proto__=x', 'constructor=y']);
  assert.equal(Object.getPrototypeOf(texts), null);
  assert.deepEqual(Object.keys(texts), ['__proto__', 'constructor']);
});

test('mismatches name what was expected', () => {
  assert.throws(() => toInt('hunter2'), new MismatchError('expected an integer'));
  assert.throws(() => toText({ a: 'hunter2' }), new MismatchError('expected a string'));
});
