/** Every storage call of every change of keys fails once, before or after its effect: the store is then old or new, and opens. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Barrier } from '../barrier/barrier.ts';
import { TEST_WORLD } from '../barrier/barrier-fixture.ts';
import { createFaultyStorage, failCall } from '../storage/faulty.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import type { ScannableStorage } from '../storage/storage.ts';
import { createShamirSeal } from './shamir/shamir-seal.ts';
import { Unsealer } from './unsealer.ts';

const VIEW = ['root', 'kv/'] as const;
const SHARING = { shares: 3, threshold: 2 };
/** More calls than any change makes; a run in which no call fails ends the series. */
const CALLS_MAX = 200;

interface Server {
  readonly barrier: Barrier;
  readonly unsealer: Unsealer;
}

function serverOn(storage: ScannableStorage): Server {
  const barrier = new Barrier({ storage, world: TEST_WORLD });
  const seal = createShamirSeal(TEST_WORLD.random);
  return { barrier, unsealer: new Unsealer({ barrier, storage, seal, world: TEST_WORLD }) };
}

async function initialize({ barrier, unsealer }: Server): Promise<Buffer[]> {
  const { shares } = await unsealer.init({ sharing: SHARING }, async () => {
    const unit = barrier.begin();
    unit.view(...VIEW).put('first', 'kept');
    await unit.commit();
  });
  return shares.map((share) => Buffer.from(share));
}

async function unseal({ unsealer }: Server, shares: readonly Buffer[]): Promise<boolean> {
  for (const share of shares.slice(0, SHARING.threshold)) {
    await unsealer.submit(Buffer.from(share));
    if (!unsealer.sealed) return true;
  }
  return false;
}

/** A fresh process on the same store: it opens with one of the sets of shares, and everything in it is sound. */
async function reopened(storage: ScannableStorage, sets: readonly Buffer[][]): Promise<Server> {
  for (const shares of sets) {
    const server = serverOn(storage);
    if (!(await unseal(server, shares).catch(() => false))) continue;
    const first = await server.barrier
      .begin()
      .view(...VIEW)
      .get('first');
    assert.equal(first?.toString(), 'kept');
    const scrub = server.barrier.scrub();
    while (!(await scrub.step()).done);
    assert.deepEqual(scrub.report.faults, []);
    return server;
  }
  return assert.fail('no set of shares opens the store');
}

/** Runs `change` with each of its storage calls failing in turn, each time on a store of its own. */
async function withEveryFault(
  change: (server: Server) => Promise<void>,
  verify: (server: Server, failed: boolean) => Promise<void>,
): Promise<void> {
  for (const fault of ['before', 'after'] as const) {
    for (let call = 1; ; call++) {
      assert.ok(call < CALLS_MAX);
      const inner = createMemoryStorage();
      const shares = await initialize(serverOn(inner));
      let opened = Number.POSITIVE_INFINITY;
      const faulty = createFaultyStorage(inner, (count) =>
        count - opened === call ? fault : undefined,
      );
      const server = serverOn(faulty);
      await unseal(server, shares);
      opened = faulty.calls;
      let failed = false;
      try {
        await change(server);
      } catch {
        failed = true;
      }
      const passed = faulty.calls - opened < call;
      const after = await reopened(inner, [shares]);
      await verify(after, failed);
      if (!passed) continue;
      assert.equal(failed, false, 'nothing failed, so the change went through');
      break;
    }
  }
}

describe('whichever storage call fails', () => {
  test('initialization leaves a cluster or none', async () => {
    for (const fault of ['before', 'after'] as const) {
      for (let call = 1; call < CALLS_MAX; call++) {
        const inner = createMemoryStorage();
        const faulty = createFaultyStorage(inner, failCall(call, fault));
        const shares = await initialize(serverOn(faulty)).catch(() => undefined);
        const there = await inner.list('');
        if (shares === undefined) {
          // The commit may have been made although its answer was lost: then it is whole, but nobody has its shares.
          if (fault === 'before') assert.deepEqual(there, []);
          else if (there.length > 0) assert.deepEqual(there, ['core/', 'data/']);
          if (there.length === 0) await reopened(inner, [await initialize(serverOn(inner))]);
          continue;
        }
        await reopened(inner, [shares]);
        if (faulty.calls < call) break;
      }
    }
  });

  test('a rotation is done or not', async () => {
    await withEveryFault(
      async ({ barrier }) => {
        await barrier.rotate();
      },
      async ({ barrier }, failed) => {
        const { term } = await barrier.keyStatus();
        assert.ok(term === 2 || (failed && term === 1));
      },
    );
  });

  test('a write of several records is done or not', async () => {
    await withEveryFault(
      async ({ barrier }) => {
        const unit = barrier.begin();
        unit.createNamespaceKey('team');
        unit.view('team', '').put('a', '1');
        unit.view(...VIEW).put('b', '2');
        unit.bumpEpoch('mounts');
        await unit.commit();
      },
      async ({ barrier }, failed) => {
        const unit = barrier.begin();
        const epoch = await unit.epoch('mounts');
        const b = (await unit.view(...VIEW).get('b'))?.toString();
        assert.ok((epoch > 0 && b === '2') || (failed && epoch === 0 && b === undefined));
        if (epoch === 0) return;
        assert.equal((await unit.view('team', '').get('a'))?.toString(), '1');
      },
    );
  });

  test('re-encryption loses nothing', async () => {
    await withEveryFault(
      async ({ barrier }) => {
        await barrier.rotate();
        while (!(await barrier.reencrypt(20)).done);
      },
      async () => undefined,
    );
  });
});

describe('whichever storage call of a rekey fails', () => {
  test('the old or the new shares open the store', async () => {
    for (const fault of ['before', 'after'] as const) {
      for (let call = 1; call < CALLS_MAX; call++) {
        const inner = createMemoryStorage();
        const shares = await initialize(serverOn(inner));
        let opened = Number.POSITIVE_INFINITY;
        const faulty = createFaultyStorage(inner, (count) =>
          count - opened === call ? fault : undefined,
        );
        const server = serverOn(faulty);
        await unseal(server, shares);
        // With verification the new shares are known before the change is made, whether or not it then fails.
        const { rekey } = server.unsealer;
        const { nonce } = await rekey.start({ sharing: SHARING, requireVerification: true });
        await rekey.update(Buffer.from(shares[0] ?? ''), nonce);
        const made = await rekey.update(Buffer.from(shares[1] ?? ''), nonce);
        const fresh = (made?.shares ?? []).map((share) => Buffer.from(share));
        const verification = made?.verificationNonce ?? '';
        await rekey.verify(Buffer.from(fresh[0] ?? ''), verification);
        opened = faulty.calls;
        const done = await rekey
          .verify(Buffer.from(fresh[2] ?? ''), verification)
          .catch(() => undefined);
        await reopened(inner, done === undefined ? [shares, fresh] : [fresh]);
        if (faulty.calls - opened < call) {
          assert.ok(done !== undefined);
          break;
        }
      }
    }
  });
});

test('a server that has been opened says so, though the store fails from then on', async () => {
  const inner = createMemoryStorage();
  const shares = await initialize(serverOn(inner));
  const open = (): boolean => !server.barrier.sealed;
  const server = serverOn(createFaultyStorage(inner, () => (open() ? 'before' : undefined)));
  assert.equal(await unseal(server, shares), true);
});
