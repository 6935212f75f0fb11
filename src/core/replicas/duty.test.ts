/** Who has a duty, and that a former holder can commit nothing of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBarrier } from '../../barrier/barrier-fixture.ts';
import type { Barrier } from '../../barrier/barrier.ts';
import { ManualClock } from '../../base/clock-fixture.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { ConflictError } from '../../storage/storage.ts';
import { DutyLostError, SharedDuty } from './duty.ts';
import { BEAT_MS, GONE_MS, Roster, SURE_MS } from './roster.ts';

interface Member {
  readonly roster: Roster;
  readonly duty: SharedDuty;
  readonly clock: ManualClock;
  gained: number;
}

/** Each process has a clock of its own, so that one can stand still while the others go on. */
function member(barrier: Barrier, id: string): Member {
  const clock = new ManualClock();
  const world = {
    clock,
    random: systemRandom,
    log: silentLog,
    fatal: (reason: string): never => {
      throw new Error(reason);
    },
  };
  const begin = (): ReturnType<Barrier['begin']> => barrier.begin();
  const self = {
    apiAddress: `https://${id}`,
    clusterAddress: '',
    hostname: id,
    version: '1',
    startedMs: 0,
  };
  const roster = new Roster({ world, begin, id, self: () => self });
  const made: Member = {
    roster,
    clock,
    gained: 0,
    duty: new SharedDuty({ world, begin, roster, name: 'work', gained: () => made.gained++ }),
  };
  return made;
}

/** Lets beats pass for some of the processes; the others stand still. */
async function pass(ms: number, ...members: readonly Member[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += BEAT_MS) {
    for (const { clock, roster } of members) {
      clock.advance(BEAT_MS);
      await roster.turn;
    }
  }
}

async function scene(): Promise<{ barrier: Barrier; one: Member; two: Member }> {
  const { barrier } = await openBarrier(createMemoryStorage());
  const [one, two] = [member(barrier, 'one'), member(barrier, 'two')];
  await one.roster.start();
  await two.roster.start();
  return { barrier, one, two };
}

test('the first takes it, the other sees that it is alive and leaves it alone', async () => {
  const { barrier, one, two } = await scene();
  assert.deepEqual([one.duty.held, two.duty.held], [true, false]);
  await pass(5 * GONE_MS, one, two);
  assert.deepEqual([one.duty.held, two.duty.held], [true, false]);
  assert.deepEqual([one.gained, two.gained], [1, 0]);
  const alive = await two.roster.replicas(barrier.begin());
  assert.deepEqual(alive.map(({ id }) => id).toSorted(), ['one', 'two']);
});

test('when the holder falls silent the other takes over, and the former can commit nothing', async () => {
  const { barrier, one, two } = await scene();
  // Begun while it held the duty, committed after its pause.
  const unit = barrier.begin();
  await one.duty.guard(unit);
  unit.view('root', 'work/').put('done', 'by one');
  await pass(2 * GONE_MS, two);
  assert.equal(two.duty.held, true);
  await assert.rejects(unit.commit(), ConflictError);
  await assert.rejects(one.duty.guard(barrier.begin()), DutyLostError);
  const own = barrier.begin();
  await two.duty.guard(own);
  own.view('root', 'work/').put('done', 'by two');
  await own.commit();
  await pass(BEAT_MS, one);
  assert.equal(one.duty.held, false);
});

test('a holder that cannot say that it is alive begins nothing more, before others take over', async () => {
  const { one, two } = await scene();
  // Out of a pause: the next beat is only on its way.
  one.clock.advance(SURE_MS);
  assert.equal(one.duty.held, false);
  await pass(SURE_MS, two);
  assert.equal(two.duty.held, false);
  await one.roster.turn;
  assert.equal(one.duty.held, true);
});

test('when the holder has left the roster without handing it over, another takes over', async () => {
  const { one, two } = await scene();
  await one.roster.stop();
  await pass(2 * GONE_MS, two);
  assert.equal(two.duty.held, true);
});

test('who leaves while it beats does not take the duty again', async () => {
  const { one, two } = await scene();
  // Its next beat is on its way.
  one.clock.advance(BEAT_MS);
  await one.roster.stop();
  await one.duty.release();
  await pass(BEAT_MS, two);
  assert.deepEqual([one.duty.held, two.duty.held], [false, true]);
});

test('who leaves hands it over at once', async () => {
  const { barrier, one, two } = await scene();
  await one.roster.stop();
  await one.duty.release();
  await pass(BEAT_MS, two);
  assert.equal(two.duty.held, true);
  assert.deepEqual(
    (await two.roster.replicas(barrier.begin())).map(({ id }) => id),
    ['two'],
  );
});
