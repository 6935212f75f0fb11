/** Which snapshots go: properties, and the days of a year. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { datedName, isSnapshotName, snapshotName } from './names.ts';
import { FUTURE_MS_MAX, expendable } from './retention.ts';
import type { Dated, Retention } from './retention.ts';
import { systemRandom } from '../base/random.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.UTC(2030, 0, 31, 12);
const NONE: Retention = { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, maxAgeSeconds: 0 };

const dated = fc
  .array(fc.integer({ min: -400 * DAY_MS, max: 2 * DAY_MS }), { maxLength: 60 })
  .map((offsets): Dated[] =>
    offsets.map((offset, index) => ({ name: `s${index}`, createdMs: NOW + offset })),
  );
const few = fc.integer({ min: 0, max: 5 });
const rules: fc.Arbitrary<Retention> = fc.record({
  last: fc.integer({ min: 1, max: 5 }),
  hourly: few,
  daily: few,
  weekly: few,
  monthly: few,
  maxAgeSeconds: fc.constantFrom(0, 3600, 30 * 86_400),
});

test('the newest always stays, the future is never touched, and twice is once', () => {
  fc.assert(
    fc.property(dated, rules, (all, rule) => {
      const gone = new Set(expendable(all, rule, NOW));
      const kept = all.filter((one) => !gone.has(one));
      const sound = all.filter(({ createdMs }) => createdMs <= NOW + FUTURE_MS_MAX);
      const newestMs = Math.max(...sound.map(({ createdMs }) => createdMs));
      assert.ok(sound.length === 0 || kept.some(({ createdMs }) => createdMs === newestMs));
      for (const one of gone) assert.ok(one.createdMs <= NOW + FUTURE_MS_MAX);
      assert.deepEqual(expendable(kept, rule, NOW), []);
      if (rule.maxAgeSeconds === 0) {
        assert.ok(
          kept.filter((one) => sound.includes(one)).length >= Math.min(rule.last, sound.length),
        );
      }
    }),
  );
});

test('keeping more keeps all that keeping less keeps', () => {
  fc.assert(
    fc.property(dated, rules, (all, rule) => {
      const more = { ...rule, last: rule.last + 1, daily: rule.daily + 1, maxAgeSeconds: 0 };
      const less = new Set(expendable(all, rule, NOW));
      for (const one of expendable(all, more, NOW)) assert.ok(less.has(one));
    }),
  );
});

test('hours, days, weeks and months each keep their newest', () => {
  const hourly = Array.from({ length: 24 * 90 }, (_, hour) => ({
    name: `h${hour}`,
    createdMs: NOW - hour * HOUR_MS,
  }));
  const keptBy = (rule: Partial<Retention>): string[] => {
    const gone = new Set(expendable(hourly, { ...NONE, ...rule }, NOW));
    return hourly
      .filter((one) => !gone.has(one))
      .map(({ createdMs }) => new Date(createdMs).toISOString().slice(0, 13));
  };
  assert.deepEqual(keptBy({ last: 3 }), ['2030-01-31T12', '2030-01-31T11', '2030-01-31T10']);
  assert.deepEqual(keptBy({ daily: 3 }), ['2030-01-31T12', '2030-01-30T23', '2030-01-29T23']);
  // 31 January 2030 is a Thursday: weeks end on Sundays.
  assert.deepEqual(keptBy({ weekly: 3 }), ['2030-01-31T12', '2030-01-27T23', '2030-01-20T23']);
  assert.deepEqual(keptBy({ monthly: 3 }), ['2030-01-31T12', '2029-12-31T23', '2029-11-30T23']);
  assert.equal(keptBy({ daily: 30, maxAgeSeconds: 5 * 86_400 }).length, 6);
});

test('names say when, and nothing else passes for one', () => {
  const name = snapshotName('nightly-a', NOW, systemRandom);
  assert.deepEqual(datedName(name, 'nightly-a'), { name, createdMs: NOW });
  assert.equal(datedName(name, 'nightly'), undefined);
  for (const wrong of [
    '',
    `${name}.partial`,
    `../${name}`,
    'nightly-a-20300131T120000Z.snapshot',
    'nightly-a-20301331T120000Z-abcd.snapshot',
  ]) {
    assert.equal(datedName(wrong, 'nightly-a'), undefined, wrong);
  }
  assert.ok(isSnapshotName(name));
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (isSnapshotName(text)) assert.ok(!/[/\\\0]/.test(text) && !text.startsWith('.'));
    }),
  );
});
