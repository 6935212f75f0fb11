/**
 * JSON that keeps numbers as they were written: a server that speaks to Go clients sends integers wider than a double, and a
 * client that prints them must not round. The SDK stands alone, so it has its own few lines of this.
 */

/** A number whose text JavaScript's own number cannot give back (ECMA-262 JSON.rawJSON). */
export interface RawNumber {
  readonly rawJSON: string;
}
export type JsonValue = string | number | boolean | null | RawNumber | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

interface JsonWithSource {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}
const json = JSON as unknown as JsonWithSource;

export function isRawNumber(value: unknown): value is RawNumber {
  return typeof value === 'object' && value !== null && json.isRawJSON(value);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !json.isRawJSON(value)
  );
}

/**
 * Parses JSON; a number that JavaScript would print differently comes back as a {@link RawNumber}.
 * @throws {SyntaxError}
 */
export function parseJson(text: string): JsonValue {
  return json.parse(text, (_key, value, context) =>
    typeof value === 'number' && context.source !== undefined && context.source !== String(value)
      ? json.rawJSON(context.source)
      : value,
  ) as JsonValue;
}
