/** Which snapshots are kept: the last ones, the newest of each hour, day, week and month, and none beyond an age. */

export interface Retention {
  /** So many of the newest; at least 1. */
  readonly last: number;
  /** The newest of each of so many hours, days, weeks and months (UTC) that have one; 0 = none for that reason. */
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  /** Older ones go, whatever keeps them, but for the newest; 0 = no age is too old. */
  readonly maxAgeSeconds: number;
}

export interface Dated {
  readonly name: string;
  readonly createdMs: number;
}

const DAY_MS: number = 24 * 60 * 60 * 1000;
const HOUR_MS: number = 60 * 60 * 1000;
/** 1 January 1970 was a Thursday; weeks begin on Mondays. */
const MONDAY_OFFSET_DAYS = 3;
/** A snapshot that is dated later than this from now was made under a wrong clock. */
export const FUTURE_MS_MAX: number = 5 * 60 * 1000;

const BUCKETS: readonly (readonly [keyof Retention, (ms: number) => number])[] = [
  ['hourly', (ms) => Math.floor(ms / HOUR_MS)],
  ['daily', (ms) => Math.floor(ms / DAY_MS)],
  ['weekly', (ms) => Math.floor((Math.floor(ms / DAY_MS) + MONDAY_OFFSET_DAYS) / 7)],
  ['monthly', (ms) => monthOf(new Date(ms))],
];

function monthOf(date: Date): number {
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/**
 * Those to remove, oldest first. What is dated in the future is neither removed nor counted: the clock that dated it was wrong, or
 * the present one is, and neither may cost a good snapshot.
 */
export function expendable<T extends Dated>(
  all: readonly T[],
  rules: Retention,
  nowMs: number,
): readonly T[] {
  const sound = all
    .filter(({ createdMs }) => createdMs <= nowMs + FUTURE_MS_MAX)
    .sort((a, b) => b.createdMs - a.createdMs || (a.name < b.name ? 1 : -1));
  const kept = new Set<T>(sound.slice(0, Math.max(1, rules.last)));
  for (const [rule, bucketOf] of BUCKETS) {
    const seen = new Set<number>();
    for (const one of sound) {
      const bucket = bucketOf(one.createdMs);
      if (seen.has(bucket)) continue;
      if (seen.size >= rules[rule]) break;
      seen.add(bucket);
      kept.add(one);
    }
  }
  const oldestMs = rules.maxAgeSeconds === 0 ? -Infinity : nowMs - rules.maxAgeSeconds * 1000;
  return sound
    .filter((one, index) => !kept.has(one) || (index > 0 && one.createdMs < oldestMs))
    .toReversed();
}
