/** Values in DER and back: integers, object identifiers, strings, times (X.690 §8 and §11). */
import { DER, DerError, derOf } from './der.ts';
import type { DerElement } from './der.ts';

export const STRING_TAGS = {
  utf8: 0x0c,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  bmp: 0x1e,
} as const;
export const TIME_TAGS = { utc: 0x17, generalized: 0x18 } as const;
const BOOLEAN_TAG = 0x01;
const OCTETS_TAG = 0x04;
const ENUMERATED_TAG = 0x0a;

export const DER_NULL: Buffer = Buffer.of(DER.null, 0);
export const DER_TRUE: Buffer = Buffer.of(BOOLEAN_TAG, 1, 0xff);

/** Tag of `[number]`, context-specific. */
export function contextTag(number: number, constructed = false): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

/** Big-endian magnitude without leading zeros; empty for zero. */
export function withoutLeadingZeros(bytes: Buffer): Buffer {
  let at = 0;
  while (at < bytes.length && bytes[at] === 0) at++;
  return bytes.subarray(at);
}

/** A non-negative INTEGER of a big-endian magnitude. */
export function derUnsigned(magnitude: Buffer): Buffer {
  const bytes = withoutLeadingZeros(magnitude);
  if (bytes.length === 0) return Buffer.of(DER.integer, 1, 0);
  return (bytes[0] ?? 0) >= 0x80
    ? derOf(DER.integer, Buffer.of(0), bytes)
    : derOf(DER.integer, bytes);
}

/** A non-negative INTEGER. */
export function derInteger(value: number): Buffer {
  const hex = value.toString(16);
  return derUnsigned(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
}

export function derEnumerated(value: number): Buffer {
  return Buffer.of(ENUMERATED_TAG, 1, value);
}

export function derBitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return derOf(DER.bitString, Buffer.of(unusedBits), bytes);
}

export function derOctets(bytes: Uint8Array): Buffer {
  return derOf(OCTETS_TAG, bytes);
}

/** Content of an OCTET STRING. @throws {DerError} */
export function octetsOf(element: DerElement | undefined): Buffer {
  if (element?.tag !== OCTETS_TAG) throw new DerError('not an octet string');
  return element.content;
}

/** Bytes of a BIT STRING without unused bits. @throws {DerError} */
export function bitsOf(element: DerElement | undefined): Buffer {
  if (element?.tag !== DER.bitString || element.content[0] !== 0) {
    throw new DerError('not a whole bit string');
  }
  return element.content.subarray(1);
}

export function isBoolean(element: DerElement | undefined): boolean {
  return element?.tag === BOOLEAN_TAG;
}

const ARCS_MAX = 32;
/** As many arcs, each as long as {@link isOid} takes them. */
const OID_BYTES_MAX = 320;
const OID_TEXT = /^\d{1,10}(?:\.\d{1,20}){1,31}$/;

/** True for text that {@link derOid} takes. */
export function isOid(text: string): boolean {
  if (!OID_TEXT.test(text)) return false;
  const [first = 0, second = 0] = text.split('.').map(Number);
  return first <= 2 && (first === 2 || second < 40);
}

/** The few that certificates are made of, encoded once. Roles may name others without end. */
const encodedOids = new Map<string, Buffer>();
const ENCODED_OIDS_MAX = 256;

/** OBJECT IDENTIFIER of dotted text; not to be written to. @throws {DerError} */
export function derOid(text: string): Buffer {
  const known = encodedOids.get(text);
  if (known !== undefined) return known;
  const encoded = encodeOid(text);
  if (encodedOids.size < ENCODED_OIDS_MAX) encodedOids.set(text, encoded);
  return encoded;
}

function encodeOid(text: string): Buffer {
  if (!isOid(text)) throw new DerError('not an object identifier');
  const [first = 0n, second = 0n, ...rest] = text.split('.').map(BigInt);
  const bytes: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const septets = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) septets.unshift(Number(left & 0x7fn) | 0x80);
    bytes.push(...septets);
  }
  return derOf(DER.objectId, Buffer.from(bytes));
}

