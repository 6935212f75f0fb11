/** SSH public keys: their wire form (RFC 4253 §6.6, RFC 5656, RFC 8709, OpenSSH's PROTOCOL.u2f) and the line of an authorized_keys file. */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { decodeBase64 } from '../../base/base64.ts';
import { SshFormatError, SshReader, mpint, string } from './wire.ts';

export type SshKeyKind = 'rsa' | 'dsa' | 'ecdsa' | 'ed25519' | 'sk-ecdsa' | 'sk-ed25519';

export interface SshPublicKey {
  /** Name of the algorithm: `ssh-ed25519`. */
  readonly type: string;
  readonly kind: SshKeyKind;
  /** Size of the modulus or of the curve; 0 for Ed25519. */
  readonly bits: number;
  /** The whole key as it goes over the wire. */
  readonly blob: Buffer;
  /** The blob without the name of the algorithm: what a certificate repeats. */
  readonly parts: Buffer;
}

/** Longest text of a public key; RSA with 16384 bits has a quarter of it. */
export const PUBLIC_KEY_TEXT_MAX: number = 16 * 1024;
const ED25519_BYTES = 32;
const RSA_BITS_MAX = 16_384;

interface Curve {
  readonly name: string;
  readonly bits: number;
  readonly jwk: string;
}

const P256: Curve = { name: 'nistp256', bits: 256, jwk: 'P-256' };
export const CURVES: readonly Curve[] = [
  P256,
  { name: 'nistp384', bits: 384, jwk: 'P-384' },
  { name: 'nistp521', bits: 521, jwk: 'P-521' },
];

/** What follows the name, checked; tells the size. */
interface Shape {
  readonly kind: SshKeyKind;
  readonly read: (reader: SshReader) => number;
}

const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['ssh-rsa', { kind: 'rsa', read: readRsa }],
  ['ssh-dss', { kind: 'dsa', read: readDsa }],
  ['ssh-ed25519', { kind: 'ed25519', read: readEd25519 }],
  ...CURVES.map(
    (curve) =>
      [
        `ecdsa-sha2-${curve.name}`,
        { kind: 'ecdsa', read: (reader: SshReader) => readPoint(reader, curve) },
      ] as const,
  ),
  ['sk-ssh-ed25519@openssh.com', { kind: 'sk-ed25519', read: readSecurityKey(readEd25519) }],
  [
    'sk-ecdsa-sha2-nistp256@openssh.com',
    { kind: 'sk-ecdsa', read: readSecurityKey((reader) => readPoint(reader, P256)) },
  ],
]);

function readRsa(reader: SshReader): number {
  const exponent = reader.mpint();
  const modulus = reader.mpint();
  // Odd, and at least 3 (RFC 8017 §3.1); larger than 32 bits is what no program takes.
  if (exponent.length > 4 || (exponent.at(-1) ?? 0) % 2 === 0 || exponent.equals(Buffer.of(1))) {
    throw new SshFormatError('the exponent of an RSA key is not usable');
  }
  const bits = bitLength(modulus);
  if (bits > RSA_BITS_MAX) throw new SshFormatError('an RSA key is too long');
  return bits;
}

function readDsa(reader: SshReader): number {
  const bits = bitLength(reader.mpint());
  for (let left = 3; left > 0; left--) reader.mpint();
  if (bits !== 1024) throw new SshFormatError('a DSA key has 1024 bits');
  return bits;
}

function readEd25519(reader: SshReader): number {
  if (reader.string().length !== ED25519_BYTES) {
    throw new SshFormatError('an Ed25519 key has 32 bytes');
  }
  return 0;
}

function readPoint(reader: SshReader, curve: Curve): number {
  if (reader.text() !== curve.name) throw new SshFormatError('the curve is another one');
  const point = reader.string();
  const size = Math.ceil(curve.bits / 8);
  if (point.length !== 1 + 2 * size || point[0] !== 4) {
    throw new SshFormatError('the point of an ECDSA key is not in its uncompressed form');
  }
  try {
    createPublicKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: curve.jwk,
        x: point.subarray(1, 1 + size).toString('base64url'),
        y: point.subarray(1 + size).toString('base64url'),
      },
    });
  } catch {
    throw new SshFormatError('the point of an ECDSA key is not on its curve');
  }
  return curve.bits;
}

function readSecurityKey(inner: (reader: SshReader) => number): Shape['read'] {
  return (reader) => {
    const bits = inner(reader);
    // The application that the key was made for.
    reader.string();
    return bits;
  };
}

/** Size of a number given by its magnitude. */
function bitLength(magnitude: Buffer): number {
  const [first] = magnitude;
  return first === undefined ? 0 : (magnitude.length - 1) * 8 + (32 - Math.clz32(first));
}

/** @throws {SshFormatError} for anything but one well-formed plain key: certificates are none. */
export function readPublicKey(blob: Buffer): SshPublicKey {
  const reader = new SshReader(blob);
  const type = reader.text();
  const shape = SHAPES.get(type);
  if (shape === undefined) throw new SshFormatError('the type of the key is not known');
  const bits = shape.read(reader);
  reader.end();
  return { type, kind: shape.kind, bits, blob, parts: blob.subarray(4 + type.length) };
}

/** A line of an authorized_keys file without options, `TYPE BASE64 COMMENT`, or the middle of one. @throws {SshFormatError} */
export function parsePublicKey(text: string): SshPublicKey {
  if (text.length > PUBLIC_KEY_TEXT_MAX) throw new SshFormatError('the key is too long');
  const words = text.split(' ');
  const encoded = words.length > 1 ? (words[1] ?? '') : text;
  const blob = decodeBase64(encoded);
  if (blob === undefined) throw new SshFormatError('illegal base64 data');
  return readPublicKey(blob);
}

/** `TYPE BASE64` and a line end, as Go and OpenSSH write it. */
export function formatPublicKey({ type, blob }: Pick<SshPublicKey, 'type' | 'blob'>): string {
  return `${type} ${blob.toString('base64')}\n`;
}

/** The SSH form of a key of this runtime: RSA, one of the NIST curves, Ed25519. @throws {SshFormatError} */
export function publicKeyOf(key: KeyObject): SshPublicKey {
  const jwk = key.export({ format: 'jwk' });
  const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
  if (jwk.kty === 'RSA') {
    return readPublicKey(
      Buffer.concat([string('ssh-rsa'), mpint(bytes(jwk.e)), mpint(bytes(jwk.n))]),
    );
  }
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    return readPublicKey(Buffer.concat([string('ssh-ed25519'), string(bytes(jwk.x))]));
  }
  const curve = CURVES.find((each) => each.jwk === jwk.crv);
  if (jwk.kty !== 'EC' || curve === undefined) throw new SshFormatError('no such key in SSH');
  return readPublicKey(
    Buffer.concat([
      string(`ecdsa-sha2-${curve.name}`),
      string(curve.name),
      string(Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)])),
    ]),
  );
}
