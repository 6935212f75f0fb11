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

/** A digit followed by what may make a number lose its text: a fraction, an exponent, many digits; or a negative zero. */
const MAY_LOSE_TEXT = /\d[.eE]|\d{16}|-0/;

export function isRawNumber(value: unknown): value is RawNumber {
  return typeof value === 'object' && value !== null && json.isRawJSON(value);
}

/**
 * Parses JSON. Call {@link assertJsonLimits} on untrusted text first.
 * @throws {SyntaxError}
 */
export function parseJson(text: string): JsonValue {
  if (!MAY_LOSE_TEXT.test(text)) return JSON.parse(text) as JsonValue;
  return json.parse(text, (_key, value, context) =>
    typeof value === 'number' && context.source !== undefined && context.source !== String(value)
      ? json.rawJSON(context.source)
      : value,
  ) as JsonValue;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !json.isRawJSON(value)
  );
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
