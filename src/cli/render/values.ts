/** Values as Go's fmt prints them, which is how table output and -field have always looked. */
import { isJsonObject, isRawNumber, type JsonValue } from '../../client/json.ts';

/** `%v`: strings bare, lists `[a b]`, objects `map[k:v]` with sorted keys, null `<nil>`. */
export function plainText(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (isRawNumber(value)) return value.rawJSON;
  if (Array.isArray(value)) return `[${value.map(plainText).join(' ')}]`;
  if (!isJsonObject(value)) return '';
  const object = value;
  return `map[${sortedKeys(object)
    .map((key) => `${key}:${plainText(object[key])}`)
    .join(' ')}]`;
}

/** Keys in byte order, as Go sorts them. */
export function sortedKeys(object: object): string[] {
  return Object.keys(object).sort(compareBytes);
}

/** Order of UTF-8 bytes, which differs from JavaScript's order only above U+FFFF. */
export function compareBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** `%q` of a list of strings. */
export function quotedList(values: readonly string[] | undefined): string {
  return `[${(values ?? []).map((value) => JSON.stringify(value)).join(' ')}]`;
}

/** Fields that hold seconds by their name. */
export function looksLikeDuration(key: string): boolean {
  return (
    /^(?:period|ttl|duration|lease_max|ttl_max)$/.test(key) || /_(?:period|ttl|duration)$/.test(key)
  );
}

/** A value under its key: a number of seconds is shown as a duration where the name says so. */
export function shownValue(key: string, value: JsonValue | undefined): string {
  if (!looksLikeDuration(key)) return plainText(value);
  return typeof value === 'number' && Number.isInteger(value)
    ? shortDuration(value)
    : plainText(value);
}

/** `1h0m0s`, as Go writes a duration. */
export function longDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  const sign = milliseconds < 0 ? '-' : '';
  const total = Math.abs(milliseconds);
  if (total < 1) return `${sign}${Number((total * 1_000).toFixed(3))}µs`;
  if (total < 1_000) return `${sign}${total}ms`;
  const hours = Math.floor(total / 3_600_000);
  const minutes = Math.floor((total % 3_600_000) / 60_000);
  const seconds = Number(((total % 60_000) / 1_000).toFixed(9));
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

/** The same without trailing zeros: `1h`, `90m` stays `1h30m`. */
export function shortDuration(seconds: number): string {
  let text = longDuration(seconds * 1_000);
  if (text.endsWith('m0s')) text = text.slice(0, -2);
  const zero = text.indexOf('h0m');
  return zero > 0 ? text.slice(0, zero + 1) + text.slice(zero + 3) : text;
}
