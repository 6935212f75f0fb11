/**
 * RSA signatures over a digest that the caller made: PKCS #1 v1.5 (RFC 8017 §8.2) and PSS (§8.1). OpenSSL through Node signs
 * messages only, so the encoding is done here and OpenSSL does the RSA. Node's own signatures are the test oracle.
 */
import { constants, createHash, hash, privateEncrypt, publicDecrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Random } from '../../base/random.ts';
import { equalConstantTime } from '../secret-bytes.ts';

export type DigestName =
  | 'sha1'
  | 'sha224'
  | 'sha256'
  | 'sha384'
  | 'sha512'
  | 'sha3-224'
  | 'sha3-256'
  | 'sha3-384'
  | 'sha3-512';

/** The digest does not have the length of its function, or the key is too short for it. */
export class DigestError extends Error {
  override readonly name = 'DigestError';
}

/** DigestInfo up to the digest (RFC 8017 §9.2 note 1; RFC 9688 for SHA-3), and the digest's length. */
const DIGESTS: Readonly<Record<DigestName, { readonly prefix: string; readonly bytes: number }>> = {
  sha1: { prefix: '3021300906052b0e03021a05000414', bytes: 20 },
  sha224: { prefix: '302d300d06096086480165030402040500041c', bytes: 28 },
  sha256: { prefix: '3031300d060960864801650304020105000420', bytes: 32 },
  sha384: { prefix: '3041300d060960864801650304020205000430', bytes: 48 },
  sha512: { prefix: '3051300d060960864801650304020305000440', bytes: 64 },
  'sha3-224': { prefix: '302d300d06096086480165030402070500041c', bytes: 28 },
  'sha3-256': { prefix: '3031300d060960864801650304020805000420', bytes: 32 },
  'sha3-384': { prefix: '3041300d060960864801650304020905000430', bytes: 48 },
  'sha3-512': { prefix: '3051300d060960864801650304020a05000440', bytes: 64 },
};

export function digestBytes(name: DigestName): number {
  return DIGESTS[name].bytes;
}

function digestInfo(name: DigestName | undefined, digest: Buffer): Buffer {
  if (name === undefined) return digest;
  if (digest.length !== DIGESTS[name].bytes) {
    throw new DigestError('input must be hashed with given hash');
  }
  return Buffer.concat([Buffer.from(DIGESTS[name].prefix, 'hex'), digest]);
}

/** @param name undefined: the digest is signed as it is, without DigestInfo. @throws {DigestError} */
export function signDigestPkcs1(
  key: KeyObject,
  name: DigestName | undefined,
  digest: Buffer,
): Buffer {
  const info = digestInfo(name, digest);
  try {
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, info);
  } catch (error) {
    throw new DigestError('message too long for RSA key size', { cause: error });
  }
}

export function verifyDigestPkcs1(
  key: KeyObject,
  name: DigestName | undefined,
  digest: Buffer,
  signature: Buffer,
): boolean {
  if (name !== undefined && digest.length !== DIGESTS[name].bytes) return false;
  try {
    const recovered = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
    return equalConstantTime(recovered, digestInfo(name, digest));
  } catch {
    return false;
  }
}

function modulusBits(key: KeyObject): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 0;
}

/** MGF1 (RFC 8017 appendix B.2.1). */
function mask(name: DigestName, seed: Buffer, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let counter = 0; blocks.length * DIGESTS[name].bytes < length; counter++) {
    const tail = Buffer.alloc(4);
    tail.writeUInt32BE(counter);
    blocks.push(hash(name, Buffer.concat([seed, tail]), 'buffer'));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

function xor(target: Buffer, other: Buffer): void {
  for (const [index, byte] of other.entries()) target[index] = (target[index] ?? 0) ^ byte;
}

const TRAILER = 0xbc;
const SEPARATOR = 1;
const ZEROS = Buffer.alloc(8);

/** Longest salt that fits, in bytes. */
function saltBytesMax(key: KeyObject, name: DigestName): number {
  return Math.ceil((modulusBits(key) - 1) / 8) - DIGESTS[name].bytes - 2;
}

/** @param saltBytes undefined: as long as fits. @throws {DigestError} */
export function signDigestPss(
  key: KeyObject,
  name: DigestName,
  digest: Buffer,
  saltBytes: number | undefined,
  random: Random,
): Buffer {
  const { bytes } = DIGESTS[name];
  if (digest.length !== bytes) throw new DigestError('input must be hashed with given hash');
  const most = saltBytesMax(key, name);
  const length = saltBytes ?? most;
  if (length < 0 || length > most) throw new DigestError('requested salt length is invalid');
  const salt = random.bytes(length);
  const seed = createHash(name).update(ZEROS).update(digest).update(salt).digest();
  const bits = modulusBits(key) - 1;
  const encoded = Buffer.alloc(Math.ceil(bits / 8));
  const maskedAt = encoded.length - bytes - 1;
  encoded[maskedAt - length - 1] = SEPARATOR;
  encoded.set(salt, maskedAt - length);
  xor(encoded.subarray(0, maskedAt), mask(name, seed, maskedAt));
  encoded[0] = (encoded[0] ?? 0) & (0xff >> (8 * encoded.length - bits));
  encoded.set(seed, maskedAt);
  encoded[encoded.length - 1] = TRAILER;
  const block = Buffer.alloc(Math.ceil(modulusBits(key) / 8));
  block.set(encoded, block.length - encoded.length);
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, block);
}

/** @param saltBytes undefined: any length. */
export function verifyDigestPss(
  key: KeyObject,
  name: DigestName,
  digest: Buffer,
  signature: Buffer,
  saltBytes: number | undefined,
): boolean {
  const { bytes } = DIGESTS[name];
  const bits = modulusBits(key) - 1;
  const encodedBytes = Math.ceil(bits / 8);
  if (digest.length !== bytes || signature.length !== Math.ceil(modulusBits(key) / 8)) return false;
  let block: Buffer;
  try {
    block = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    return false;
  }
  const encoded = block.subarray(block.length - encodedBytes);
  const maskedAt = encodedBytes - bytes - 1;
  const unusedBits = 8 * encodedBytes - bits;
  if (block.length !== encodedBytes && block[0] !== 0) return false;
  if (encoded.at(-1) !== TRAILER || ((encoded[0] ?? 0) & ~(0xff >> unusedBits) & 0xff) !== 0) {
    return false;
  }
  const seed = encoded.subarray(maskedAt, -1);
  const data = Buffer.from(encoded.subarray(0, maskedAt));
  xor(data, mask(name, seed, maskedAt));
  data[0] = (data[0] ?? 0) & (0xff >> unusedBits);
  const separator = data.findIndex((byte) => byte !== 0);
  if (separator < 0 || data[separator] !== SEPARATOR) return false;
  const salt = data.subarray(separator + 1);
  if (saltBytes !== undefined && salt.length !== saltBytes) return false;
  const expected = createHash(name).update(ZEROS).update(digest).update(salt).digest();
  return equalConstantTime(expected, seed);
}
