/** The scrub finds what single reads cannot, and blames nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import type { Entry, ScannableStorage } from '../storage/storage.ts';
import { Barrier } from './barrier.ts';
import { ROOT_KEY, TEST_WORLD, openBarrier } from './barrier-fixture.ts';

const VIEW = ['root', 'kv/'] as const;

async function put(barrier: Barrier, key: string, value: string): Promise<void> {
  const unit = barrier.begin();
  unit.view(...VIEW).put(key, value);
  await unit.commit();
}

async function get(barrier: Barrier, key: string): Promise<string | undefined> {
  return (
    await barrier
      .begin()
      .view(...VIEW)
      .get(key)
  )?.toString();
}

async function entryOf(storage: ScannableStorage, key: string): Promise<Entry> {
  const [entry] = await storage.read([key]);
  return entry ?? assert.fail(`nothing under ${key}`);
}

/** Writes behind the barrier's back. */
async function forge(storage: ScannableStorage, entry: Entry): Promise<void> {
  await storage.commit({ checks: [], puts: [entry], deletes: [] });
}

async function scrubbed(barrier: Barrier, limit = 50): Promise<readonly string[]> {
  const scrub = barrier.scrub();
  while (!(await scrub.step(limit)).done);
  assert.deepEqual(scrub.report.undecided, []);
  return scrub.report.faults.map(({ key }) => key);
}

async function filled(): ReturnType<typeof openBarrier<ScannableStorage>> {
  const opened = await openBarrier(createMemoryStorage());
  const unit = opened.barrier.begin();
  const view = unit.view(...VIEW);
  for (let index = 0; index < 200; index++) view.put(`k${index}`, `v${index}`);
  unit.bumpEpoch('policies');
  await unit.commit();
  return opened;
}

test('finds nothing in a store that only the barrier wrote', async () => {
  const { barrier, reopen } = await filled();
  await put(barrier, 'k1', 'again');
  const unit = barrier.begin();
  unit.view(...VIEW).delete('k2');
  unit.bumpEpoch('policies');
  await unit.commit();
  await barrier.rotate();
  await barrier.rekey(Buffer.alloc(32, 1));
  assert.deepEqual(await scrubbed(barrier), []);
  await barrier.rekey(ROOT_KEY);
  await reopen();
  assert.deepEqual(await scrubbed(barrier, 7), []);
});

test('finds a replayed, a deleted, an inserted and a swapped record', async () => {
  const key = 'data/root/kv/k7';
  const attacks: Record<string, (storage: ScannableStorage, barrier: Barrier) => Promise<void>> = {
    replay: async (storage, barrier) => {
      const old = await entryOf(storage, key);
      await put(barrier, 'k7', 'newer');
      await forge(storage, old);
      assert.equal(await get(barrier, 'k7'), 'v7', 'a single read cannot tell');
    },
    delete: async (storage) => {
      await storage.commit({ checks: [], puts: [], deletes: [key] });
    },
    insert: async (storage, barrier) => {
      const old = await entryOf(storage, key);
      const unit = barrier.begin();
      unit.view(...VIEW).delete('k7');
      await unit.commit();
      await forge(storage, old);
    },
    swap: async (storage) => {
      const [a, b] = [await entryOf(storage, key), await entryOf(storage, 'data/root/kv/k8')];
      await forge(storage, { ...a, key: b.key });
      await forge(storage, { ...b, key: a.key });
    },
  };
  for (const [name, attack] of Object.entries(attacks)) {
    const { barrier, storage, tamperings } = await filled();
    await attack(storage, barrier);
    const faults = await scrubbed(barrier);
    assert.ok(faults.length > 0, name);
    assert.ok(tamperings.length > 0, name);
    assert.ok(
      faults.some((fault) => fault.startsWith('core/integrity/')),
      `${name}: the shard is named`,
    );
    if (name === 'swap' || name === 'insert')
      assert.ok(faults.includes(key), `${name}: the record is named`);
    assert.ok(faults.length <= 4, `${name}: nothing else is blamed`);
  }
});

test('gives nothing out of a shard whose sum does not hold, until it holds again', async () => {
  const { barrier, storage } = await filled();
  const key = 'data/root/kv/k7';
  const old = await entryOf(storage, key);
  await put(barrier, 'k7', 'newer');
  const newer = await entryOf(storage, key);
  await forge(storage, old);
  await scrubbed(barrier);
  await assert.rejects(get(barrier, 'k7'), /failed authentication/);
  let readable = 0;
  for (let index = 8; index < 200; index++) {
    readable += await get(barrier, `k${index}`).then(
      () => 1,
      () => 0,
    );
  }
  assert.ok(readable > 150, 'the other shards are served');
  await storage.commit({ checks: [], puts: [], deletes: [key] });
  await scrubbed(barrier);
  await assert.rejects(get(barrier, 'k7'), /failed authentication/, 'not even that it is gone');
  await forge(storage, newer);
  assert.deepEqual(await scrubbed(barrier), []);
  assert.equal(await get(barrier, 'k7'), 'newer');
});

test('goes on beside the traffic', async () => {
  const { barrier } = await filled();
  const scrub = barrier.scrub();
  let writes = 0;
  let report = scrub.report;
  while (!report.done) {
    const work = [scrub.step(10)];
    const others = Array.from({ length: 4 }, async (_, index) => {
      const unit = barrier.begin();
      const view = unit.view(...VIEW);
      const number = (writes++ * 13 + index) % 220;
      if (index === 0) view.delete(`k${number}`);
      else view.put(`k${number}`, `w${writes}`);
      if (index === 1) unit.bumpEpoch('policies');
      await unit.commit();
    });
    [report] = (await Promise.all([...work, Promise.all(others)])) as [typeof report, unknown];
  }
  assert.ok(writes > 80);
  assert.deepEqual(report.faults, []);
  assert.deepEqual(report.undecided, []);
});

test('leaves what another replica wrote meanwhile undecided', async () => {
  const { barrier, storage } = await filled();
  const other = new Barrier({ storage, world: TEST_WORLD });
  await other.unseal(ROOT_KEY);
  const scrub = barrier.scrub();
  await scrub.step(10);
  await put(other, 'k1', 'elsewhere');
  await put(other, 'aaa', 'elsewhere');
  const report = await scrub.step(4096);
  assert.deepEqual(report.faults, []);
  assert.ok(report.undecided.length <= 2);
  assert.deepEqual(await scrubbed(barrier), []);
});
