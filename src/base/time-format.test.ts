/** RFC 3339: writing, reading, refusing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatTime, formatTimeSeconds, parseTime } from './time-format.ts';

test('times are written with nine digits and read back', () => {
  assert.equal(formatTime(1_700_000_000_120), '2023-11-14T22:13:20.120000000Z');
  assert.equal(formatTimeSeconds(1_700_000_000_999), '2023-11-14T22:13:20Z');
  const range = { min: Date.UTC(1, 0) < 0 ? -62_135_596_800_000 : 0, max: 253_402_300_799_999 };
  fc.assert(fc.property(fc.integer(range), (ms) => assert.equal(parseTime(formatTime(ms)), ms)));
  assert.throws(() => formatTime(253_402_300_800_000), RangeError);
});

test('offsets, fractions and letter case', () => {
  const base = Date.UTC(2026, 10, 22, 5, 31, 31);
  assert.equal(parseTime('2026-11-22T05:31:31Z'), base);
  assert.equal(parseTime('2026-11-22t05:31:31.1239999z'), base + 123);
  assert.equal(parseTime('2026-11-22T00:31:31-05:00'), base);
  assert.equal(parseTime('2026-11-22T11:01:31+05:30'), base);
  assert.equal(parseTime('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29));
});

test('what is no instant is refused', () => {
  for (const text of [
    '',
    '2026-11-22',
    '2026-11-22T05:31:31',
    '2026-11-22 05:31:31Z',
    '2025-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T05:60:00Z',
    '2026-11-22T05:31:60Z',
    '2026-11-22T05:31:31+24:00',
    '+002026-11-22T05:31:31Z',
  ]) {
    assert.equal(parseTime(text), undefined, text);
  }
});