/** Dotted text of an OBJECT IDENTIFIER. @throws {DerError} */
export function oidOf(element: DerElement | undefined): string {
  if (element?.tag !== DER.objectId || element.content.length === 0) {
    throw new DerError('not an object identifier');
  }
  const { content } = element;
  if (content.length > OID_BYTES_MAX) throw new DerError('an object identifier is too long');
  if ((content.at(-1) ?? 0) >= 0x80) throw new DerError('an object identifier is cut short');
  const arcs: bigint[] = [];
  let value = 0n;
  let isStart = true;
  for (const byte of content) {
    // The shortest form only.
    if (isStart && byte === 0x80) throw new DerError('not an object identifier');
    value = (value << 7n) | BigInt(byte & 0x7f);
    isStart = byte < 0x80;
    if (!isStart) continue;
    arcs.push(value);
    value = 0n;
    if (arcs.length > ARCS_MAX) throw new DerError('an object identifier is too long');
  }
  const [head = 0n, ...rest] = arcs;
  const first = head < 80n ? head / 40n : 2n;
  return [first, head - first * 40n, ...rest].join('.');
}

const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;
const ASCII = /^[\x00-\x7f]*$/; // oxlint-disable-line no-control-regex -- IA5String is all of ASCII

export function isAscii(text: string): boolean {
  return ASCII.test(text);
}

/** A PrintableString where its few characters do, else a UTF8String. */
export function derText(text: string): Buffer {
  const tag = PRINTABLE.test(text) ? STRING_TAGS.printable : STRING_TAGS.utf8;
  return derOf(tag, Buffer.from(text, 'utf8'));
}

/** The text of any kind of DER string. @throws {DerError} */
export function textOf(element: DerElement | undefined): string {
  switch (element?.tag) {
    case STRING_TAGS.utf8:
    case STRING_TAGS.printable:
    case STRING_TAGS.ia5:
      return element.content.toString('utf8');
    case STRING_TAGS.teletex:
      return element.content.toString('latin1');
    case STRING_TAGS.bmp:
      if (element.content.length % 2 !== 0) throw new DerError('half a character');
      return Buffer.from(element.content).swap16().toString('utf16le');
    default:
      throw new DerError('not a string');
  }
}

/** UTCTime from 1950 to 2049, GeneralizedTime otherwise (RFC 5280 §4.1.2.5); whole seconds. @throws {DerError} beyond 9999 */
export function derTime(ms: number): Buffer {
  const digits = timeDigits(ms);
  const year = Number(digits.slice(0, 4));
  return year >= 1950 && year <= 2049
    ? derOf(TIME_TAGS.utc, Buffer.from(`${digits.slice(2)}Z`))
    : derOf(TIME_TAGS.generalized, Buffer.from(`${digits}Z`));
}

export function derGeneralizedTime(ms: number): Buffer {
  return derOf(TIME_TAGS.generalized, Buffer.from(`${timeDigits(ms)}Z`));
}

const TIME_MS_MIN = Date.parse('0000-01-01T00:00:00Z');
const TIME_MS_MAX = Date.parse('9999-12-31T23:59:59.999Z');

/** `YYYYMMDDhhmmss` in UTC. */
function timeDigits(ms: number): string {
  if (!(ms >= TIME_MS_MIN && ms <= TIME_MS_MAX))
    throw new DerError('a time of no year from 0 to 9999');
  const text = new Date(ms).toISOString();
  const date = text.slice(0, 4) + text.slice(5, 7) + text.slice(8, 10);
  return date + text.slice(11, 13) + text.slice(14, 16) + text.slice(17, 19);
}

const UTC_TIME = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** Milliseconds since the epoch. @throws {DerError} */
export function timeOf(element: DerElement | undefined): number {
  const text = element?.content.toString('latin1') ?? '';
  const pattern = element?.tag === TIME_TAGS.utc ? UTC_TIME : GENERALIZED_TIME;
  const match = pattern.exec(text);
  if (match === null) throw new DerError('not a time');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(Number);
  const century = element?.tag !== TIME_TAGS.utc ? 0 : year < 50 ? 2000 : 1900;
  const date = new Date(0);
  date.setUTCFullYear(century + year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // What is none was carried over: the 30th of February, a minute of 99 seconds.
  if (!timeDigits(date.getTime()).endsWith(text.slice(0, -1))) throw new DerError('not a time');
  return date.getTime();
}
