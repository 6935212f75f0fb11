/** Contract tests with faults: whichever call fails, before or after its effect, no commit is torn or lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFaultyStorage, failCall } from './faulty.ts';
import type { Fault } from './faulty.ts';
import { entry, puts, withStorage } from './storage-member.contract.ts';
import type { StorageMember } from './storage-member.contract.ts';
import { StorageError } from './storage.ts';
import type { ScannableStorage } from './storage.ts';

const ACCOUNTS: readonly string[] = ['account/a', 'account/b', 'account/c'];
const OPENING_BALANCE = 100;
const TRANSFERS = 6;
/** More records than one run leaves behind. */
const LEFT_OVER_MAX = 100;

/** Registers the fault tests. */
export function faultContract(member: StorageMember): void {
  for (const fault of ['before', 'after'] as const) {
    test(`a scenario keeps its invariants whichever call fails ${fault} its effect`, async () => {
      await withStorage(member, async (storage) => {
        let target = 1;
        while (await runWithFault(storage, target, fault)) target += 1;
        assert.ok(target > TRANSFERS, 'the scenario made no calls');
      });
    });
  }
}

/** Returns false when the scenario ended before the `target`-th call. */
async function runWithFault(
  storage: ScannableStorage,
  target: number,
  fault: Fault,
): Promise<boolean> {
  const left = await storage.scan('', undefined, LEFT_OVER_MAX);
  await storage.commit({ checks: [], puts: [], deletes: left.map((found) => found.key) });
  await storage.commit(puts(...ACCOUNTS.map((key) => entry(key, OPENING_BALANCE))));
  const faulty = createFaultyStorage(storage, failCall(target, fault));
  const acknowledged: string[] = [];
  let hit = false;
  try {
    for (let number = 0; number < TRANSFERS; number += 1) {
      await transfer(faulty, number);
      acknowledged.push(`log/${number}`);
    }
  } catch (error) {
    assert.ok(error instanceof StorageError);
    hit = true;
  }
  await assertInvariants(storage, acknowledged, hit);
  assert.equal(hit, faulty.calls >= target);
  return hit;
}

/** Moves 5 from one account to the next; the balance is the revision. One read, one listing, one commit. */
async function transfer(storage: ScannableStorage, number: number): Promise<void> {
  const from = ACCOUNTS[number % ACCOUNTS.length] ?? '';
  const to = ACCOUNTS[(number + 1) % ACCOUNTS.length] ?? '';
  const [source, target] = await storage.read([from, to]);
  assert.ok(source && target);
  assert.equal((await storage.list('log/')).length, number);
  await storage.commit({
    checks: [
      { key: from, revision: source.revision },
      { key: to, revision: target.revision },
    ],
    puts: [
      entry(from, source.revision - 5),
      entry(to, target.revision + 5),
      entry(`log/${number}`),
    ],
    deletes: [`pending/${number}`],
    amend: { keys: ['sum'], apply: ([sum]) => [entry('sum', (sum?.revision ?? 0) + 1)] },
  });
}

async function assertInvariants(
  storage: ScannableStorage,
  acknowledged: readonly string[],
  faulted: boolean,
): Promise<void> {
  const [sum, ...accounts] = await storage.read(['sum', ...ACCOUNTS]);
  const total = accounts.reduce((balance, account) => balance + (account?.revision ?? 0), 0);
  assert.equal(total, ACCOUNTS.length * OPENING_BALANCE);
  const logged = (await storage.scan('log/', undefined, 100)).map((found) => found.key);
  assert.equal(sum?.revision ?? 0, logged.length);
  assert.deepEqual(logged.slice(0, acknowledged.length), acknowledged);
  assert.ok(logged.length <= acknowledged.length + (faulted ? 1 : 0));
}
