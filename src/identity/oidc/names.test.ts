/** Names in settings of the OpenID provider. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distinctNames } from './names.ts';

test('a list of names is a set of trimmed names, and nothing is no name', () => {
  assert.deepEqual(distinctNames(['b', ' a ', '', 'b', ' ']), ['a', 'b']);
  assert.deepEqual(distinctNames(['']), []);
});
