/** Go durations: known texts, round trip, seconds as clients send them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatGoDuration, parseGoDuration, parseSeconds } from './duration.ts';

test('durations print as Go prints them', () => {
  const cases: readonly [number, string][] = [
    [0, '0s'],
    [1000, '1s'],
    [1500, '1.5s'],
    [150_000, '2m30s'],
    [12_319_000, '3h25m19s'],
    [2_764_800_000, '768h0m0s'],
    [100, '100ms'],
    [0.001, '1µs'],
    [0.0015, '1.5µs'],
    [0.000001, '1ns'],
    [-1000, '-1s'],
    [60_000, '1m0s'],
    [3_600_000, '1h0m0s'],
  ];
  for (const [ms, text] of cases) {
    assert.equal(formatGoDuration(ms), text);
    assert.equal(parseGoDuration(text), ms);
  }
});

test('durations parse as Go parses them', () => {
  assert.equal(parseGoDuration('1h30m'), 5_400_000);
  assert.equal(parseGoDuration('+.5s'), 500);
  assert.equal(parseGoDuration('1.s'), 1000);
  assert.equal(parseGoDuration('0'), 0);
  assert.equal(parseGoDuration('-1.5h'), -5_400_000);
  assert.equal(parseGoDuration('1us'), parseGoDuration('1μs'));
  for (const text of ['', '-', '1', '.s', 's', '1 s', '1d', '1h 2m', '1hm', '--1s', '1e3s', '1S']) {
    assert.equal(parseGoDuration(text), undefined, text);
  }
  assert.equal(parseGoDuration('2562048h'), undefined);
  assert.equal(parseGoDuration('1'.repeat(200) + 's'), undefined);
});

test('printing and parsing are inverse', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) =>
      assert.equal(parseGoDuration(formatGoDuration(ms)), ms === 0 ? 0 : ms),
    ),
  );
});

test('seconds come as numbers, text, days or durations', () => {
  assert.equal(parseSeconds(30), 30);
  assert.equal(parseSeconds('30'), 30);
  assert.equal(parseSeconds('2d'), 172_800);
  assert.equal(parseSeconds('5m'), 300);
  assert.equal(parseSeconds('1.9s'), 1);
  assert.equal(parseSeconds('-1.9s'), -1);
  assert.ok(Object.is(parseSeconds('-0.5s'), 0));
  for (const value of [30.5, '30.5', '1.5d', 'x', true, null, [], {}, 1e300, '99999999999']) {
    assert.equal(parseSeconds(value), undefined, JSON.stringify(value));
  }
});
