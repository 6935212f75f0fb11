/** The test restore: what it opens, and what it finds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBarrier } from '../barrier/barrier-fixture.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import type { MemoryStore } from '../storage/memory/memory-storage.ts';
import type { Entry } from '../storage/storage.ts';
import { prove } from './prove.ts';

const never = new AbortController().signal;

/** A store with the entries of another, each as `change` gives it; those that become undefined are left out. */
async function copyOf(
  storage: MemoryStore,
  change: (entry: Entry) => Entry | undefined = (entry) => entry,
): Promise<MemoryStore> {
  const copy = createMemoryStorage();
  await storage.walk(async (entries) => {
    const puts = entries.flatMap((entry) => change(entry) ?? []);
    await copy.commit({ checks: [], puts, deletes: [] });
  });
  return copy;
}

async function write(barrier: Barrier, key: string, text: string): Promise<void> {
  const unit = barrier.begin();
  unit.view('root', 'kv/').put(key, text);
  await unit.commit();
}

async function scene(): Promise<{ barrier: Barrier; storage: MemoryStore }> {
  const { barrier, storage } = await openBarrier(createMemoryStorage());
  for (let count = 0; count < 30; count++) await write(barrier, `k${count}`, `text ${count}`);
  return { barrier, storage };
}

test('a whole copy passes; a record that is changed, missing or older fails it', async () => {
  const { barrier, storage } = await scene();
  const older = await storage.scan('data/root/kv/', undefined, 1);
  await write(barrier, 'k0', 'newer');
  assert.ok((await prove(barrier, await copyOf(storage), never)) > 30);
  const victim = older[0]?.key ?? '';
  const spoil: Readonly<Record<string, (entry: Entry) => Entry | undefined>> = {
    missing: (entry) => (entry.key === victim ? undefined : entry),
    older: (entry) => (entry.key === victim ? older[0] : entry),
    renamed: (entry) => (entry.key === victim ? { ...entry, key: `${victim}x` } : entry),
    changed: (entry) =>
      entry.key === victim ? { ...entry, value: Buffer.from(entry.value.toReversed()) } : entry,
  };
  for (const [how, change] of Object.entries(spoil)) {
    await assert.rejects(prove(barrier, await copyOf(storage, change), never), /fault/, how);
  }
  assert.deepEqual(barrier.begin().dirty, false, 'the running barrier is as it was');
  await write(barrier, 'after', 'still works');
});

test('a copy of another cluster, or of nothing, is refused', async () => {
  const [one, other] = [await scene(), await scene()];
  await assert.rejects(prove(one.barrier, await copyOf(other.storage), never), /fault|cluster/);
  await assert.rejects(prove(one.barrier, createMemoryStorage(), never), /no keyring/);
});

test('after a rekey and a rotation an older copy is still read, until its term is dropped', async () => {
  const { barrier, storage } = await scene();
  const old = await copyOf(storage);
  const textIn = async (copy: MemoryStore): Promise<string | undefined> => {
    const opened = await barrier.openCopy(copy);
    try {
      return (await opened.begin().view('root', 'kv/').get('k7'))?.toString();
    } finally {
      opened.seal();
    }
  };
  await barrier.rekey(Buffer.alloc(32, 0x3c));
  await barrier.rotate();
  assert.equal(await textIn(old), 'text 7');
  assert.equal(await textIn(await copyOf(storage)), 'text 7');
});

test('it ends when it is told to', async () => {
  const { barrier, storage } = await scene();
  const stopped = AbortSignal.abort(new Error('told to'));
  await assert.rejects(prove(barrier, await copyOf(storage), stopped), /told to/);
});
