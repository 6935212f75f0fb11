/**
 * SSH private keys as text: PEM of the kinds that OpenSSL knows, and OpenSSH's own format (PROTOCOL.key), without a passphrase.
 * New keys are written as Go's crypto libraries and `ssh-keygen -m PEM` do, Ed25519 in OpenSSH's format.
 */
import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Random } from '../../base/random.ts';
import { makeRsaKey } from '../rsa/keys.ts';
import { CURVES, publicKeyOf, readPublicKey } from './public-key.ts';
import type { SshPublicKey } from './public-key.ts';
import { SshFormatError, SshReader, string, uint32 } from './wire.ts';

const generate = promisify(generateKeyPair);

const MAGIC = Buffer.from('openssh-key-v1\0');
const LABEL = 'OPENSSH PRIVATE KEY';
const LINES = /.{1,70}/g;
/** Padding goes up to this; a cipher would have its own. */
const BLOCK_BYTES = 8;
/** Longest text of a private key. */
export const PRIVATE_KEY_TEXT_MAX: number = 32 * 1024;
const RSA_BITS_DEFAULT = 4096;
const RSA_BITS_MIN = 2048;
/** Larger ones take minutes to make. */
const RSA_BITS_MAX = 8192;

export interface KeySpec {
  readonly kind: 'rsa' | 'ecdsa' | 'ed25519';
  readonly bits: number;
}

/** `rsa`, `ssh-rsa`, `ec`, `ecdsa-sha2-nistp384`, `ed25519` …; 0 bits = the usual size. @throws {SshFormatError} */
export function keySpecOf(type: string, bits: number): KeySpec {
  if (type === 'rsa' || type === 'ssh-rsa') {
    const size = bits === 0 ? RSA_BITS_DEFAULT : bits;
    if (size < RSA_BITS_MIN) {
      throw new SshFormatError(`refusing to generate weak ${type} key: ${size} bits < 2048 bits`);
    }
    if (size > RSA_BITS_MAX) throw new SshFormatError(`an RSA key may have ${RSA_BITS_MAX} bits`);
    return { kind: 'rsa', bits: size };
  }
  if (type === 'ed25519' || type === 'ssh-ed25519') return { kind: 'ed25519', bits: 0 };
  const named = CURVES.find(({ name }) => type === `ecdsa-sha2-${name}`);
  if (named !== undefined) return { kind: 'ecdsa', bits: named.bits };
  if (type !== 'ec') throw new SshFormatError(`unknown ssh key pair algorithm: ${type}`);
  const size = bits === 0 ? 256 : bits;
  if (!CURVES.some((curve) => curve.bits === size)) {
    throw new SshFormatError(`unknown ECDSA key pair algorithm and bits: ${type} / ${bits}`);
  }
  return { kind: 'ecdsa', bits: size };
}

export interface SshKeyPair {
  readonly publicKey: SshPublicKey;
  /** PEM. */
  readonly privateKey: string;
}

/** Makes a key pair, off the main thread. */
export async function generateSshKey({ kind, bits }: KeySpec, random: Random): Promise<SshKeyPair> {
  if (kind === 'rsa') {
    const privateKey = await makeRsaKey(bits);
    return pair(privateKey, privateKey.export({ type: 'pkcs1', format: 'pem' }));
  }
  if (kind === 'ecdsa') {
    const namedCurve = CURVES.find((curve) => curve.bits === bits)?.jwk ?? 'P-256';
    const { privateKey } = await generate('ec', { namedCurve });
    return pair(privateKey, privateKey.export({ type: 'sec1', format: 'pem' }));
  }
  const { privateKey } = await generate('ed25519');
  return pair(privateKey, formatEd25519(privateKey, random));
}

function pair(key: KeyObject, privateKey: string): SshKeyPair {
  return { publicKey: publicKeyOf(createPublicKey(key)), privateKey };
}

/** @throws {SshFormatError} */
export function parsePrivateKey(text: string): KeyObject {
  if (text.length > PRIVATE_KEY_TEXT_MAX) throw new SshFormatError('the key is too long');
  const trimmed = text.trim();
  const own = pemContent(trimmed, LABEL);
  const key = own === undefined ? parsePem(trimmed) : parseOpenSsh(own);
  // Only what can sign in SSH.
  publicKeyOf(createPublicKey(key));
  return key;
}

function parsePem(text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw new SshFormatError('the private key cannot be read');
  }
}

function pemContent(text: string, label: string): Buffer | undefined {
  const head = `-----BEGIN ${label}-----`;
  const foot = `-----END ${label}-----`;
  if (!text.startsWith(head) || !text.endsWith(foot)) return undefined;
  return Buffer.from(text.slice(head.length, -foot.length), 'base64');
}

