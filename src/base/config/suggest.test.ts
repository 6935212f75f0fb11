/** The closest known name to a mistyped one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closestName, editDistance } from './suggest.ts';

test('counts insertions, deletions, replacements and swaps', () => {
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(editDistance('address', 'adress'), 1);
  assert.equal(editDistance('level', 'levle'), 1);
  assert.equal(editDistance('kitten', 'sitting'), 3);
});

test('suggests what is near and nothing else', () => {
  const names = ['listener', 'storage', 'log_level'];
  assert.equal(closestName('Listner', names), 'listener');
  assert.equal(closestName('zzzz', names), undefined);
  assert.equal(closestName('x'.repeat(10_000), names), undefined);
});
