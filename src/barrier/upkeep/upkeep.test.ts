/** The upkeep, on a clock that the test moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../base/clock.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { Barrier } from '../barrier.ts';
import { ROOT_KEY, TEST_WORLD } from '../barrier-fixture.ts';
import { TERM_GRACE_MS } from '../reencryption.ts';
import { Upkeep } from './upkeep.ts';

const MINUTE_MS = 60_000;

/** A clock that stands still until it is moved, and then runs what has come due, each to its end. */
class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000;
  readonly #waiting = new Set<{ atMs: number; action: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, action };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  async advance(ms: number, stepMs: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.#nowMs += stepMs;
      for (const entry of this.#waiting) {
        if (entry.atMs > this.#nowMs) continue;
        this.#waiting.delete(entry);
        entry.action();
      }
      // The memory store answers in microtasks, so one turn of the event loop sees every action to its end.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }
}

interface Kept {
  readonly clock: ManualClock;
  readonly storage: ReturnType<typeof createMemoryStorage>;
  readonly barrier: Barrier;
  readonly upkeep: Upkeep;
}

async function kept(records: number): Promise<Kept> {
  const clock = new ManualClock();
  const storage = createMemoryStorage();
  const world = { ...TEST_WORLD, clock };
  const barrier = new Barrier({ storage, world });
  await barrier.initialize(ROOT_KEY);
  await barrier.unseal(ROOT_KEY);
  const unit = barrier.begin();
  const view = unit.view('root', 'kv/');
  for (let index = 0; index < records; index++) view.putNew(`k${index}`, 'v');
  await unit.commit();
  return { clock, storage, barrier, upkeep: new Upkeep({ barrier, world }) };
}

test('a small store is scrubbed before start returns, a large one later', async () => {
  const small = await kept(10);
  await small.upkeep.start();
  assert.deepEqual(small.upkeep.integrity.faults, []);
  assert.ok(small.upkeep.integrity.checkedMs !== undefined);
  await small.upkeep.stop();
  const large = await kept(2500);
  await large.upkeep.start();
  assert.equal(large.upkeep.integrity.checkedMs, undefined);
  await large.clock.advance(5000, 250);
  assert.ok(large.upkeep.integrity.records > 2500);
  await large.upkeep.stop();
});

test('a fault that is found stays known', async () => {
  const { storage, upkeep } = await kept(10);
  await storage.commit({ checks: [], puts: [], deletes: ['data/root/kv/k3'] });
  await upkeep.start();
  assert.equal(upkeep.integrity.faults.length, 1);
  await upkeep.stop();
});

test('after a rotation everything goes to the new term, and the old one away', async () => {
  const { barrier, clock, upkeep } = await kept(300);
  await upkeep.start();
  await barrier.rotate();
  await clock.advance(10_000, 250);
  assert.deepEqual(barrier.terms, [1, 2]);
  await clock.advance(TERM_GRACE_MS + 60 * MINUTE_MS, MINUTE_MS);
  assert.deepEqual(barrier.terms, [2]);
  assert.equal((await barrier.begin().view('root', 'kv/').get('k7'))?.toString(), 'v');
  await upkeep.stop();
});

test('rotation by age happens without anybody asking', async () => {
  const { barrier, clock, upkeep } = await kept(1);
  await barrier.setRotationConfig({
    enabled: true,
    maxOperations: 1e9,
    intervalSeconds: 3600,
  });
  await upkeep.start();
  await clock.advance(61 * MINUTE_MS, MINUTE_MS);
  await clock.advance(6 * MINUTE_MS, MINUTE_MS);
  assert.equal(barrier.terms.at(-1), 2);
  await upkeep.stop();
});

test('what another replica does to the keyring is told at once, and kept by changes here', async () => {
  const { barrier, clock, storage } = await kept(1);
  const other = new Barrier({ storage, world: { ...TEST_WORLD, clock } });
  await other.unseal(ROOT_KEY);
  await other.rotate();
  assert.equal((await barrier.keyStatus()).term, 2);
  await other.setRotationConfig({ intervalSeconds: 3600 });
  assert.equal((await barrier.rotationConfig()).intervalSeconds, 3600);
  await Promise.all([
    other.setRotationConfig({ intervalSeconds: 7200 }),
    barrier.setRotationConfig({ maxOperations: 1e6 }),
  ]);
  const { maxOperations, intervalSeconds } = await other.rotationConfig();
  assert.deepEqual([maxOperations, intervalSeconds], [1e6, 7200]);
});

test('counts survive a restart, and another replica’s rotation is noticed', async () => {
  const { barrier, clock, storage, upkeep } = await kept(50);
  await upkeep.start();
  await clock.advance(6 * MINUTE_MS, MINUTE_MS);
  const other = new Barrier({ storage, world: { ...TEST_WORLD, clock } });
  await other.unseal(ROOT_KEY);
  assert.ok((await other.keyStatus()).encryptions > 50);
  await other.rotate();
  await clock.advance(MINUTE_MS, MINUTE_MS);
  assert.equal((await barrier.keyStatus()).term, 2);
  await upkeep.stop();
  barrier.seal();
  await clock.advance(MINUTE_MS, MINUTE_MS);
});
