/** The system's clock: waits that are longer than a timer of Node.js can hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

const DAY_MS = 86_400_000;

test('a wait of months is no shorter than that, and can be cancelled at any time', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ended = 0;
  systemClock.after(80 * DAY_MS, () => ended++);
  const cancel = systemClock.after(80 * DAY_MS, () => ended++);
  for (let day = 0; day < 79; day++) t.mock.timers.tick(DAY_MS);
  assert.equal(ended, 0);
  cancel();
  // Each piece of the wait begins when the day of the one before is over.
  for (let day = 0; day < 5; day++) t.mock.timers.tick(DAY_MS);
  assert.equal(ended, 1);
});
