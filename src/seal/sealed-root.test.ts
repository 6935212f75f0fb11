/** What stands in clear in the store is read with suspicion. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import { type Storage, StorageError } from '../storage/storage.ts';
import { SEAL_CONFIG_KEY, WRAPPED_ROOT_KEY, readSealedRoot } from './sealed-root.ts';

async function storeWith(records: Readonly<Record<string, Buffer>>): Promise<Storage> {
  const storage = createMemoryStorage();
  await storage.commit({
    checks: [],
    puts: Object.entries(records).map(([key, value]) => ({ key, value, revision: 1 })),
    deletes: [],
  });
  return storage;
}

describe('the stored seal configuration', () => {
  test('is absent before initialization', async () => {
    assert.equal(await readSealedRoot(await storeWith({})), undefined);
  });

  test('is read as it was written', async () => {
    const config = { type: 'shamir', sharing: { shares: 3, threshold: 2 } };
    const storage = await storeWith({
      [SEAL_CONFIG_KEY]: Buffer.from(JSON.stringify(config)),
      [WRAPPED_ROOT_KEY]: Buffer.from('wrapped'),
    });
    assert.deepEqual((await readSealedRoot(storage))?.config, config);
  });

  test('does not count when half of it is missing', async () => {
    const storage = await storeWith({ [WRAPPED_ROOT_KEY]: Buffer.from('wrapped') });
    await assert.rejects(readSealedRoot(storage), /part of the stored seal configuration/);
  });

  test('that is not one gives an error that says so and repeats nothing of it', async () => {
    const bytes = fc.uint8Array({ maxLength: 64 }).map((value) => Buffer.from(value));
    const json = fc.json().map((text) => Buffer.from(text));
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, json), async (value) => {
        const storage = await storeWith({
          [SEAL_CONFIG_KEY]: value,
          [WRAPPED_ROOT_KEY]: Buffer.from('wrapped'),
        });
        await assert.rejects(
          readSealedRoot(storage),
          new StorageError('the stored seal configuration is malformed'),
        );
      }),
    );
  });
});
