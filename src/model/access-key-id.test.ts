/** Access key ids carry their account. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accountOf, newAccessKeyId } from './access-key-id.ts';
import { systemRandom } from '../base/random.ts';

test('an id leads back to its account', () => {
  const account = fc
    .bigInt({ min: 0n, max: 999_999_999_999n })
    .map((number) => number.toString().padStart(12, '0'));
  fc.assert(
    fc.property(account, (id) => {
      const key = newAccessKeyId(systemRandom, 'AKIA', id);
      assert.match(key, /^AKIA[A-Z2-7]{16}$/);
      assert.equal(accountOf(key), id);
    }),
  );
});

test('a published id of the real service is read as its tools read it', () => {
  assert.equal(accountOf('ASIAQNZGKIQY56JQ7WML'), '029608264753');
});

test('what is no id has no account', () => {
  for (const text of ['', 'AKIA', 'AKIAIOSFODNN7EXAMPLE', 'akiaqnzgkiqy56jq7wml', '__proto__']) {
    assert.equal(accountOf(text), undefined);
  }
});
