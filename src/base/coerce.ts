/**
 * Weakly typed reading of JSON, as Vault's clients rely on it: a number may come as text, a list as comma-separated text, a map
 * as a list of `k=v`. A {@link MismatchError} says what was expected and never what came: it may be a secret.
 */
import { isJsonObject, isRawNumber } from './json.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { parseDecimalInteger, parseSeconds } from './duration.ts';
import { parseTime } from './time-format.ts';

/** The value cannot be read as what was asked for. */
export class MismatchError extends Error {
  override readonly name = 'MismatchError';
}

function expected(what: string): MismatchError {
  return new MismatchError(`expected ${what}`);
}

/** The text of a JSON number as the caller wrote it (`5.0` stays `5.0`); undefined for anything else. */
function numberText(value: JsonValue): string | undefined {
  if (typeof value === 'number') return String(value);
  return isRawNumber(value) ? value.rawJSON : undefined;
}

/** Text, or the text of a number or truth value (`1`, `0`); null is empty. @throws {MismatchError} */
export function toText(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? '1' : '0';
  const text = numberText(value);
  if (text === undefined) throw expected('a string');
  return text;
}

const TRUE_TEXTS: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE_TEXTS: ReadonlySet<string> = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False', '']);

/** True, false, or what Go's ParseBool takes for them. @throws {MismatchError} */
export function toBool(value: JsonValue): boolean {
  if (typeof value === 'boolean') return value;
  if (value === null) return false;
  const text = typeof value === 'string' ? value : numberText(value);
  if (text !== undefined && TRUE_TEXTS.has(text)) return true;
  if (text !== undefined && FALSE_TEXTS.has(text)) return false;
  throw expected('true or false');
}

const PREFIXED_INTEGER = /^([+-]?)(0[xX][0-9a-fA-F]{1,16}|0[bB][01]{1,64}|0[oO]?[0-7]{1,22})$/;

/** Decimal, or with Go's prefixes `0x`, `0o`, `0b` and a leading 0 for octal. */
function parseInteger(text: string): number | undefined {
  const prefixed = PREFIXED_INTEGER.exec(text);
  if (prefixed !== null) {
    const digits = prefixed[2] ?? '';
    const value = Number(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
    if (!Number.isSafeInteger(value)) return undefined;
    return prefixed[1] === '-' ? 0 - value : value;
  }
  const value = parseDecimalInteger(text);
  // A leading zero means octal to Go, so 08 and 09 are no numbers.
  return /^[+-]?0\d/.test(text) ? undefined : value;
}

/** A whole number within JavaScript's safe range. @throws {MismatchError} */
export function toInt(value: JsonValue): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === null || value === '') return 0;
  const text = typeof value === 'string' ? value : numberText(value);
  const parsed = text === undefined ? undefined : parseInteger(text);
  if (parsed === undefined) throw expected('an integer');
  return parsed;
}

const DECIMAL_NUMBER = /^[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,4})?$/;

/** A finite number. @throws {MismatchError} */
export function toFloat(value: JsonValue): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === null || value === '') return 0;
  const text = typeof value === 'string' ? value : numberText(value);
  const parsed = text !== undefined && DECIMAL_NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(parsed)) throw expected('a number');
  return parsed;
}

/** Whole seconds of a duration; undefined for null. @throws {MismatchError} */
export function toSignedSeconds(value: JsonValue): number | undefined {
  if (value === null) return undefined;
  const seconds = parseSeconds(value);
  if (seconds === undefined) {
    throw expected('a duration: a number of seconds, or text such as "90s", "1h30m" or "30d"');
  }
  return seconds;
}

/** Whole seconds of a duration that is not negative; undefined for null. @throws {MismatchError} */
export function toSeconds(value: JsonValue): number | undefined {
  const seconds = toSignedSeconds(value);
  if (seconds !== undefined && seconds < 0) {
    throw new MismatchError('a negative duration is not allowed');
  }
  return seconds;
}

/** Milliseconds since the epoch of RFC 3339 text or of epoch seconds; undefined for null. @throws {MismatchError} */
export function toTimeMs(value: JsonValue): number | undefined {
  if (value === null) return undefined;
  const text = typeof value === 'string' ? value : numberText(value);
  const ms = text === undefined ? undefined : parseTime(text);
  if (ms !== undefined) return ms;
  const epochSeconds = text === undefined ? undefined : parseDecimalInteger(text);
  if (epochSeconds === undefined) {
    throw expected('a time: RFC 3339 text or whole seconds since the epoch');
  }
  return epochSeconds * 1000;
}

/** An object; a list of objects is merged. @throws {MismatchError} */
export function toMap(value: JsonValue): JsonObject {
  if (value === null) return {};
  if (isJsonObject(value)) return value;
  // A list of objects is merged, the later member winning; an empty list is an empty map.
  if (Array.isArray(value) && value.every(isJsonObject)) {
    return value.length === 0 ? {} : Object.assign(Object.create(null), ...value);
  }
  throw expected('a map');
}

/** A list; anything else becomes a list of one. */
export function toList(value: JsonValue): readonly JsonValue[] {
  if (Array.isArray(value)) return value;
  if (value === null) return [];
  if (isJsonObject(value) && Object.keys(value).length === 0) return [];
  return [value];
}

function toTrimmedTexts(value: JsonValue): readonly string[] {
  return toList(value).map((item) => toText(item).trim());
}

/** Trimmed texts of a list. @throws {MismatchError} */
export function toStringList(value: JsonValue): readonly string[] {
  return value === '' ? [] : toTrimmedTexts(value);
}

/** Trimmed texts of a list or of comma-separated text. @throws {MismatchError} */
export function toCommaStringList(value: JsonValue): readonly string[] {
  const text = typeof value === 'string' ? value : numberText(value);
  if (text === undefined) return toTrimmedTexts(value);
  return text === '' ? [] : text.split(',').map((item) => item.trim());
}

/** Whole numbers of a list or of comma-separated text. @throws {MismatchError} */
export function toCommaIntList(value: JsonValue): readonly number[] {
  const text = typeof value === 'string' ? value : numberText(value);
  if (text === undefined) return toList(value).map(toInt);
  return text === '' ? [] : text.split(',').map(toInt);
}

/** Texts by name, of an object or of a list of `k=v`; null prototype. @throws {MismatchError} */
export function toStringMap(value: JsonValue): Readonly<Record<string, string>> {
  const result = Object.create(null) as Record<string, string>;
  if (value === null) return result;
  if (isJsonObject(value)) {
    for (const [key, item] of Object.entries(value)) result[key] = toText(item);
    return result;
  }
  for (const item of toList(value)) {
    const pair = isJsonObject(item) ? undefined : toText(item);
    const equals = pair?.indexOf('=') ?? -1;
    if (pair === undefined || equals < 1) throw expected('a map, or a list of "key=value"');
    result[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return result;
}
