/** What is believed when a machine's clock jumps, stands still or is a little wrong, and when the machine has slept. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Clock } from './clock.ts';
import { LogRegistry } from './log-lines.ts';
import { SteadyClock } from './steady-clock.ts';

const START_MS = Date.UTC(2030, 0, 1);
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

/** A machine whose clocks a test sets. */
class Machine implements Clock {
  wallMs: number = START_MS;
  elapsedMs = 0;
  sleptMs = 0;
  frozen = false;

  nowMs(): number {
    return this.wallMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(): () => void {
    return () => {};
  }

  pass(ms: number): void {
    this.elapsedMs += ms;
    if (!this.frozen) this.wallMs += ms;
  }

  sleep(ms: number): void {
    this.sleptMs += ms;
    this.wallMs += ms;
  }
}

function setUp(): { machine: Machine; clock: SteadyClock; lines: string[] } {
  const machine = new Machine();
  const lines: string[] = [];
  const { root: log } = new LogRegistry({
    clock: machine,
    format: 'standard',
    level: 'info',
    write: (line) => lines.push(line),
  });
  const uptimeMs = (): number => machine.elapsedMs + machine.sleptMs;
  return { machine, clock: new SteadyClock({ log, machine, uptimeMs }), lines };
}

describe('a clock that does not jump', () => {
  test('is the system clock as long as that is right', () => {
    const { machine, clock, lines } = setUp();
    for (let at = 0; at < 100; at++) {
      machine.pass(777);
      assert.equal(clock.nowMs(), machine.wallMs);
    }
    assert.deepEqual(lines, []);
  });

  for (const jumpMs of [HOUR_MS, -HOUR_MS, 10 * YEAR_MS, -10 * YEAR_MS]) {
    test(`a jump of ${jumpMs / HOUR_MS} h is not followed, and told once`, () => {
      const { machine, clock, lines } = setUp();
      machine.wallMs += jumpMs;
      machine.pass(60_000);
      assert.equal(clock.nowMs(), START_MS + 60_000);
      assert.equal(clock.offMs, jumpMs);
      machine.pass(60_000);
      assert.equal(clock.nowMs(), START_MS + 120_000);
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? '', /\[ERROR\].*jumped/);
      machine.wallMs -= jumpMs;
      machine.pass(60_000);
      assert.equal(clock.nowMs(), START_MS + 180_000);
      assert.equal(clock.offMs, 0);
      assert.match(lines[1] ?? '', /right again/);
    });
  }

  test('time goes on while the system clock stands still', () => {
    const { machine, clock } = setUp();
    machine.frozen = true;
    for (let at = 0; at < 60; at++) {
      machine.pass(60_000);
      clock.nowMs();
    }
    // By then the difference had grown too large to follow it.
    assert.ok(clock.nowMs() >= START_MS + 0.95 * HOUR_MS);
  });

  test('a small difference is made good, never faster than by a twentieth', () => {
    const { machine, clock } = setUp();
    machine.wallMs += 60_000;
    machine.pass(1_000);
    assert.equal(clock.nowMs(), START_MS + 1_000);
    machine.pass(600_000);
    assert.equal(clock.nowMs(), START_MS + 631_000);
    machine.pass(600_000);
    assert.equal(clock.nowMs(), machine.wallMs);
    machine.pass(600_000);
    assert.equal(clock.nowMs(), machine.wallMs);
  });

  for (const aheadMs of [60_000, -60_000, -0.7]) {
    test(`whoever looks often sees no step, ${aheadMs} ms off`, () => {
      const { machine, clock } = setUp();
      machine.wallMs += aheadMs;
      for (let at = 0, before = clock.nowMs(); at < 1_000; at++) {
        machine.pass(10);
        const now = clock.nowMs();
        assert.ok(now - before >= 9 && now - before <= 11, `${now - before} ms instead of 10`);
        before = now;
      }
    });
  }

  test('the time that a machine slept has passed', () => {
    const { machine, clock, lines } = setUp();
    machine.pass(5_000);
    machine.sleep(8 * HOUR_MS);
    machine.pass(5_000);
    assert.equal(clock.nowMs(), machine.wallMs);
    assert.deepEqual(lines, []);
  });

  test('whoever has looked lets it believe the system clock', () => {
    const { machine, clock, lines } = setUp();
    machine.wallMs -= HOUR_MS;
    machine.pass(2_000);
    assert.notEqual(clock.nowMs(), machine.wallMs);
    clock.adopt();
    machine.pass(2_000);
    assert.equal(clock.nowMs(), machine.wallMs);
    assert.equal(clock.offMs, 0);
    assert.equal(lines.length, 2);
  });

  test('it never goes back, and is never much slower or faster than time', () => {
    const act = fc.oneof(
      fc.record({ kind: fc.constant('pass'), ms: fc.nat(100_000) }),
      fc.record({ kind: fc.constant('pass'), ms: fc.nat(1_200) }),
      fc.record({ kind: fc.constant('jump'), ms: fc.integer({ min: -90_000, max: 90_000 }) }),
      fc.record({ kind: fc.constant('jump'), ms: fc.integer({ min: -YEAR_MS, max: YEAR_MS }) }),
      fc.record({ kind: fc.constant('freeze'), ms: fc.nat(1) }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const { machine, clock } = setUp();
        let before = clock.nowMs();
        for (const { kind, ms } of acts) {
          if (kind === 'pass') machine.pass(ms);
          else if (kind === 'jump') machine.wallMs += ms;
          else machine.frozen = ms === 1;
          const now = clock.nowMs();
          const passedMs = kind === 'pass' ? ms : 0;
          assert.ok(now >= before);
          assert.ok(
            now - before <= 1.05 * passedMs + 1_100 && now - before >= 0.95 * passedMs - 1_100,
          );
          before = now;
        }
      }),
    );
  });
});
