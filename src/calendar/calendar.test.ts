/** When recurring work is due. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { CalendarError, assertRecurrence, nextDueMs, putOffMs } from './calendar.ts';
import type { Recurrence } from './calendar.ts';

const at = (text: string): number => Date.parse(text);
const by = (rest: Partial<Recurrence>): Recurrence => ({
  periodSeconds: 0,
  schedule: '',
  timeZone: '',
  windowSeconds: 0,
  ...rest,
});

suite('a recurrence', () => {
  test('by the period counts from the last time', () => {
    assert.equal(nextDueMs(by({ periodSeconds: 90 }), 1000), 91_000);
  });

  test('by a schedule follows the clock of its time zone, through its changes', () => {
    const nightly = by({ schedule: '30 2 * * *', timeZone: 'Europe/Zurich' });
    assert.equal(nextDueMs(nightly, at('2026-01-10T00:00:00Z')), at('2026-01-10T01:30:00Z'));
    assert.equal(nextDueMs(nightly, at('2026-07-10T01:00:00Z')), at('2026-07-11T00:30:00Z'));
    // The night in which half past two does not exist.
    const spring = nextDueMs(nightly, at('2026-03-28T02:00:00Z'));
    assert.ok(spring >= at('2026-03-29T00:30:00Z') && spring <= at('2026-03-29T02:00:00Z'));
    assert.equal(
      nextDueMs(by({ schedule: '@daily' }), at('2026-01-01T05:00:00Z')),
      at('2026-01-02T00:00:00Z'),
    );
  });

  test('begins within its window or waits for the next', () => {
    const weekly = by({ schedule: '0 3 * * 6', windowSeconds: 3600 });
    const due = at('2026-11-28T03:00:00Z');
    assert.equal(putOffMs(weekly, due, due + 3_599_000), undefined);
    assert.equal(putOffMs(weekly, due, due + 3_600_000), at('2026-12-05T03:00:00Z'));
    assert.equal(putOffMs(weekly, due, at('2026-12-05T03:30:00Z')), undefined);
    assert.equal(putOffMs(by({ schedule: '0 3 * * 6' }), due, due + 1e9), undefined);
  });

  for (const wrong of [
    by({}),
    by({ periodSeconds: 4 }),
    by({ periodSeconds: 60, schedule: '@daily' }),
    by({ periodSeconds: 60, windowSeconds: 60 }),
    by({ schedule: 'nonsense' }),
    by({ schedule: '* * * *' }),
    by({ schedule: '* * * * * *' }),
    by({ schedule: '61 * * * *' }),
    by({ schedule: '0 0 30 2 *' }),
    by({ schedule: '@daily', windowSeconds: 1 }),
    by({ schedule: '@daily', timeZone: 'Nowhere/City' }),
    by({ periodSeconds: 60, timeZone: 'Nowhere/City' }),
    by({ schedule: `${'0,'.repeat(200)}0 * * * *` }),
  ]) {
    test(`${JSON.stringify(wrong).slice(0, 90)} is refused`, () => {
      assert.throws(() => assertRecurrence(wrong), CalendarError);
    });
  }

  test('is always due later than now, and any text is a schedule or an error', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[-0-9*/, @a-zL#W?]{0,30}$/), (schedule) => {
        const recurrence = by({ schedule, windowSeconds: 0 });
        try {
          assertRecurrence(recurrence);
          assert.ok(nextDueMs(recurrence, 1_700_000_000_000) > 1_700_000_000_000);
        } catch (error) {
          assert.ok(error instanceof CalendarError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});
