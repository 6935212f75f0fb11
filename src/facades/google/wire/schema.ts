/**
 * How messages are described: one table serves the binary form (protocol buffers, gRPC) and the JSON form (REST). In memory
 * a message is a record by JSON name; see {@link FieldType} for the values.
 */

/**
 * Values in memory: string, bool; `int32` a number; `int64` a bigint; `bytes` a Buffer; `enum` its name, or its number when
 * that has no name; `timestamp` milliseconds since the epoch; `duration` seconds; `fieldMask` a list of snake_case paths.
 */
export type FieldType =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'bytes'
  | 'enum'
  | 'timestamp'
  | 'duration'
  | 'fieldMask'
  | 'message';

export interface FieldSpec {
  readonly number: number;
  readonly type: FieldType;
  readonly repeated?: true;
  /** A map from strings to this type. */
  readonly map?: true;
  /** Of `message` fields; a function, since messages may name each other in any order. */
  readonly message?: () => MessageSpec;
  /** Of `enum` fields: numbers by name. */
  readonly names?: Readonly<Record<string, number>>;
  /** Has presence: an empty value was sent, not left out. */
  readonly optional?: true;
}

/** Fields by their JSON name (camelCase). */
export type MessageSpec = Readonly<Record<string, FieldSpec>>;

export type Message = { [name: string]: unknown };

/** The bytes or the JSON are no such message. The text is public and repeats no value. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

/** Deepest nesting of messages; the deepest of the API has six. */
export const MESSAGE_DEPTH_MAX = 16;
/** Most entries of one repeated field or map. */
export const ENTRIES_MAX = 10_000;

export function snakeCase(camel: string): string {
  return camel.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function camelCase(snake: string): string {
  return snake.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

export function enumName(field: FieldSpec, number: number): string | number {
  const found = Object.entries(field.names ?? {}).find(([, value]) => value === number);
  return found === undefined ? number : found[0];
}

export function enumNumber(field: FieldSpec, value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const names = field.names ?? {};
  return typeof value === 'string' && Object.hasOwn(names, value) ? names[value] : undefined;
}
