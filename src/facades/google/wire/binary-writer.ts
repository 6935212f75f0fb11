/** Writes the binary form of messages (protocol buffers encoding); default values are left out. */
import { enumNumber } from './schema.ts';
import type { FieldSpec, Message, MessageSpec } from './schema.ts';

const VARINT = 0;
const LENGTH = 2;

/** Nearly all tags and lengths are one byte. */
const ONE_BYTE: readonly Buffer[] = Array.from({ length: 0x80 }, (_, byte) => Buffer.of(byte));

function small(value: number): Buffer {
  return ONE_BYTE[value] ?? varint(BigInt(value));
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const tag = (number: number, wireType: number): Buffer => small((number << 3) | wireType);

function delimited(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([tag(number, LENGTH), small(bytes.length), bytes]);
}

function secondsAndNanos(seconds: number, nanos: number): Buffer {
  return Buffer.concat([
    ...(seconds === 0 ? [] : [tag(1, VARINT), varint(BigInt(seconds))]),
    ...(nanos === 0 ? [] : [tag(2, VARINT), varint(BigInt(nanos))]),
  ]);
}

function splitSeconds(total: number): [number, number] {
  const seconds = Math.trunc(total);
  return [seconds, Math.round((total - seconds) * 1e9)];
}

function toVarint(field: FieldSpec, value: unknown): bigint | undefined {
  switch (field.type) {
    case 'bool':
      return value === true ? 1n : 0n;
    case 'int64':
      return value as bigint;
    case 'int32':
      return BigInt(value as number);
    case 'enum':
      return BigInt(enumNumber(field, value) ?? 0);
    default:
      return undefined;
  }
}

function toBytes(field: FieldSpec, value: unknown): Buffer {
  switch (field.type) {
    case 'string':
      return Buffer.from(value as string);
    case 'bytes':
      return value as Buffer;
    case 'timestamp': {
      const seconds = Math.floor((value as number) / 1000);
      return secondsAndNanos(seconds, Math.round((value as number) - seconds * 1000) * 1_000_000);
    }
    case 'duration':
      return secondsAndNanos(...splitSeconds(value as number));
    case 'fieldMask':
      return Buffer.concat((value as string[]).map((path) => delimited(1, Buffer.from(path))));
    default:
      return encodeMessage(field.message?.() ?? {}, value as Message);
  }
}

function encodeOne(field: FieldSpec, value: unknown): Buffer {
  const number = toVarint(field, value);
  return number === undefined
    ? delimited(field.number, toBytes(field, value))
    : Buffer.concat([tag(field.number, VARINT), varint(number)]);
}

/** Fields without presence are not written when they hold their default. */
function isDefault(field: FieldSpec, value: unknown): boolean {
  if (field.optional === true) return false;
  if (field.type === 'string' || field.type === 'bytes') {
    return (value as { readonly length: number }).length === 0;
  }
  return toVarint(field, value) === 0n;
}

function encodeField(field: FieldSpec, value: unknown): Buffer[] {
  if (field.map === true) {
    const { map: _map, ...single } = field;
    return [...(value as ReadonlyMap<string, unknown>)].map(([key, item]) =>
      delimited(
        field.number,
        Buffer.concat([delimited(1, Buffer.from(key)), encodeOne({ ...single, number: 2 }, item)]),
      ),
    );
  }
  if (field.repeated === true) {
    return (value as readonly unknown[]).map((item) => encodeOne(field, item));
  }
  return isDefault(field, value) ? [] : [encodeOne(field, value)];
}

export function encodeMessage(spec: MessageSpec, message: Message): Buffer {
  const parts: Buffer[] = [];
  for (const name of Object.keys(spec)) {
    const field = spec[name];
    const value = message[name];
    if (field !== undefined && value !== undefined) parts.push(...encodeField(field, value));
  }
  return Buffer.concat(parts);
}
