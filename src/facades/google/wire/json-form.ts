/** The JSON form of messages (ProtoJSON): int64 as text, bytes as base64, times in RFC 3339, durations as `3.5s`. */
import { isJsonObject, isRawNumber } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { isWritableTime, parseTime } from '../../../base/time-format.ts';
import {
  camelCase,
  ENTRIES_MAX,
  enumName,
  enumNumber,
  MESSAGE_DEPTH_MAX,
  MessageError,
  snakeCase,
} from './schema.ts';
import type { FieldSpec, Message, MessageSpec } from './schema.ts';

const INTEGER = /^-?\d{1,19}$/;
const DURATION = /^(-?\d{1,12})(\.\d{1,9})?s$/;
const BASE64_ANY = /^[A-Za-z0-9+/_-]*={0,2}$/;
const INT32_MAX = 2n ** 31n - 1n;
const INT64_MAX = 2n ** 63n - 1n;

function wrong(name: string): MessageError {
  return new MessageError(`Invalid value at '${name}'.`);
}

function integer(name: string, value: JsonValue, max: bigint): bigint {
  const text = isRawNumber(value)
    ? value.rawJSON
    : typeof value === 'number' || typeof value === 'string'
      ? String(value)
      : '';
  if (!INTEGER.test(text)) throw wrong(name);
  const number = BigInt(text);
  if (number > max || number < -max - 1n) throw wrong(name);
  return number;
}

function readScalar(name: string, field: FieldSpec, value: JsonValue, depth: number): unknown {
  switch (field.type) {
    case 'bool':
      if (typeof value === 'boolean') return value;
      throw wrong(name);
    case 'int32':
      return Number(integer(name, value, INT32_MAX));
    case 'int64':
      return integer(name, value, INT64_MAX);
    case 'enum': {
      const number = enumNumber(field, value);
      if (number === undefined) throw wrong(name);
      return enumName(field, number);
    }
    case 'message':
      if (!isJsonObject(value)) throw wrong(name);
      return readJson(field.message?.() ?? {}, value, depth + 1, name);
    default:
      if (typeof value !== 'string') throw wrong(name);
      return readText(name, field, value);
  }
}

function readText(name: string, field: FieldSpec, text: string): unknown {
  switch (field.type) {
    case 'bytes':
      if (!BASE64_ANY.test(text)) throw wrong(name);
      return Buffer.from(text, 'base64');
    case 'timestamp': {
      const ms = parseTime(text);
      if (ms === undefined) throw wrong(name);
      return ms;
    }
    case 'duration': {
      const match = DURATION.exec(text);
      if (match === null) throw wrong(name);
      return Number(text.slice(0, -1));
    }
    case 'fieldMask':
      return text === '' ? [] : text.split(',').map((path) => snakeCase(camelCase(path.trim())));
    default:
      return text;
  }
}

function readField(name: string, field: FieldSpec, value: JsonValue, depth: number): unknown {
  if (field.map === true) {
    if (!isJsonObject(value)) throw wrong(name);
    const entries = Object.entries(value);
    if (entries.length > ENTRIES_MAX) throw wrong(name);
    return new Map(entries.map(([key, item]) => [key, readScalar(name, field, item, depth)]));
  }
  if (field.repeated !== true) return readScalar(name, field, value, depth);
  if (!Array.isArray(value) || value.length > ENTRIES_MAX) throw wrong(name);
  return value.map((item) => readScalar(name, field, item, depth));
}

function readJson(spec: MessageSpec, object: JsonObject, depth: number, where: string): Message {
  if (depth > MESSAGE_DEPTH_MAX) throw new MessageError('Message too deep.');
  const message: Message = {};
  for (const [sent, value] of Object.entries(object)) {
    // Both spellings are accepted, as the format asks for.
    const name = Object.hasOwn(spec, sent) ? sent : camelCase(sent);
    const field = Object.hasOwn(spec, name) ? spec[name] : undefined;
    const path = where === '' ? name : `${where}.${name}`;
    if (field === undefined) {
      throw new MessageError(
        `Invalid JSON payload received. Unknown name${where === '' ? '' : ` at '${where}'`}: Cannot find field.`,
      );
    }
    if (value !== null) message[name] = readField(path, field, value, depth);
  }
  return message;
}

/** @throws {MessageError} */
export function messageOfJson(spec: MessageSpec, object: JsonObject): Message {
  return readJson(spec, object, 0, '');
}

export interface JsonFormOptions {
  /** Enums as numbers, which clients ask for with `$alt=json;enum-encoding=int`. */
  readonly enumsAsNumbers: boolean;
}

function isoTime(ms: number): string {
  const whole = isWritableTime(ms) ? ms : 0;
  return new Date(whole).toISOString().replace('.000Z', 'Z');
}

function writeScalar(field: FieldSpec, value: unknown, options: JsonFormOptions): unknown {
  switch (field.type) {
    case 'int64':
      return `${value as bigint}`;
    case 'bytes':
      return (value as Buffer).toString('base64');
    case 'enum':
      return options.enumsAsNumbers ? (enumNumber(field, value) ?? 0) : value;
    case 'timestamp':
      return isoTime(value as number);
    case 'duration':
      return `${value as number}s`;
    case 'fieldMask':
      return (value as string[]).map(camelCase).join(',');
    case 'message':
      return jsonOfMessage(field.message?.() ?? {}, value as Message, options);
    default:
      return value;
  }
}

function isDefault(field: FieldSpec, value: unknown): boolean {
  if (field.repeated === true) return (value as readonly unknown[]).length === 0;
  if (field.map === true) return (value as ReadonlyMap<string, unknown>).size === 0;
  if (field.optional === true) return false;
  return (
    value === '' ||
    value === false ||
    value === 0n ||
    (value === 0 && field.type === 'int32') ||
    (field.type === 'bytes' && (value as Buffer).length === 0) ||
    (field.type === 'enum' && enumNumber(field, value) === 0)
  );
}

/** What `JSON.stringify` writes as the message; members that hold their default are left out. */
export function jsonOfMessage(
  spec: MessageSpec,
  message: Message,
  options: JsonFormOptions,
): Record<string, unknown> {
  const shown: [string, unknown][] = [];
  for (const [name, field] of Object.entries(spec)) {
    const value = message[name];
    if (value === undefined || isDefault(field, value)) continue;
    if (field.map === true) {
      const entries = [...(value as ReadonlyMap<string, unknown>)];
      shown.push([
        name,
        Object.fromEntries(entries.map(([key, item]) => [key, writeScalar(field, item, options)])),
      ]);
    } else if (field.repeated === true) {
      shown.push([
        name,
        (value as readonly unknown[]).map((item) => writeScalar(field, item, options)),
      ]);
    } else shown.push([name, writeScalar(field, value, options)]);
  }
  return Object.fromEntries(shown);
}
