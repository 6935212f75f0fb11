/** A machine that sleeps: what is over when it wakes, and when a wait ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock-fixture.ts';
import { wakingClock } from './waking-clock.ts';

const HOUR_MS = 3_600_000;

function setUp(): {
  pass: (ms: number) => void;
  sleep: (ms: number) => void;
  clock: ReturnType<typeof wakingClock>;
} {
  const machine = new ManualClock();
  let sleptMs = 0;
  const clock = wakingClock(machine, () => machine.monotonicMs() + sleptMs);
  return {
    clock,
    /** In steps, as timers come up. */
    pass(ms) {
      for (let left = ms; left > 0; left -= 1000) machine.advance(Math.min(left, 1000));
    },
    sleep: (ms) => void (sleptMs += ms),
  };
}

test('a wait ends in its time where nothing sleeps', () => {
  const { clock, pass } = setUp();
  let ended = 0;
  clock.after(HOUR_MS, () => ended++);
  pass(HOUR_MS - 1000);
  assert.equal(ended, 0);
  pass(1000);
  assert.equal(ended, 1);
  pass(HOUR_MS);
  assert.equal(ended, 1);
});

test('the time of sleep counts, and what came due meanwhile is done soon after', () => {
  const { clock, pass, sleep } = setUp();
  const beganMs = clock.monotonicMs();
  let ended = false;
  clock.after(HOUR_MS, () => (ended = true));
  pass(60_000);
  sleep(8 * HOUR_MS);
  assert.equal(clock.monotonicMs() - beganMs, 8 * HOUR_MS + 60_000);
  assert.equal(ended, false);
  pass(15_000);
  assert.equal(ended, true);
});

test('a wait that is cancelled never ends', () => {
  const { clock, pass } = setUp();
  let ended = false;
  const cancel = clock.after(HOUR_MS, () => (ended = true));
  pass(HOUR_MS / 2);
  cancel();
  pass(HOUR_MS);
  assert.equal(ended, false);
});
