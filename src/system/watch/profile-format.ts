/** Profiles in the form that `go tool pprof` and its relatives read: profile.proto of github.com/google/pprof, gzipped. */
import { gzipSync } from 'node:zlib';

export interface Frame {
  readonly name: string;
  /** File or module; '' when there is none. */
  readonly file: string;
  /** 1-based; 0 = unknown. */
  readonly line: number;
}

/** One call stack, innermost frame first, with a number per sample type. */
export interface Sample {
  readonly frames: readonly Frame[];
  readonly values: readonly number[];
}

export interface ValueType {
  readonly type: string;
  readonly unit: string;
}

export interface ProfileData {
  readonly sampleTypes: readonly ValueType[];
  readonly samples: readonly Sample[];
  /** What the numbers are and are not. */
  readonly comment: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly period?: ValueType & { readonly value: number };
}

/** Field numbers of the messages. */
const PROFILE = {
  sampleType: 1,
  sample: 2,
  location: 4,
  function: 5,
  stringTable: 6,
  timeNanos: 9,
  durationNanos: 10,
  periodType: 11,
  period: 12,
  comment: 13,
} as const;
const VALUE_TYPE = { type: 1, unit: 2 } as const;
const SAMPLE = { locationId: 1, value: 2 } as const;
const LOCATION = { id: 1, line: 4 } as const;
const LINE = { functionId: 1, line: 2 } as const;
const FUNCTION = { id: 1, name: 2, systemName: 3, filename: 4 } as const;
const NANOS_PER_MS = 1_000_000n;

/** The bytes of a profile. */
export function encodeProfile(data: ProfileData): Buffer {
  const strings = new Numbered(0);
  strings.of('');
  const functions = new Numbered(1);
  const locations = new Numbered(1);
  const message = new Message();
  const valueType = ({ type, unit }: ValueType): Buffer =>
    new Message()
      .number(VALUE_TYPE.type, strings.of(type))
      .number(VALUE_TYPE.unit, strings.of(unit))
      .bytes();

  function locationOf({ name, file, line }: Frame): number {
    return locations.of(`${line} ${file} ${name}`, (id) => {
      const functionId = functions.of(`${file} ${name}`, (functionNumber) => {
        const text = strings.of(name);
        const encoded = new Message()
          .number(FUNCTION.id, functionNumber)
          .number(FUNCTION.name, text)
          .number(FUNCTION.systemName, text)
          .number(FUNCTION.filename, strings.of(file));
        message.nested(PROFILE.function, encoded.bytes());
      });
      const where = new Message().number(LINE.functionId, functionId).number(LINE.line, line);
      const encoded = new Message().number(LOCATION.id, id).nested(LOCATION.line, where.bytes());
      message.nested(PROFILE.location, encoded.bytes());
    });
  }

  for (const type of data.sampleTypes) message.nested(PROFILE.sampleType, valueType(type));
  for (const { frames, values } of data.samples) {
    const sample = new Message()
      .packed(SAMPLE.locationId, frames.map(locationOf))
      .packed(SAMPLE.value, values);
    message.nested(PROFILE.sample, sample.bytes());
  }
  message.number(PROFILE.timeNanos, BigInt(Math.round(data.startMs)) * NANOS_PER_MS);
  message.number(PROFILE.durationNanos, BigInt(Math.round(data.durationMs)) * NANOS_PER_MS);
  if (data.period !== undefined) {
    message.nested(PROFILE.periodType, valueType(data.period));
    message.number(PROFILE.period, data.period.value);
  }
  message.number(PROFILE.comment, strings.of(data.comment));
  for (const text of strings.names()) message.nested(PROFILE.stringTable, Buffer.from(text));
  return gzipSync(message.bytes());
}

/** Gives each name a number, in order of first appearance. */
class Numbered {
  readonly #numbers = new Map<string, number>();
  readonly #first: number;

  constructor(first: number) {
    this.#first = first;
  }

  of(name: string, added: (number: number) => void = () => {}): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#numbers.size + this.#first;
    this.#numbers.set(name, number);
    added(number);
    return number;
  }

  names(): Iterable<string> {
    return this.#numbers.keys();
  }
}

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;

/** A message of protocol buffers: varints and length-delimited fields. */
class Message {
  readonly #parts: Buffer[] = [];

  number(field: number, value: number | bigint): this {
    this.#parts.push(varint(BigInt(field * 8 + WIRE_VARINT)), varint(BigInt(value)));
    return this;
  }

  packed(field: number, values: readonly number[]): this {
    return this.nested(
      field,
      Buffer.concat(values.map((value) => varint(BigInt(Math.round(value))))),
    );
  }

  nested(field: number, bytes: Buffer): this {
    this.#parts.push(varint(BigInt(field * 8 + WIRE_BYTES)), varint(BigInt(bytes.length)), bytes);
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  do {
    const more = left > 0x7fn;
    bytes.push(Number(left & 0x7fn) | (more ? 0x80 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
}
