/**
 * JSON that keeps numbers as they were written. Go clients decode with `UseNumber`, so 12345678901234567890 and 1.0 must
 * come back unchanged: a number that JavaScript would change is held as a frozen raw-JSON object (ECMA-262 JSON.rawJSON),
 * which `JSON.stringify` writes out as it came in.
 */

export type JsonValue = string | number | boolean | null | RawNumber | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

/** A number whose text JavaScript's own number cannot give back. */
export interface RawNumber {
  readonly rawJSON: string;
}

interface JsonWithSource {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}
const json = JSON as unknown as JsonWithSource;

/**
 * Where a number may begin, followed by what may make it lose its text: a fraction, an exponent, many digits, a negative zero.
 * Or the escape of half a surrogate pair, which UTF-8 cannot hold: U+FFFD takes its place, as in Go.
 */
const NEEDS_CARE = /(?:^|[\s:,[])(?:-0|-?\d+[.eE]|-?\d{16})|\\u[dD][89a-fA-F]/;

export function isRawNumber(value: unknown): value is RawNumber {
  return typeof value === 'object' && value !== null && json.isRawJSON(value);
}

/**
 * Parses JSON. Call {@link assertJsonLimits} on untrusted text first.
 * @throws {SyntaxError}
 */
export function parseJson(text: string): JsonValue {
  if (!NEEDS_CARE.test(text)) return JSON.parse(text) as JsonValue;
  return json.parse(text, (_key, value, context) => {
    if (typeof value === 'number') {
      return context.source !== undefined && context.source !== String(value)
        ? json.rawJSON(context.source)
        : value;
    }
    if (typeof value === 'string') return value.toWellFormed();
    return isJsonObject(value) ? withWellFormedNames(value) : value;
  }) as JsonValue;
}

/**
 * The value of a JSON text in which nothing asks for care: what {@link parseJson} gives, without reading the text again and again.
 * @returns undefined when something may ask for it, when it is nested deeper than `depthMax`, and when it is no JSON: whoever asks
 * must find out which. The text must not be so long that so many values as it has characters would be too many.
 */
export function parsePlainJson(text: string, depthMax: number): JsonValue | undefined {
  if (text.includes('\\')) return undefined;
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
  const found = survey(value, depthMax);
  if (found === 'too deep' || (found === 'numbers' && NEEDS_CARE.test(text))) return undefined;
  return value;
}

/** What is in a value that was parsed just now. */
function survey(value: JsonValue, depthLeft: number): 'texts' | 'numbers' | 'too deep' {
  if (typeof value === 'number') return 'numbers';
  if (typeof value !== 'object' || value === null) return 'texts';
  if (depthLeft === 0) return 'too deep';
  let found: 'texts' | 'numbers' = 'texts';
  const values = Array.isArray(value) ? value : Object.values(value);
  for (const each of values) {
    const inside = typeof each === 'string' ? 'texts' : survey(each, depthLeft - 1);
    if (inside === 'too deep') return inside;
    if (inside === 'numbers') found = inside;
  }
  return found;
}

function withWellFormedNames(object: JsonObject): JsonObject {
  const names = Object.keys(object);
  if (names.every((name) => name.isWellFormed())) return object;
  // Not assigned one by one: `__proto__` is an ordinary name here.
  return Object.fromEntries(names.map((name) => [name.toWellFormed(), object[name] ?? null]));
}

export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !json.isRawJSON(value)
  );
}

/**
 * False when a text or name in this JSON has half of a surrogate pair: for APIs that refuse what cannot be kept as it was sent, where
 * {@link parseJson} puts U+FFFD in its place. Call {@link assertJsonLimits} first.
 * @throws {SyntaxError}
 */
export function isWellFormedJson(text: string): boolean {
  return !HALF_PAIR.test(text) || isWellFormed(JSON.parse(text));
}

/** Only an escape can hold one. */
const HALF_PAIR = /\\u[dD][89a-fA-F]/;

function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (Array.isArray(value)) return value.every(isWellFormed);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, each]) => name.isWellFormed() && isWellFormed(each));
}

export interface JsonLimits {
  /** Deepest nesting of objects and arrays. */
  readonly depthMax: number;
  /** Most values (object members and array items) in the whole text. */
  readonly valuesMax: number;
}

export class JsonLimitError extends Error {
  override readonly name = 'JsonLimitError';
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Checks nesting and the number of values in one pass over the bytes, before anything is allocated for them
 * (CVE-2025-59043: 24 MB of `{}` takes 500 MB when parsed first).
 * @throws {JsonLimitError}
 */
export function assertJsonLimits(bytes: Uint8Array, limits: JsonLimits): void {
  let depth = 0;
  let values = 0;
  for (let index = 0; index < bytes.length; index++) {
    switch (bytes[index]) {
      case QUOTE:
        for (index++; index < bytes.length && bytes[index] !== QUOTE; index++) {
          if (bytes[index] === BACKSLASH) index++;
        }
        break;
      case 0x7b: // {
      case 0x5b: // [
        values++;
        if (++depth > limits.depthMax) throw new JsonLimitError('JSON is nested too deeply');
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth--;
        break;
      case 0x2c: // ,
        values++;
        break;
      default:
    }
    if (values > limits.valuesMax) throw new JsonLimitError('JSON has too many values');
  }
}
