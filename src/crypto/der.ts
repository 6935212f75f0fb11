/** Just enough DER (X.690 §10) to take structures apart and put them together. */

const LONG_FORM = 0x80;
const LENGTH_BYTES_MAX = 4;

export const DER = {
  integer: 0x02,
  bitString: 0x03,
  null: 0x05,
  objectId: 0x06,
  sequence: 0x30,
  set: 0x31,
  /** `[0]`, constructed. */
  context0: 0xa0,
} as const;

/** The bytes are not DER of the wanted shape. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly whole: Buffer;
}

/** The element that `bytes` begins with. @throws {DerError} */
function firstElement(bytes: Buffer): DerElement {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) throw new DerError('DER is cut short');
  let length = first;
  let contentAt = 2;
  if (first >= LONG_FORM) {
    const count = first - LONG_FORM;
    if (count === 0 || count > LENGTH_BYTES_MAX || bytes.length < 2 + count) {
      throw new DerError('DER has a bad length');
    }
    length = bytes.readUIntBE(2, count);
    contentAt += count;
    // The shortest form only.
    if (length < LONG_FORM || bytes[2] === 0) throw new DerError('DER has a bad length');
  }
  if (bytes.length < contentAt + length) throw new DerError('DER is cut short');
  const whole = bytes.subarray(0, contentAt + length);
  return { tag, content: whole.subarray(contentAt), whole };
}

/** Most elements side by side, unless the reader expects more: each costs memory that two bytes of input pay for. */
const ELEMENTS_MAX = 10_000;

/** Every element of a constructed content, in order. @throws {DerError} */
export function derElements(content: Buffer, elementsMax: number = ELEMENTS_MAX): DerElement[] {
  const elements: DerElement[] = [];
  for (let rest = content; rest.length > 0;) {
    if (elements.length >= elementsMax) throw new DerError('too many elements');
    const element = firstElement(rest);
    elements.push(element);
    rest = rest.subarray(element.whole.length);
  }
  return elements;
}

/** The elements of the one SEQUENCE that `bytes` are. @throws {DerError} */
export function derSequence(bytes: Buffer): DerElement[] {
  const element = firstElement(bytes);
  if (element.tag !== DER.sequence || element.whole.length !== bytes.length) {
    throw new DerError('DER is not one sequence');
  }
  return derElements(element.content);
}

export function derOf(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  let lengthBytes = 0;
  if (length >= LONG_FORM) for (let left = length; left > 0; left >>>= 8) lengthBytes++;
  // Filled to the last byte: certificates are built of hundreds of these.
  const element = Buffer.allocUnsafe(2 + lengthBytes + length);
  element[0] = tag;
  element[1] = lengthBytes === 0 ? length : LONG_FORM + lengthBytes;
  if (lengthBytes > 0) element.writeUIntBE(length, 2, lengthBytes);
  let at = 2 + lengthBytes;
  for (const part of parts) {
    element.set(part, at);
    at += part.length;
  }
  return element;
}

/** Two INTEGERs in a SEQUENCE and nothing else (RFC 3279 §2.2.3). */
export function isDerEcdsaSignature(bytes: Buffer): boolean {
  try {
    const elements = derSequence(bytes);
    return elements.length === 2 && elements.every((element) => element.tag === DER.integer);
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}
