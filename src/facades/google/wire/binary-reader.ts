/** Reads the binary form of messages (protocol buffers encoding). Input is hostile: every length is checked. */
import {
  camelCase,
  ENTRIES_MAX,
  enumName,
  MESSAGE_DEPTH_MAX,
  MessageError,
  snakeCase,
} from './schema.ts';
import type { FieldSpec, Message, MessageSpec } from './schema.ts';

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH = 2;
const FIXED_32 = 5;

const VARINT_BYTES_MAX = 10;
const UTF8: TextDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function truncated(): MessageError {
  return new MessageError('message ends early');
}

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw truncated();
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MessageError('a number is too long');
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw truncated();
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  delimited(): Buffer {
    const length = this.varint();
    if (length > BigInt(this.#bytes.length)) throw truncated();
    return this.take(Number(length));
  }

  skip(wireType: number): void {
    if (wireType === VARINT) this.varint();
    else if (wireType === FIXED_64) this.take(8);
    else if (wireType === LENGTH) this.delimited();
    else if (wireType === FIXED_32) this.take(4);
    else throw new MessageError('a field has an unknown wire type');
  }
}

function text(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new MessageError('a text is not UTF-8');
  }
}

const SECONDS_AND_NANOS: MessageSpec = {
  seconds: { number: 1, type: 'int64' },
  nanos: { number: 2, type: 'int32' },
};
const PATHS: MessageSpec = { paths: { number: 1, type: 'string', repeated: true } };

function secondsAndNanos(bytes: Buffer, depth: number): { seconds: number; nanos: number } {
  const { seconds, nanos } = read(SECONDS_AND_NANOS, bytes, depth);
  return { seconds: Number(seconds ?? 0), nanos: Number(nanos ?? 0) };
}

const isVarint = (field: FieldSpec): boolean =>
  field.type === 'bool' ||
  field.type === 'int32' ||
  field.type === 'int64' ||
  field.type === 'enum';

function fromVarint(field: FieldSpec, raw: bigint): unknown {
  switch (field.type) {
    case 'bool':
      return raw !== 0n;
    case 'int64':
      return BigInt.asIntN(64, raw);
    case 'enum':
      return enumName(field, Number(BigInt.asIntN(32, raw)));
    default:
      return Number(BigInt.asIntN(32, raw));
  }
}

function fromBytes(field: FieldSpec, bytes: Buffer, depth: number): unknown {
  switch (field.type) {
    case 'string':
      return text(bytes);
    case 'bytes':
      return Buffer.from(bytes);
    case 'timestamp': {
      const { seconds, nanos } = secondsAndNanos(bytes, depth);
      return seconds * 1000 + Math.floor(nanos / 1_000_000);
    }
    case 'duration': {
      const { seconds, nanos } = secondsAndNanos(bytes, depth);
      return seconds + nanos / 1e9;
    }
    case 'fieldMask': {
      const { paths } = read(PATHS, bytes, depth);
      return ((paths ?? []) as string[]).map((path) => snakeCase(camelCase(path)));
    }
    default:
      return read(field.message?.() ?? {}, bytes, depth);
  }
}

/** One value of the field, whatever wire form it came in. */
function oneValue(field: FieldSpec, wireType: number, cursor: Cursor, depth: number): unknown {
  if (isVarint(field)) {
    if (wireType !== VARINT) throw new MessageError('a field has the wrong type');
    return fromVarint(field, cursor.varint());
  }
  if (wireType !== LENGTH) throw new MessageError('a field has the wrong type');
  return fromBytes(field, cursor.delimited(), depth + 1);
}

function mapEntry(field: FieldSpec, bytes: Buffer, depth: number): [string, unknown] {
  const { map: _map, ...single } = field;
  const entry: MessageSpec = {
    key: { number: 1, type: 'string' },
    value: { ...single, number: 2 },
  };
  const { key, value } = read(entry, bytes, depth);
  return [(key as string | undefined) ?? '', value ?? emptyValue(field)];
}

function emptyValue(field: FieldSpec): unknown {
  return field.type === 'int64' ? 0n : field.type === 'string' ? '' : {};
}

function limited<T extends { readonly length: number }>(entries: T): T {
  if (entries.length > ENTRIES_MAX) throw new MessageError('a field has too many entries');
  return entries;
}

function readField(
  field: FieldSpec,
  before: unknown,
  wireType: number,
  cursor: Cursor,
  depth: number,
): unknown {
  if (field.map === true) {
    if (wireType !== LENGTH) throw new MessageError('a field has the wrong type');
    const map = (before as Map<string, unknown> | undefined) ?? new Map<string, unknown>();
    const [key, value] = mapEntry(field, cursor.delimited(), depth + 1);
    map.set(key, value);
    limited({ length: map.size });
    return map;
  }
  if (field.repeated !== true) return oneValue(field, wireType, cursor, depth);
  const list = (before as unknown[] | undefined) ?? [];
  if (isVarint(field) && wireType === LENGTH) {
    const packed = new Cursor(cursor.delimited());
    while (!packed.done) limited(list).push(fromVarint(field, packed.varint()));
  } else {
    list.push(oneValue(field, wireType, cursor, depth));
  }
  return limited(list);
}

function nameOf(spec: MessageSpec, number: number): string | undefined {
  for (const name of Object.keys(spec)) if (spec[name]?.number === number) return name;
  return undefined;
}

function read(spec: MessageSpec, bytes: Buffer, depth: number): Message {
  if (depth > MESSAGE_DEPTH_MAX) throw new MessageError('messages are nested too deep');
  const cursor = new Cursor(bytes);
  const message: Message = {};
  while (!cursor.done) {
    const tag = cursor.varint();
    const number = Number(tag >> 3n);
    const wireType = Number(tag & 7n);
    const name = nameOf(spec, number);
    const field = name === undefined ? undefined : spec[name];
    if (name === undefined || field === undefined) {
      // Fields of a later version of the API are passed over, as the encoding asks for.
      cursor.skip(wireType);
      continue;
    }
    message[name] = readField(field, message[name], wireType, cursor, depth);
  }
  return message;
}

/** @throws {MessageError} */
export function decodeMessage(spec: MessageSpec, bytes: Buffer): Message {
  return read(spec, bytes, 0);
}
