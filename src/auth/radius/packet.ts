/**
 * Packets of RADIUS (RFC 2865): an Access-Request that carries a password, and what it may be answered. MD5 is what the protocol
 * has; Message-Authenticator (RFC 3579 §3.2) keeps answers from being forged in spite of it (CVE-2024-3596).
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const ACCESS_REQUEST = 1;
const ACCESS_ACCEPT = 2;
const ACCESS_REJECT = 3;
const ACCESS_CHALLENGE = 11;

const USER_NAME = 1;
const USER_PASSWORD = 2;
const NAS_PORT = 5;
const NAS_IDENTIFIER = 32;
const MESSAGE_AUTHENTICATOR = 80;

const HEADER_BYTES = 20;
const AUTHENTICATOR_BYTES = 16;
const BLOCK_BYTES = 16;
/** RFC 2865 §3 and §5. */
export const PACKET_BYTES_MAX = 4096;
const VALUE_BYTES_MAX = 253;
export const PASSWORD_BYTES_MAX = 128;

export interface AccessRequest {
  readonly identifier: number;
  /** 16 random bytes. */
  readonly authenticator: Buffer;
  readonly username: string;
  readonly password: string;
  readonly nasPort: number;
  /** '' = none is sent. */
  readonly nasIdentifier: string;
}

export type Verdict = 'accept' | 'reject' | 'challenge';

function md5(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function attribute(type: number, value: Buffer): Buffer {
  if (value.length > VALUE_BYTES_MAX) throw new RangeError('an attribute is too long');
  return Buffer.concat([Buffer.from([type, value.length + 2]), value]);
}

/** RFC 2865 §5.2. @throws {RangeError} when it is longer than that can carry */
export function hiddenPassword(password: Buffer, secret: Buffer, authenticator: Buffer): Buffer {
  if (password.length > PASSWORD_BYTES_MAX) throw new RangeError('the password is too long');
  const blocks = Math.max(1, Math.ceil(password.length / BLOCK_BYTES));
  const hidden = Buffer.alloc(blocks * BLOCK_BYTES);
  password.copy(hidden);
  let before = authenticator;
  for (let at = 0; at < hidden.length; at += BLOCK_BYTES) {
    const mask = md5(secret, before);
    for (let index = 0; index < BLOCK_BYTES; index += 1)
      hidden[at + index] = (hidden[at + index] ?? 0) ^ (mask[index] ?? 0);
    before = hidden.subarray(at, at + BLOCK_BYTES);
  }
  return hidden;
}

/** @throws {RangeError} when the name, password or identifier is too long for the protocol, or holds a zero */
export function accessRequest(request: AccessRequest, secret: Buffer): Buffer {
  const { authenticator, username, password, nasIdentifier } = request;
  // Passwords are filled up with zeros, so that one with zeros at its end would be another's.
  if (username.includes('\0') || password.includes('\0'))
    throw new RangeError('a zero stands in the name or password');
  const port = Buffer.alloc(4);
  port.writeUInt32BE(request.nasPort >>> 0);
  const attributes = [
    // First, as RFC 3579 and its successors want it.
    attribute(MESSAGE_AUTHENTICATOR, Buffer.alloc(AUTHENTICATOR_BYTES)),
    attribute(USER_NAME, Buffer.from(username)),
    attribute(USER_PASSWORD, hiddenPassword(Buffer.from(password), secret, authenticator)),
    attribute(NAS_PORT, port),
    ...(nasIdentifier === '' ? [] : [attribute(NAS_IDENTIFIER, Buffer.from(nasIdentifier))]),
  ];
  const body = Buffer.concat(attributes);
  const header = Buffer.alloc(4);
  header.writeUInt8(ACCESS_REQUEST, 0);
  header.writeUInt8(request.identifier, 1);
  header.writeUInt16BE(HEADER_BYTES + body.length, 2);
  const packet = Buffer.concat([header, authenticator, body]);
  createHmac('md5', secret)
    .update(packet)
    .digest()
    .copy(packet, HEADER_BYTES + 2);
  return packet;
}

/** Where the value of the only Message-Authenticator begins; undefined without one, null when the attributes make no sense. */
function authenticatorAt(packet: Buffer): number | null | undefined {
  let found: number | undefined;
  for (let at = HEADER_BYTES; at < packet.length;) {
    const length = packet[at + 1] ?? 0;
    if (length < 2 || at + length > packet.length) return null;
    if (packet[at] === MESSAGE_AUTHENTICATOR) {
      if (found !== undefined || length !== AUTHENTICATOR_BYTES + 2) return null;
      found = at + 2;
    }
    at += length;
  }
  return found;
}

/**
 * What the server says, if these bytes are its answer to the request; undefined for anything else, which is to be passed over as
 * if it had not come (RFC 2865 §3).
 */
export function verdictOf(
  bytes: Buffer,
  { identifier, authenticator }: Pick<AccessRequest, 'identifier' | 'authenticator'>,
  secret: Buffer,
  rules: { readonly needsMessageAuthenticator: boolean },
): Verdict | undefined {
  if (bytes.length < HEADER_BYTES || bytes.length > PACKET_BYTES_MAX) return undefined;
  const length = bytes.readUInt16BE(2);
  if (length < HEADER_BYTES || length > bytes.length || bytes[1] !== identifier) return undefined;
  const packet = Buffer.from(bytes.subarray(0, length));
  const sent = packet.subarray(4, HEADER_BYTES);
  const expected = md5(packet.subarray(0, 4), authenticator, packet.subarray(HEADER_BYTES), secret);
  if (!timingSafeEqual(sent, expected)) return undefined;
  const at = authenticatorAt(packet);
  if (at === null || (at === undefined && rules.needsMessageAuthenticator)) return undefined;
  if (at !== undefined) {
    const value = Buffer.from(packet.subarray(at, at + AUTHENTICATOR_BYTES));
    authenticator.copy(packet, 4);
    packet.fill(0, at, at + AUTHENTICATOR_BYTES);
    const mac = createHmac('md5', secret).update(packet).digest();
    if (!timingSafeEqual(value, mac)) return undefined;
  }
  switch (packet[0]) {
    case ACCESS_ACCEPT:
      return 'accept';
    case ACCESS_REJECT:
      return 'reject';
    case ACCESS_CHALLENGE:
      return 'challenge';
    default:
      return undefined;
  }
}
