/** The barrier as a whole: what it refuses, what it survives, and what is left of its keys. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { systemRandom } from '../base/random.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import { ConflictError, type Entry, type ScannableStorage } from '../storage/storage.ts';
import { Barrier } from './barrier.ts';
import { ROOT_KEY, TEST_WORLD, openBarrier } from './barrier-fixture.ts';
import { TERM_GRACE_MS } from './reencryption.ts';

const VIEW = ['root', 'kv/'] as const;
const TAMPERED = { code: 'internal', message: 'stored record failed authentication' };
const SEALED = { code: 'sealed' };

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

async function all(storage: ScannableStorage): Promise<readonly Entry[]> {
  return storage.scan('', undefined, 4096);
}

describe('tampering with a record', () => {
  test('of any bit, its place, its revision or its suite makes it unreadable', async () => {
    const { barrier, storage, tamperings } = await openBarrier(createMemoryStorage());
    await put(barrier, 'a', 'secret of a');
    await put(barrier, 'b', 'secret of b');
    const [a, b] = [
      await entryOf(storage, 'data/root/kv/a'),
      await entryOf(storage, 'data/root/kv/b'),
    ];
    const forgeries = fc.oneof(
      fc.nat(a.value.length * 8 - 1).map((bit): Entry => {
        const value = Buffer.from(a.value);
        value[bit >> 3] = (value[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        return { ...a, value };
      }),
      fc.constant({ ...b, key: a.key }),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map((revision) => ({ ...a, revision })),
      fc.nat(a.value.length - 1).map((length) => ({ ...a, value: a.value.subarray(0, length) })),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => ({ ...a, value: Buffer.from(bytes) })),
    );
    await fc.assert(
      fc.asyncProperty(forgeries, async (forged) => {
        fc.pre(!(forged.revision === a.revision && forged.value.equals(a.value)));
        await forge(storage, forged);
        const before = tamperings.length;
        await assert.rejects(get(barrier, 'a'), TAMPERED);
        await assert.rejects(
          async () =>
            barrier
              .begin()
              .view(...VIEW)
              .getRecord('a'),
          TAMPERED,
        );
        assert.equal(tamperings.length, before + 2);
        assert.equal(tamperings.at(-1)?.key, a.key);
      }),
      { numRuns: 300 },
    );
    await forge(storage, a);
    assert.equal(await get(barrier, 'a'), 'secret of a');
  });

  test('by moving it to another namespace, view or cluster makes it unreadable', async () => {
    const { barrier, storage } = await openBarrier(createMemoryStorage());
    const unit = barrier.begin();
    unit.createNamespaceKey('other');
    unit.view('other', 'kv/').put('a', 'secret of another');
    await unit.commit();
    await put(barrier, 'a', 'secret');
    const { value, revision } = await entryOf(storage, 'data/root/kv/a');
    for (const key of ['data/other/kv/a', 'data/root/kv2/a', 'epoch/a']) {
      await forge(storage, { key, value, revision });
    }
    await assert.rejects(async () => barrier.begin().view('other', 'kv/').get('a'), TAMPERED);
    await assert.rejects(async () => barrier.begin().view('root', 'kv2/').get('a'), TAMPERED);
    await assert.rejects(async () => barrier.begin().epoch('a'), TAMPERED);
    const cluster = await openBarrier(createMemoryStorage());
    await put(cluster.barrier, 'a', 'x');
    await forge(cluster.storage, { key: 'data/root/kv/a', value, revision });
    await assert.rejects(get(cluster.barrier, 'a'), TAMPERED);
  });

  test('shows no plaintext and no key name to the store', async () => {
    const { barrier, storage } = await openBarrier(createMemoryStorage());
    await put(barrier, 'a', 'canary-plaintext');
    for (const { value } of await all(storage)) {
      assert.equal(value.includes('canary-plaintext'), false);
      assert.equal(value.includes(ROOT_KEY), false);
    }
  });

  test('by taking the sums away stops writing', async () => {
    const { barrier, storage } = await openBarrier(createMemoryStorage());
    await put(barrier, 'a', '1');
    const sums = (await all(storage)).filter(({ key }) => key.startsWith('core/integrity/'));
    await storage.commit({ checks: [], puts: [], deletes: sums.map(({ key }) => key) });
    await assert.rejects(put(barrier, 'a', '2'), TAMPERED);
  });

  test('by putting old sums back stops writing', async () => {
    const { barrier, storage } = await openBarrier(createMemoryStorage());
    const sums = (await all(storage)).filter(({ key }) => key.startsWith('core/integrity/'));
    await put(barrier, 'a', '1');
    await storage.commit({ checks: [], puts: sums, deletes: [] });
    await assert.rejects(put(barrier, 'a', '2'), TAMPERED);
  });
});

describe('sealing', () => {
  test('stops everything at once, also what had begun', async () => {
    const { barrier } = await openBarrier(createMemoryStorage());
    await put(barrier, 'a', '1');
    const unit = barrier.begin();
    const view = unit.view(...VIEW);
    await view.getRecord('a');
    view.put('b', '2');
    const reading = barrier.begin().view(...VIEW);
    await reading.get('a');
    barrier.seal();
    assert.equal(barrier.sealed, true);
    assert.throws(() => barrier.begin().view(...VIEW), SEALED);
    await assert.rejects(async () => barrier.begin().epoch('policies'), SEALED);
    assert.throws(() => barrier.tokenHmac, SEALED);
    assert.throws(() => barrier.clusterId, SEALED);
    assert.throws(() => barrier.checkpointSeed(), SEALED);
    assert.throws(() => view.put('c', '3'), SEALED);
    await assert.rejects(unit.commit(), SEALED);
    await assert.rejects(async () => reading.get('a'), SEALED);
    await assert.rejects(async () => view.get('a'), SEALED);
    await assert.rejects(barrier.rotate(), SEALED);
    await assert.rejects(barrier.keyStatus(), SEALED);
    await barrier.unseal(ROOT_KEY);
    assert.equal(await get(barrier, 'b'), undefined);
    await assert.rejects(unit.commit(), SEALED, 'a unit belongs to the keys that it began with');
  });

  test('leaves no key in any buffer that was made for one', async () => {
    const made: Buffer[] = [];
    const random = {
      bytes: (length: number) => {
        const bytes = systemRandom.bytes(length);
        // Keys are 32 bytes; nonces come in large pools and are public.
        if (length === 32) made.push(bytes);
        return bytes;
      },
    };
    const barrier = new Barrier({
      storage: createMemoryStorage(),
      world: { ...TEST_WORLD, random },
    });
    await barrier.initialize(ROOT_KEY);
    assert.ok(made.length >= 7, 'one term, five purposes, one namespace');
    assert.ok(made.every((bytes) => bytes.every((byte) => byte === 0)));
    await barrier.unseal(ROOT_KEY);
    await barrier.rotate();
    const unit = barrier.begin();
    unit.createNamespaceKey('team');
    unit.view('team', '').put('a', '1');
    await unit.commit();
    const held = barrier.tokenHmac;
    barrier.seal();
    assert.ok(made.every((bytes) => bytes.every((byte) => byte === 0)));
    assert.throws(() => held.digest('token'), /wiped/);
    assert.ok(
      ROOT_KEY.every((byte) => byte === 0x5a),
      'the caller’s own buffer is left alone',
    );
  });

  test('a wrong root key opens nothing', async () => {
    const { barrier } = await openBarrier(createMemoryStorage());
    barrier.seal();
    await assert.rejects(barrier.unseal(Buffer.alloc(32)), { code: 'invalid_request' });
    assert.equal(barrier.sealed, true);
    const empty = new Barrier({ storage: createMemoryStorage(), world: TEST_WORLD });
    await assert.rejects(empty.unseal(ROOT_KEY), { code: 'not_initialized' });
  });
});

describe('rotation', () => {
  test('encrypts under the new term and still reads the old', async () => {
    const { barrier, storage, reopen } = await openBarrier(createMemoryStorage());
    await put(barrier, 'old', '1');
    const { term } = await barrier.rotate();
    assert.equal(term, 2);
    await put(barrier, 'new', '2');
    assert.equal((await entryOf(storage, 'data/root/kv/old')).value.readUInt32BE(1), 1);
    assert.equal((await entryOf(storage, 'data/root/kv/new')).value.readUInt32BE(1), 2);
    await reopen();
    assert.deepEqual([await get(barrier, 'old'), await get(barrier, 'new')], ['1', '2']);
    const status = await barrier.keyStatus();
    assert.equal(status.term, 2);
    assert.ok(status.installedMs > 0);
  });

  test('counts encryptions and keeps the count', async () => {
    const { barrier, reopen } = await openBarrier(createMemoryStorage());
    const before = (await barrier.keyStatus()).encryptions;
    await put(barrier, 'a', '1');
    const after = (await barrier.keyStatus()).encryptions;
    assert.equal(after, before + 2, 'the record and the sum of its shard');
    await barrier.persistUsage();
    await reopen();
    assert.ok((await barrier.keyStatus()).encryptions >= after);
  });

  test('happens by itself by count and by age', async () => {
    let nowMs = 0;
    const world = { ...TEST_WORLD, clock: { ...TEST_WORLD.clock, nowMs: () => nowMs } };
    const barrier = new Barrier({ storage: createMemoryStorage(), world });
    await barrier.initialize(ROOT_KEY);
    await barrier.unseal(ROOT_KEY);
    assert.equal(await barrier.rotateIfDue(), false);
    await barrier.setRotationConfig({ enabled: true, maxOperations: 1e9, intervalSeconds: 60 });
    nowMs = 59_000;
    assert.equal(await barrier.rotateIfDue(), false);
    nowMs = 60_000;
    assert.equal(await barrier.rotateIfDue(), true);
    assert.equal(await barrier.rotateIfDue(), false);
    await barrier.setRotationConfig({ enabled: true, maxOperations: 2, intervalSeconds: 0 });
    await put(barrier, 'a', '1');
    assert.equal(await barrier.rotateIfDue(), true);
    await barrier.setRotationConfig({ enabled: false, maxOperations: 1, intervalSeconds: 1 });
    nowMs = 1e9;
    assert.equal(await barrier.rotateIfDue(), false);
  });

  test('re-encryption resumes, ends, and lets old terms go', async () => {
    let nowMs = 0;
    const world = { ...TEST_WORLD, clock: { ...TEST_WORLD.clock, nowMs: () => nowMs } };
    const storage = createMemoryStorage();
    const barrier = new Barrier({ storage, world });
    await barrier.initialize(ROOT_KEY);
    await barrier.unseal(ROOT_KEY);
    for (let index = 0; index < 40; index++) await put(barrier, `k${index}`, `v${index}`);
    await barrier.rotate();
    let steps = 0;
    let progress = await barrier.reencrypt(10);
    while (!progress.done) {
      assert.equal(await barrier.dropUnusedTerms(), 0, 'not before all is done');
      if (++steps === 3) {
        barrier.seal();
        await barrier.unseal(ROOT_KEY);
      }
      await put(barrier, `k${steps}`, 'written meanwhile');
      progress = await barrier.reencrypt(10);
    }
    assert.ok(steps > 5);
    assert.ok(progress.reencrypted >= 25, String(progress.reencrypted));
    assert.ok(progress.scanned > 100, String(progress.scanned));
    const clear = ['core/keyring', 'core/seal/'];
    for (const { key, value } of await all(storage)) {
      if (!clear.some((prefix) => key.startsWith(prefix)))
        assert.equal(value.readUInt32BE(1), 2, key);
    }
    assert.equal(await barrier.dropUnusedTerms(), 0, 'other replicas may still write under it');
    nowMs += TERM_GRACE_MS;
    assert.equal(await barrier.dropUnusedTerms(), 1);
    assert.equal(await barrier.dropUnusedTerms(), 0);
    barrier.seal();
    await barrier.unseal(ROOT_KEY);
    assert.equal(await get(barrier, 'k39'), 'v39');
    assert.equal(await get(barrier, 'k1'), 'written meanwhile');
    assert.deepEqual((await barrier.scrub().step(4096)).faults, []);
  });
});

describe('two replicas on one store', () => {
  test('follow each other through rotation and rekey', async () => {
    const { barrier: one, storage } = await openBarrier(createMemoryStorage());
    const two = new Barrier({ storage, world: TEST_WORLD });
    await two.unseal(ROOT_KEY);
    await put(one, 'a', '1');
    await one.rotate();
    await put(one, 'b', '2');
    assert.equal(await get(two, 'b'), '2', 'a term that it did not know');
    await put(two, 'c', '3');
    const newRoot = Buffer.alloc(32, 0x77);
    await one.rekey(newRoot);
    await one.rotate();
    for (let index = 0; index < 200; index++) await put(one, `n${index}`, 'x');
    await put(two, 'd', '4');
    assert.equal((await two.rotate()).term, 4);
    assert.equal(two.isRootKey(newRoot), true);
    assert.equal(await get(one, 'd'), '4');
    two.seal();
    await assert.rejects(two.unseal(ROOT_KEY));
    await two.unseal(newRoot);
    assert.equal(await get(two, 'a'), '1');
  });

  test('writing one record at the same time, one wins and the other is told', async () => {
    const { barrier: one, storage } = await openBarrier(createMemoryStorage());
    const two = new Barrier({ storage, world: TEST_WORLD });
    await two.unseal(ROOT_KEY);
    await put(one, 'n', '0');
    const units = [one.begin(), two.begin()];
    for (const unit of units) {
      const view = unit.view(...VIEW);
      await view.get('n');
      view.put('n', '1');
    }
    const outcomes = await Promise.allSettled(units.map((unit) => unit.commit()));
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const rejected = outcomes.find((outcome) => outcome.status === 'rejected');
    assert.ok(rejected?.reason instanceof ConflictError);
  });
});
