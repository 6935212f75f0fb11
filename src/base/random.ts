/** Randomness enters the program here and nowhere else, so that a simulation can replace it. */
import { randomFillSync } from 'node:crypto';

export interface Random {
  /**
   * Fresh random bytes in a buffer of its own that can be zeroed: not pooled, and outside the JavaScript heap, where the
   * garbage collector would move short buffers and leave copies.
   */
  bytes(length: number): Buffer;
}

export const systemRandom: Random = {
  bytes: (length) => randomFillSync(Buffer.from(new ArrayBuffer(length))),
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

/** UUIDs made at a time: filling a pool once is a tenth of the cost of as many small fills. */
const UUID_POOL = 256;
const UUID_BYTES = 16;

interface UuidPool {
  bytes: Buffer;
  offset: number;
}

const pools = new WeakMap<Random, UuidPool>();

/** A version 4 UUID (RFC 9562 §5.4). It names things; it is no secret. */
export function uuid(random: Random): string {
  let pool = pools.get(random);
  if (pool === undefined || pool.offset === UUID_POOL * UUID_BYTES) {
    pool = { bytes: random.bytes(UUID_POOL * UUID_BYTES), offset: 0 };
    pools.set(random, pool);
  }
  const { bytes, offset } = pool;
  pool.offset += UUID_BYTES;
  bytes[offset + 6] = ((bytes[offset + 6] ?? 0) & 0x0f) | 0x40;
  bytes[offset + 8] = ((bytes[offset + 8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex', offset, offset + UUID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
