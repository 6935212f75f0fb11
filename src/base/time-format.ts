/**
 * Timestamps of the Vault protocol: RFC 3339 in UTC with nine fraction digits. The clock has milliseconds, so the last six
 * digits are zeros: a fixed width is what client code that slices such texts expects.
 */

/** First millisecond after the year 9999, which RFC 3339 cannot write. */
const TIME_MS_END = 253_402_300_800_000;
/** First millisecond of the year 1, the zero time of Go. */
const TIME_MS_MIN = -62_135_596_800_000;

/** The zero time as Go prints it, for "never happened". */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

/** True when RFC 3339 can write this instant. */
export function isWritableTime(ms: number): boolean {
  return ms >= TIME_MS_MIN && ms < TIME_MS_END;
}

/** `2026-11-22T05:31:31.123000000Z` of milliseconds since the epoch. @throws {RangeError} outside the years 1 to 9999 */
export function formatTime(ms: number): string {
  if (!isWritableTime(ms)) throw new RangeError('time is outside the years 1 to 9999');
  const iso = new Date(ms).toISOString();
  return `${iso.slice(0, -1)}000000Z`;
}

/** `2026-11-22T05:31:31Z`: whole seconds, where the reference prints none of the fraction. */
export function formatTimeSeconds(ms: number): string {
  if (!isWritableTime(ms)) throw new RangeError('time is outside the years 1 to 9999');
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,20})?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Milliseconds since the epoch of an RFC 3339 text (§5.6); undefined when it is none or names no real instant. */
export function parseTime(text: string): number | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  if (
    year === undefined ||
    month === undefined ||
    day === undefined ||
    hour === undefined ||
    minute === undefined ||
    second === undefined ||
    hour > 23 ||
    minute > 59 ||
    second > 59
  ) {
    return undefined;
  }
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that the month does not have would silently roll over into the next one.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const offsetHours = Number(match[9] ?? 0);
  const offsetMinutes = Number(match[10] ?? 0);
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const offsetMs = (match[8] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes) * 60_000;
  const fractionMs = Math.floor(Number(match[7] ?? 0) * 1000);
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + fractionMs - offsetMs;
}
