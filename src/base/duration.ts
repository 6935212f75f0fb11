/**
 * Durations as Go programs write them (`1h30m`, `768h`, `-1.5s`) and as Vault's clients send them (also whole seconds, as a
 * number or as text, and days: `30d`).
 */
import { isRawNumber } from './json.ts';
import type { JsonValue } from './json.ts';

const NS_PER_MS = 1e6;
/** Go holds a duration in an int64 of nanoseconds: about 292 years. */
const DURATION_MS_MAX = 2 ** 63 / NS_PER_MS;
/** Longest whole number of seconds that fits; also the longest that any field accepts. */
export const DURATION_SECONDS_MAX: number = Math.floor(DURATION_MS_MAX / 1000);
/** No duration needs more text; keeps the scan short. */
const DURATION_TEXT_MAX = 128;

const UNIT_NS: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['µs', 1e3],
  ['μs', 1e3],
  ['ms', NS_PER_MS],
  ['s', 1e9],
  ['m', 60e9],
  ['h', 3600e9],
]);

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (at < text.length && isDigit(text.charCodeAt(at))) at++;
  return at;
}

/** Milliseconds (possibly a fraction) of a Go duration such as `1h30m`; undefined when the text is none. */
export function parseGoDuration(text: string): number | undefined {
  if (text === '' || text.length > DURATION_TEXT_MAX) return undefined;
  const sign = text.startsWith('-') ? -1 : 1;
  let at = text.startsWith('-') || text.startsWith('+') ? 1 : 0;
  if (text.slice(at) === '0') return 0;
  if (at === text.length) return undefined;
  // Whole milliseconds and the nanoseconds beside them are summed apart: together they would not fit a double exactly.
  let ms = 0;
  let ns = 0;
  while (at < text.length) {
    const wholeEnd = skipDigits(text, at);
    let numberEnd = wholeEnd;
    if (text[wholeEnd] === '.') numberEnd = skipDigits(text, wholeEnd + 1);
    const digits = text.slice(at, numberEnd);
    if (digits === '' || digits === '.') return undefined;
    let unitEnd = numberEnd;
    while (unitEnd < text.length && text[unitEnd] !== '.' && !isDigit(text.charCodeAt(unitEnd))) {
      unitEnd++;
    }
    const unitNs = UNIT_NS.get(text.slice(numberEnd, unitEnd));
    if (unitNs === undefined) return undefined;
    const whole = wholeEnd > at ? Number(text.slice(at, wholeEnd)) : 0;
    const fraction = numberEnd > wholeEnd + 1 ? Number(text.slice(wholeEnd, numberEnd)) : 0;
    if (unitNs >= NS_PER_MS) ms += whole * (unitNs / NS_PER_MS);
    else ns += whole * unitNs;
    ns += Math.trunc(fraction * unitNs);
    if (ms + ns / NS_PER_MS >= DURATION_MS_MAX) return undefined;
    at = unitEnd;
  }
  return sign * (ms + ns / NS_PER_MS);
}

/** A whole number written in decimal, with an optional sign; undefined when the text is anything else. */
export function parseDecimalInteger(text: string): number | undefined {
  const start = text.startsWith('-') || text.startsWith('+') ? 1 : 0;
  if (text.length === start || skipDigits(text, start) !== text.length) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value + 0 : undefined;
}

/**
 * Whole seconds of what a client sends as a duration: a number of seconds, the same as text, days (`30d`) or a Go duration;
 * empty text is 0. A fraction of a second is cut off, a fractional *number* is refused, as the reference does.
 * Undefined when the value is no duration.
 */
export function parseSeconds(value: JsonValue): number | undefined {
  const text =
    typeof value === 'number' ? String(value) : isRawNumber(value) ? value.rawJSON : value;
  if (typeof text !== 'string') return undefined;
  if (text === '') return 0;
  const seconds = secondsOf(text);
  return seconds !== undefined && Math.abs(seconds) <= DURATION_SECONDS_MAX ? seconds : undefined;
}

function secondsOf(text: string): number | undefined {
  const plain = parseDecimalInteger(text);
  if (plain !== undefined) return plain;
  if (text.endsWith('d')) {
    const days = parseDecimalInteger(text.slice(0, -1));
    return days === undefined ? undefined : days * 86_400;
  }
  const ms = parseGoDuration(text);
  return ms === undefined ? undefined : Math.trunc(ms / 1000) + 0;
}

/** Digits of `value` / 10^`places` without trailing zeros: (1500, 3) is `1.5`. */
function decimal(value: bigint, places: number): string {
  const digits = String(value).padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, -places) : `${digits.slice(0, -places)}.${fraction}`;
}

const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MINUTE = 60n * NS_PER_SECOND;

/** The text that Go prints for a duration: `0s`, `1.5s`, `2m30s`, `768h0m0s`, `100ms`. */
export function formatGoDuration(milliseconds: number): string {
  const sign = milliseconds < 0 ? '-' : '';
  const wholeMs = Math.trunc(Math.abs(milliseconds));
  const restNs = Math.round((Math.abs(milliseconds) - wholeMs) * NS_PER_MS);
  const ns = BigInt(wholeMs) * BigInt(NS_PER_MS) + BigInt(restNs);
  if (ns === 0n) return '0s';
  if (ns < 1_000n) return `${sign}${ns}ns`;
  if (ns < 1_000_000n) return `${sign}${decimal(ns, 3)}µs`;
  if (ns < NS_PER_SECOND) return `${sign}${decimal(ns, 6)}ms`;
  const minutes = ns / NS_PER_MINUTE;
  const seconds = `${decimal(ns % NS_PER_MINUTE, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return hours === 0n
    ? `${sign}${minutes}m${seconds}`
    : `${sign}${hours}h${minutes % 60n}m${seconds}`;
}

/** As {@link formatGoDuration}, without the zeros at its end: `768h`, `1h30m`. */
export function shortGoDuration(milliseconds: number): string {
  return formatGoDuration(milliseconds).replace(/m0s$/, 'm').replace(/h0m/, 'h');
}
