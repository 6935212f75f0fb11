/** Contract tests of reads, conditional commits, running sums and close. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entry, puts, withStorage } from './storage-member.contract.ts';
import type { StorageMember } from './storage-member.contract.ts';
import { ConflictError, StorageError } from './storage.ts';
import type { Commit } from './storage.ts';

/** Registers the tests of reads, checks and close. */
export function basicContract(member: StorageMember): void {
  test('reads answer in the order of the keys, absent ones as undefined, repeated ones again', async () => {
    await withStorage(member, async (storage) => {
      await storage.commit(puts(entry('b', 5), entry('a/x', 9), entry('a')));
      assert.deepEqual(await storage.read(['a', 'nothing', 'b', 'a/x', 'b']), [
        entry('a'),
        undefined,
        entry('b', 5),
        entry('a/x', 9),
        entry('b', 5),
      ]);
      assert.deepEqual(await storage.read([]), []);
    });
  });

  test('revisions are kept as the caller chose them, up or down, to the largest', async () => {
    await withStorage(member, async (storage) => {
      for (const revision of [7, 3, Number.MAX_SAFE_INTEGER, 1]) {
        await storage.commit(puts(entry('k', revision)));
        assert.deepEqual(await storage.read(['k']), [entry('k', revision)]);
      }
    });
  });

  test('values of any bytes come back, empty ones too', async () => {
    await withStorage(member, async (storage) => {
      const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      const large = Buffer.alloc(1024 * 1024, all);
      const values: readonly Buffer[] = [Buffer.alloc(0), all, large];
      const entries = values.map((value, index) => ({ key: `v${index}`, value, revision: 1 }));
      await storage.commit(puts(...entries));
      assert.deepEqual(await storage.read(['v0', 'v1', 'v2']), entries);
    });
  });

  test('a failed check leaves nothing of the commit, and names the key', async () => {
    await withStorage(member, async (storage) => {
      await storage.commit(puts(entry('a', 2), entry('b', 4)));
      const wrong: readonly (readonly [string, number | undefined])[] = [
        ['a', 1],
        ['a', undefined],
        ['absent', 1],
        ['b', 5],
      ];
      for (const [key, revision] of wrong) {
        const commit: Commit = {
          checks: [
            { key: 'a', revision: key === 'a' ? revision : 2 },
            { key, revision },
          ],
          puts: [entry('a', 3), entry('new')],
          deletes: ['b'],
        };
        await assert.rejects(storage.commit(commit), (error) => {
          assert.ok(error instanceof ConflictError);
          assert.equal(error.key, key);
          return true;
        });
      }
      assert.deepEqual(await storage.read(['a', 'b', 'new']), [
        entry('a', 2),
        entry('b', 4),
        undefined,
      ]);
    });
  });

  test('checks that hold let puts and deletes through together', async () => {
    await withStorage(member, async (storage) => {
      await storage.commit(puts(entry('a', 2), entry('b')));
      await storage.commit({
        checks: [
          { key: 'a', revision: 2 },
          { key: 'c', revision: undefined },
        ],
        puts: [entry('a', 3), entry('c')],
        deletes: ['b', 'never there'],
      });
      assert.deepEqual(await storage.read(['a', 'b', 'c']), [entry('a', 3), undefined, entry('c')]);
      await storage.commit({ checks: [{ key: 'b', revision: undefined }], puts: [], deletes: [] });
      await storage.commit({ checks: [], puts: [], deletes: [] });
    });
  });

  test('close waits for commits under way, can be repeated, and ends all service', async () => {
    await withStorage(member, async (storage, opened) => {
      let durable = false;
      const commit = storage.commit(puts(entry('last'))).then(() => (durable = true));
      await Promise.all([storage.close(), storage.close()]);
      assert.ok(durable);
      await commit;
      await storage.close();
      await assert.rejects(async () => storage.read(['last']), StorageError);
      await assert.rejects(storage.list(''), StorageError);
      await assert.rejects(storage.scan('', undefined, 1), StorageError);
      await assert.rejects(storage.commit(puts(entry('late'))), StorageError);
      const again = await opened.reopen?.();
      if (again === undefined) return;
      assert.deepEqual(await again.read(['last', 'late']), [entry('last'), undefined]);
    });
  });
}

/** Registers the tests of running sums. */
export function amendContract(member: StorageMember): void {
  test('amend gets the newest entries and its entries are committed with the rest', async () => {
    await withStorage(member, async (storage) => {
      await storage.commit(puts(entry('sum', 4)));
      await storage.commit({
        checks: [],
        puts: [entry('other')],
        deletes: [],
        amend: {
          keys: ['sum', 'missing'],
          apply: (found) => {
            assert.deepEqual(found, [entry('sum', 4), undefined]);
            return [entry('sum', 5), entry('missing')];
          },
        },
      });
      assert.deepEqual(await storage.read(['sum', 'missing', 'other']), [
        entry('sum', 5),
        entry('missing'),
        entry('other'),
      ]);
    });
  });

  test('amend is not asked when a check fails, and its error leaves nothing', async () => {
    await withStorage(member, async (storage) => {
      const failure = new Error('no sum');
      const commit = (revision: number | undefined): Commit => ({
        checks: [{ key: 'k', revision }],
        puts: [entry('k')],
        deletes: [],
        amend: {
          keys: ['sum'],
          apply: () => {
            throw failure;
          },
        },
      });
      await assert.rejects(storage.commit(commit(1)), ConflictError);
      await assert.rejects(storage.commit(commit(undefined)), failure);
      assert.deepEqual(await storage.read(['k', 'sum']), [undefined, undefined]);
      await storage.commit(puts(entry('k', 2)));
      assert.deepEqual(await storage.read(['k']), [entry('k', 2)]);
    });
  });

  test('amend sees every commit queued before it: running sums lose nothing', async () => {
    await withStorage(member, async (storage) => {
      const count = 150;
      const commits = Array.from({ length: count }, (_, index) =>
        storage.commit({
          checks: [],
          puts: [entry(`item/${index}`)],
          deletes: [],
          amend: {
            keys: ['sum'],
            apply: ([sum]) => [entry('sum', (sum?.revision ?? 0) + 1)],
          },
        }),
      );
      await Promise.all(commits);
      assert.deepEqual(await storage.read(['sum']), [entry('sum', count)]);
      assert.equal((await storage.list('item/')).length, count);
    });
  });
}
