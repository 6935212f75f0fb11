/** Leases of tokens: what their ids say of the namespace. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListPage } from '../model/transaction.ts';
import { leaseKey, listTokenLeases } from './token-leases.ts';

test('a lease of a namespace ends in its id; one that does not is of another', () => {
  assert.equal(leaseKey('root', 'auth/token/create/h1'), 'lease/auth/token/create/h1');
  assert.equal(leaseKey('abc123', 'auth/token/create/h1.abc123'), 'lease/auth/token/create/h1');
  assert.equal(leaseKey('abc123', 'auth/token/create/h1'), undefined);
});

test('a page goes on after a name as it was shown', async () => {
  const asked: unknown[] = [];
  const view = {
    list: (prefix: string, page?: ListPage): Promise<string[]> => {
      asked.push([prefix, page?.after]);
      return Promise.resolve(['h2', 'role/']);
    },
  };
  const page = { after: 'h1.abc123', limit: 2 };
  assert.deepEqual(await listTokenLeases(view, 'abc123', 'auth/', page), ['h2.abc123', 'role/']);
  assert.deepEqual(await listTokenLeases(view, 'root', 'auth/', page), ['h2', 'role/']);
  assert.deepEqual(asked, [
    ['lease/auth/', 'h1'],
    ['lease/auth/', 'h1.abc123'],
  ]);
});