function parseOpenSsh(bytes: Buffer): KeyObject {
  const reader = new SshReader(bytes);
  if (!reader.bytes(MAGIC.length).equals(MAGIC)) throw new SshFormatError('no OpenSSH key');
  if (reader.text() !== 'none' || reader.text() !== 'none') {
    throw new SshFormatError('the private key is protected by a passphrase');
  }
  // Options of the key derivation: none.
  reader.string();
  if (reader.uint32() !== 1) throw new SshFormatError('the file has not one key');
  const announced = readPublicKey(reader.string());
  const inner = new SshReader(reader.string());
  if (inner.uint32() !== inner.uint32()) throw new SshFormatError('the check bytes differ');
  const jwk = readPrivate(inner);
  const key = keyOf(jwk);
  if (!publicKeyOf(createPublicKey(key)).blob.equals(announced.blob)) {
    throw new SshFormatError('the public half belongs to another key');
  }
  return key;
}

type Jwk = Readonly<Record<string, string>>;

function keyOf(jwk: Jwk): KeyObject {
  try {
    return createPrivateKey({ format: 'jwk', key: jwk });
  } catch {
    throw new SshFormatError('the private key is not well-formed');
  }
}

/** The private part of PROTOCOL.key §3, by type. */
function readPrivate(reader: SshReader): Jwk {
  const type = reader.text();
  const coded = (bytes: Buffer): string => bytes.toString('base64url');
  if (type === 'ssh-ed25519') {
    const x = reader.string();
    // Seed, then the public key once more.
    const both = reader.string();
    return { kty: 'OKP', crv: 'Ed25519', x: coded(x), d: coded(both.subarray(0, 32)) };
  }
  if (type === 'ssh-rsa') {
    const n = reader.mpint();
    const e = reader.mpint();
    const d = reader.mpint();
    const qi = reader.mpint();
    const p = reader.mpint();
    const q = reader.mpint();
    const dp = remainder(d, p);
    const dq = remainder(d, q);
    const numbers = { n, e, d, p, q, dp, dq, qi };
    const texts = Object.entries(numbers).map(([name, value]) => [name, coded(value)]);
    return { kty: 'RSA', ...(Object.fromEntries(texts) as Jwk) };
  }
  const curve = CURVES.find(({ name }) => type === `ecdsa-sha2-${name}`);
  if (curve === undefined) throw new SshFormatError('the type of the key is not known');
  reader.string();
  const point = reader.string();
  const size = Math.ceil(curve.bits / 8);
  const d = reader.mpint();
  if (point.length !== 1 + 2 * size || d.length > size) {
    throw new SshFormatError('the private key is not well-formed');
  }
  return {
    kty: 'EC',
    crv: curve.jwk,
    x: coded(point.subarray(1, 1 + size)),
    y: coded(point.subarray(1 + size)),
    d: coded(Buffer.concat([Buffer.alloc(size - d.length), d])),
  };
}

/** d mod (p − 1), which the format leaves to be computed. */
function remainder(d: Buffer, p: Buffer): Buffer {
  const modulus = BigInt(`0x0${p.toString('hex')}`) - 1n;
  if (modulus <= 0n) throw new SshFormatError('the private key is not well-formed');
  const value = (BigInt(`0x0${d.toString('hex')}`) % modulus).toString(16);
  return Buffer.from(value.padStart(value.length + (value.length % 2), '0'), 'hex');
}

function formatEd25519(key: KeyObject, random: Random): string {
  const publicKey = publicKeyOf(createPublicKey(key));
  const jwk = key.export({ format: 'jwk' });
  const seed = Buffer.from(jwk.d ?? '', 'base64url');
  const point = Buffer.from(jwk.x ?? '', 'base64url');
  const check = random.bytes(4);
  const content = Buffer.concat([
    check,
    check,
    string(publicKey.type),
    string(point),
    string(Buffer.concat([seed, point])),
    string(''),
  ]);
  const padding: number[] = [];
  while ((content.length + padding.length) % BLOCK_BYTES !== 0) padding.push(padding.length + 1);
  const whole = Buffer.concat([
    MAGIC,
    string('none'),
    string('none'),
    string(''),
    uint32(1),
    string(publicKey.blob),
    string(Buffer.concat([content, Buffer.from(padding)])),
  ]);
  const lines = whole.toString('base64').match(LINES) ?? [];
  return `-----BEGIN ${LABEL}-----\n${lines.join('\n')}\n-----END ${LABEL}-----\n`;
}
