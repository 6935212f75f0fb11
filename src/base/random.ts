/** Randomness enters the program here and nowhere else, so that a simulation can replace it. */
import { randomFillSync } from 'node:crypto';

export interface Random {
  /** Fresh random bytes in a buffer of its own (never pooled, so that it can be zeroed). */
  bytes(length: number): Buffer;
}

export const systemRandom: Random = {
  bytes: (length) => randomFillSync(Buffer.allocUnsafeSlow(length)),
};

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `length` characters, uniform over `[0-9A-Za-z]` (rejection sampling: 248 = 4 × 62). */
export function base62(random: Random, length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of random.bytes(length + 8)) {
      if (byte < 248 && text.length < length) text += BASE62[byte % 62];
    }
  }
  return text;
}

/** A version 4 UUID (RFC 9562 §5.4). */
export function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
