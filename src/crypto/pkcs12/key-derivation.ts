/** Keys from passwords as PKCS #12 derives them (RFC 7292 appendix B): its own way, older than PBKDF2. */
import { createHash } from 'node:crypto';

export type Purpose = 1 | 2 | 3;
/** What the derived bytes are for (appendix B.3). */
export const FOR: {
  readonly encryption: Purpose;
  readonly initialisation: Purpose;
  readonly mac: Purpose;
} = { encryption: 1, initialisation: 2, mac: 3 };

const BLOCK_BYTES: Readonly<Record<string, number>> = { sha384: 128, sha512: 128 };
const BLOCK_BYTES_DEFAULT = 64;

export interface Derivation {
  readonly hash: string;
  /** UTF-16, big-endian, with a terminating zero ({@link bmpPassword}); no bytes at all is another password than ''. */
  readonly password: Buffer;
  readonly salt: Buffer;
  readonly iterations: number;
}

/** A password in the form that this derivation takes. */
export function bmpPassword(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf16le').swap16();
}

function filled(bytes: Buffer, block: number): Buffer {
  const length = Math.ceil(bytes.length / block) * block;
  const full = Buffer.alloc(length);
  for (let at = 0; at < length; at++) full[at] = bytes[at % bytes.length] ?? 0;
  return full;
}

/** Adds `b` + 1 to every block of `bytes`, as big-endian numbers modulo their size. */
function addToBlocks(bytes: Buffer, b: Buffer): void {
  for (let start = 0; start < bytes.length; start += b.length) {
    let carry = 1;
    for (let at = b.length - 1; at >= 0; at--) {
      carry += (bytes[start + at] ?? 0) + (b[at] ?? 0);
      bytes[start + at] = carry & 0xff;
      carry >>= 8;
    }
  }
}

export function pkcs12Key(derivation: Derivation, purpose: Purpose, length: number): Buffer {
  const { hash, password, salt, iterations } = derivation;
  const block = BLOCK_BYTES[hash] ?? BLOCK_BYTES_DEFAULT;
  const diversifier = Buffer.alloc(block, purpose);
  const input = Buffer.concat([filled(salt, block), filled(password, block)]);
  const parts: Buffer[] = [];
  for (let have = 0; have < length;) {
    let digest = createHash(hash).update(diversifier).update(input).digest();
    for (let round = 1; round < iterations; round++) {
      digest = createHash(hash).update(digest).digest();
    }
    parts.push(digest);
    have += digest.length;
    addToBlocks(input, filled(digest, block).subarray(0, block));
  }
  return Buffer.concat(parts).subarray(0, length);
}
