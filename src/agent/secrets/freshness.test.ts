/** When certificates are asked for anew, also by a machine whose clock is wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateDue } from './freshness.ts';

const DAY_MS = 86_400_000;
const FROM_MS = Date.UTC(2030, 0, 1);
const LIFE = { fromMs: FROM_MS, untilMs: FROM_MS + 10 * DAY_MS };

function dueInDays(nowMs: number, isFresh: boolean): number {
  return certificateDue(nowMs, { ...LIFE, isFresh }, 0).inMs / DAY_MS;
}

test('a certificate is replaced before it ends', () => {
  assert.equal(dueInDays(FROM_MS, true), 8.7);
  assert.equal(Number(dueInDays(FROM_MS + 5 * DAY_MS, false).toFixed(6)), 3.7);
  assert.equal(certificateDue(FROM_MS + 11 * DAY_MS, { ...LIFE, isFresh: false }, 0).inMs, 1000);
});

test('a clock that is ahead does not ask for one after the other', () => {
  for (const aheadDays of [9, 11, 3650])
    assert.equal(dueInDays(FROM_MS + aheadDays * DAY_MS, true), 0.5);
});

test('a clock that is behind does not keep one beyond its end', () => {
  for (const behindDays of [1, 3650]) {
    for (const isFresh of [true, false])
      assert.equal(dueInDays(FROM_MS - behindDays * DAY_MS, isFresh), 8.7);
  }
});
