/** Contract tests of a restore: all or nothing, and nobody goes on over the state before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStorage } from './memory/memory-storage.ts';
import { pagesOf } from './pages.ts';
import { entry, puts, withStorage } from './storage-member.contract.ts';
import type { StorageMember } from './storage-member.contract.ts';
import { isReplaceable, ReplacedError } from './storage.ts';
import type { Entry, ReplaceableStorage, ScannableStorage } from './storage.ts';

const MANY = 5_000;

type Replaceable = ReplaceableStorage & ScannableStorage;

function replaceable(storage: ScannableStorage): Replaceable {
  assert.ok(isReplaceable(storage));
  return storage;
}

async function copyOf(entries: readonly Entry[]): Promise<ScannableStorage> {
  const copy = createMemoryStorage();
  for (let from = 0; from < entries.length; from += 1000) {
    await copy.commit(puts(...entries.slice(from, from + 1000)));
  }
  return copy;
}

async function everything(storage: ScannableStorage): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const page of pagesOf(storage)) entries.push(...page);
  return entries;
}

/** Registers the tests of restores. */
export function replaceContract(member: StorageMember): void {
  test('what a copy holds takes the place of everything, once it is accepted', async () => {
    await withStorage(member, async (opened, made) => {
      const storage = replaceable(opened);
      await storage.commit(puts(entry('gone'), entry('kept', 9), entry('f/x')));
      const copied = Array.from({ length: MANY }, (_, n) =>
        entry(`k/${String(n).padStart(5, '0')}`),
      );
      copied.push(entry('kept', 2));
      let told = 0;
      storage.onReplaced(() => (told += 1));
      await storage.replace(await copyOf(copied));
      assert.equal(told, 1);
      await assert.rejects(async () => await storage.read(['kept']), ReplacedError);
      await assert.rejects(storage.list(''), ReplacedError);
      await assert.rejects(storage.commit(puts(entry('late'))), ReplacedError);
      await storage.acceptReplaced();
      assert.deepEqual(await everything(storage), copied);
      assert.deepEqual(await storage.read(['kept', 'gone']), [entry('kept', 2), undefined]);
      await storage.commit({
        checks: [{ key: 'kept', revision: 2 }],
        puts: [entry('kept', 3)],
        deletes: ['k/00000'],
      });
      assert.deepEqual(await storage.read(['kept', 'k/00000']), [entry('kept', 3), undefined]);
      if (made.reopen === undefined) return;
      await storage.close();
      const again = await made.reopen();
      assert.deepEqual(await again.read(['kept', 'late', 'k/00001']), [
        entry('kept', 3),
        undefined,
        entry('k/00001'),
      ]);
    });
  });

  test('a copy that cannot be read to its end changes nothing', async () => {
    await withStorage(member, async (opened) => {
      const storage = replaceable(opened);
      await storage.commit(puts(entry('kept', 9)));
      const copy = await copyOf(Array.from({ length: MANY }, (_, n) => entry(`k/${n}`)));
      let scans = 0;
      const torn: ScannableStorage = {
        read: (keys) => copy.read(keys),
        list: (prefix) => copy.list(prefix),
        commit: (commit) => copy.commit(commit),
        close: () => copy.close(),
        scan: async (...of) => {
          scans += 1;
          if (scans > 2) throw new Error('torn');
          return await copy.scan(...of);
        },
      };
      await assert.rejects(storage.replace(torn), /torn/u);
      assert.deepEqual(await everything(storage), [entry('kept', 9)]);
      await storage.commit(puts(entry('kept', 10)));
      await storage.replace(copy);
      await storage.acceptReplaced();
      assert.equal((await everything(storage)).length, MANY);
    });
  });

  test('commits made during a restore are refused, or stand before it and are gone with the rest', async () => {
    await withStorage(member, async (opened) => {
      const storage = replaceable(opened);
      const copy = await copyOf(Array.from({ length: MANY }, (_, n) => entry(`k/${n}`)));
      const commits = Array.from({ length: 20 }, (_, n) =>
        storage.commit(puts(entry(`before/${n}`))),
      );
      const replaced = storage.replace(copy);
      const late = Array.from({ length: 20 }, (_, n) => storage.commit(puts(entry(`late/${n}`))));
      await Promise.allSettled([...commits, ...late]);
      await replaced;
      await storage.acceptReplaced();
      assert.equal((await everything(storage)).length, MANY);
    });
  });
}
