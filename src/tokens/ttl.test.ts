/** TTL arithmetic against an independent model: no bound is ever passed, and nearly over never becomes never (CVE-2021-32923). */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { RequestError } from '../model/errors.ts';
import { effectiveTtl } from './ttl.ts';
import type { TtlWish } from './ttl.ts';

const seconds = fc.integer({ min: 0, max: 100_000 });
const positive = fc.integer({ min: 1, max: 100_000 });
const wishes: fc.Arbitrary<TtlWish> = fc.record({
  wantedSeconds: seconds,
  periodSeconds: fc.oneof(fc.constant(0), seconds),
  explicitMaxSeconds: fc.oneof(fc.constant(0), seconds),
  maxSeconds: fc.oneof(fc.constant(0), seconds),
  mountDefaultSeconds: positive,
  mountMaxSeconds: positive,
  ageSeconds: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 100_000, noNaN: true })),
});

/** The age at which a token ends at the latest. */
function endOf(wish: TtlWish): number {
  const bounds = [wish.explicitMaxSeconds];
  if (wish.periodSeconds === 0) bounds.push(wish.maxSeconds, wish.mountMaxSeconds);
  return Math.min(...bounds.filter((bound) => bound > 0), Number.POSITIVE_INFINITY);
}

/** What a renewal gives at most, without a look at the age. */
function askedOf(wish: TtlWish): number {
  if (wish.periodSeconds === 0) return wish.wantedSeconds || wish.mountDefaultSeconds;
  const bounds = [
    wish.periodSeconds,
    wish.mountMaxSeconds,
    wish.maxSeconds,
    wish.explicitMaxSeconds,
  ];
  return Math.min(...bounds.filter((bound) => bound > 0));
}

function secondsOf(wish: TtlWish): number | undefined {
  try {
    return effectiveTtl(wish).seconds;
  } catch (error) {
    assert.ok(error instanceof RequestError && error.code === 'invalid_request');
    return undefined;
  }
}

suite('the TTL of a token', () => {
  test('keeps every bound, and is never zero', () => {
    fc.assert(
      fc.property(wishes, (wish) => {
        const got = secondsOf(wish);
        const left = endOf(wish) - wish.ageSeconds;
        if (got === undefined) return assert.ok(left < 1);
        assert.ok(Number.isInteger(got) && got >= 1, `${got} s`);
        assert.ok(wish.ageSeconds + got <= endOf(wish) + 1e-6);
        assert.ok(got <= askedOf(wish));
      }),
      { numRuns: 2000 },
    );
  });

  test('is as long as it may be', () => {
    fc.assert(
      fc.property(wishes, (wish) => {
        const got = secondsOf(wish);
        if (got === undefined) return;
        const left = Math.floor(endOf(wish) - wish.ageSeconds);
        assert.equal(got, Math.min(askedOf(wish), left));
      }),
      { numRuns: 2000 },
    );
  });

  test('says when a wish was cut, and only then', () => {
    fc.assert(
      fc.property(wishes, (wish) => {
        if (secondsOf(wish) === undefined) return;
        const { seconds: got, warnings } = effectiveTtl(wish);
        const wanted = wish.periodSeconds || wish.wantedSeconds || wish.mountDefaultSeconds;
        assert.equal(warnings.length > 0, wanted > got);
      }),
    );
  });

  test('says it in the words that operators look for', () => {
    const hours = 3600;
    const wish = {
      wantedSeconds: 2 * hours,
      periodSeconds: 0,
      explicitMaxSeconds: 1.5 * hours,
      maxSeconds: 0,
      mountDefaultSeconds: 768 * hours,
      mountMaxSeconds: 768 * hours,
      ageSeconds: 0,
    };
    assert.deepEqual(effectiveTtl(wish).warnings, [
      'TTL of "2h" exceeded the effective max_ttl of "1h30m"; TTL value is capped accordingly',
    ]);
    assert.deepEqual(effectiveTtl({ ...wish, periodSeconds: 1000 * hours }).warnings, [
      'period of "1000h" exceeded the effective max_ttl of "1h30m"; period value is capped accordingly',
    ]);
  });
});
