/** Contract tests of concurrency: one winner per key, one snapshot per read, no lost update. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entry, puts, withStorage } from './storage-member.contract.ts';
import type { StorageMember } from './storage-member.contract.ts';
import { ConflictError } from './storage.ts';
import type { ScannableStorage } from './storage.ts';

const CONTENDERS = 64;

/** Registers the concurrency tests. */
export function raceContract(member: StorageMember): void {
  test('of many concurrent creations of one key exactly one wins', async () => {
    await withStorage(member, async (storage) => {
      for (let round = 1; round <= 5; round += 1) {
        const key = `key-${round}`;
        const results = await Promise.allSettled(
          Array.from({ length: CONTENDERS }, (_, index) =>
            storage.commit({
              checks: [{ key, revision: undefined }],
              puts: [entry(key, index + 1), entry(`${key}/${index}`)],
              deletes: [],
            }),
          ),
        );
        const winners = results.flatMap((result, index) =>
          result.status === 'fulfilled' ? [index] : [],
        );
        assert.equal(winners.length, 1);
        for (const result of results) {
          if (result.status === 'rejected') assert.ok(result.reason instanceof ConflictError);
        }
        const [winner = 0] = winners;
        assert.deepEqual(await storage.read([key]), [entry(key, winner + 1)]);
        assert.deepEqual(await storage.list(`${key}/`), [String(winner)]);
      }
    });
  });

  test('read-check-write loops lose no update and always get through', async () => {
    await withStorage(member, async (storage) => {
      await Promise.all(Array.from({ length: CONTENDERS }, () => increment(storage, 'counter')));
      assert.deepEqual(await storage.read(['counter']), [entry('counter', CONTENDERS)]);
    });
  });

  test('a commit that lost to one still under way fails only when the winner can be read', async () => {
    await withStorage(member, async (storage) => {
      for (let round = 1; round <= 20; round += 1) {
        const key = `k${round}`;
        const winner = storage.commit(puts(entry(key)));
        await assert.rejects(
          storage.commit({ checks: [{ key, revision: undefined }], puts: [], deletes: [key] }),
          ConflictError,
        );
        assert.deepEqual(await storage.read([key]), [entry(key)]);
        await winner;
      }
    });
  });

  test('commits made in one turn keep their order', async () => {
    await withStorage(member, async (storage) => {
      const commits = [storage.commit(puts(entry('k')))];
      for (let revision = 1; revision < 40; revision += 1) {
        commits.push(
          storage.commit({
            checks: [{ key: 'k', revision }],
            puts: [entry('k', revision + 1)],
            deletes: [],
          }),
        );
      }
      commits.push(
        storage.commit({ checks: [{ key: 'k', revision: 40 }], puts: [], deletes: ['k'] }),
        storage.commit({ ...puts(entry('k', 7)), checks: [{ key: 'k', revision: undefined }] }),
      );
      await Promise.all(commits);
      assert.deepEqual(await storage.read(['k']), [entry('k', 7)]);
    });
  });

  test('a read of several keys shows one snapshot, and snapshots never go back', async () => {
    await withStorage(member, async (storage) => {
      const keys = ['s/a', 's/b', 's/c'];
      const rounds = 200;
      const state = { writing: true };
      async function write(): Promise<void> {
        for (let revision = 1; revision <= rounds; revision += 1) {
          await storage.commit(puts(...keys.map((key) => entry(key, revision))));
        }
        state.writing = false;
      }
      async function watch(): Promise<void> {
        let newest = 0;
        while (state.writing) {
          const entries = await storage.read([...keys, keys[0] ?? '']);
          const revisions = new Set(entries.map((found) => found?.revision ?? 0));
          assert.equal(revisions.size, 1, `torn snapshot: ${[...revisions].join(', ')}`);
          const [revision = 0] = revisions;
          assert.ok(revision >= newest);
          newest = revision;
          for (const found of entries)
            if (found) assert.deepEqual(found, entry(found.key, revision));
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      await Promise.all([write(), watch(), watch()]);
    });
  });

  test('a commit is readable as soon as it resolves', async () => {
    await withStorage(member, async (storage) => {
      async function putAndRead(key: string): Promise<void> {
        for (let revision = 1; revision <= 10; revision += 1) {
          await storage.commit(puts(entry(key, revision)));
          assert.deepEqual(await storage.read([key]), [entry(key, revision)]);
        }
        await storage.commit({ checks: [], puts: [], deletes: [key] });
        assert.deepEqual(await storage.read([key]), [undefined]);
      }
      await Promise.all(Array.from({ length: 16 }, (_, index) => putAndRead(`k${index}`)));
    });
  });
}

/** Adds one to the revision of `key`, starting over on each conflict. */
async function increment(storage: ScannableStorage, key: string): Promise<void> {
  for (let attempt = 1; attempt <= 2 * CONTENDERS; attempt += 1) {
    const [found] = await storage.read([key]);
    const revision = found?.revision;
    try {
      await storage.commit({
        checks: [{ key, revision }],
        puts: [entry(key, (revision ?? 0) + 1)],
        deletes: [],
      });
      return;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
  assert.fail('starved: each round must let one commit through');
}
