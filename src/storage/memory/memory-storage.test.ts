/** The memory member's own tests, until the contract suite takes them over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConflictError } from '../storage.ts';
import { createMemoryStorage } from './memory-storage.ts';

test('a put can be read, listed and contested', async () => {
  const storage = createMemoryStorage();
  const value = Buffer.from('v');
  await storage.commit({
    checks: [{ key: 'a/b', revision: undefined }],
    puts: [
      { key: 'a/b', value, revision: 1 },
      { key: 'a', value, revision: 7 },
    ],
    deletes: [],
  });
  assert.deepEqual(await storage.read(['a/b', 'x']), [
    { key: 'a/b', value, revision: 1 },
    undefined,
  ]);
  assert.deepEqual(await storage.list(''), ['a', 'a/']);
  await assert.rejects(
    storage.commit({ checks: [{ key: 'a', revision: 6 }], puts: [], deletes: ['a'] }),
    ConflictError,
  );
});
