/**
 * A mask over keys that are about to be encrypted. Node's ciphers leave a copy of what they decrypt in freed memory, where nobody
 * can wipe it; of masked keys such a copy says nothing. The mask is HKDF's output, which stays in a buffer of its own. It adds
 * nothing to the encryption and takes nothing from it.
 */
import type { Random } from '../base/random.ts';
import { deriveKey } from './key-derivation.ts';
import { secretBuffer, wipe } from './secret-bytes.ts';

const SALT_BYTES = 16;
/** HKDF-SHA-256 gives at most 255 blocks of 32 bytes (RFC 5869 §2.3). */
const STRIDE_BYTES = 255 * 32;

export interface MaskKey {
  /** The key that the bytes are about to be encrypted under, or another that is wiped with it. */
  readonly key: Uint8Array;
  readonly info: string;
}

/** `salt(16) ‖ masked bytes`, no secret any more to who lacks the key. */
export function maskKeys(bytes: Uint8Array, mask: MaskKey, random: Random): Buffer {
  const masked = secretBuffer(SALT_BYTES + bytes.length);
  masked.set(random.bytes(SALT_BYTES));
  masked.set(bytes, SALT_BYTES);
  applyMask(masked.subarray(SALT_BYTES), masked.subarray(0, SALT_BYTES), mask);
  return masked;
}

/** What was masked, in a buffer of its own for the caller to wipe. @throws {RangeError} it is too short. */
export function unmaskKeys(masked: Uint8Array, mask: MaskKey): Buffer {
  if (masked.length < SALT_BYTES) throw new RangeError('masked keys are too short');
  const bytes = secretBuffer(masked.length - SALT_BYTES);
  bytes.set(masked.subarray(SALT_BYTES));
  applyMask(bytes, masked.subarray(0, SALT_BYTES), mask);
  return bytes;
}

function applyMask(bytes: Uint8Array, salt: Uint8Array, { key, info }: MaskKey): void {
  for (let start = 0; start < bytes.length; start += STRIDE_BYTES) {
    const length = Math.min(STRIDE_BYTES, bytes.length - start);
    const stream = deriveKey(key, { salt, info: `strongroom mask ${start} ${info}`, length });
    for (let index = 0; index < length; index++) {
      bytes[start + index] = (bytes[start + index] ?? 0) ^ (stream[index] ?? 0);
    }
    wipe(stream);
  }
}
