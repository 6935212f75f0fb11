/** HKDF (RFC 5869) in its two steps, for keys whose first step is done once and for info texts longer than OpenSSL takes. */
import { createHmac } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { secretBuffer } from './secret-bytes.ts';

const DIGEST_BYTES = 32;
const BLOCKS_MAX = 255;

/** HKDF-Extract with SHA-256: the pseudo-random key of `material`, 32 bytes that the caller wipes. */
export function hkdfExtract(material: Uint8Array, salt: Uint8Array = new Uint8Array(0)): Buffer {
  return createHmac('sha256', salt).update(material).digest();
}

/** HKDF-Expand with SHA-256. @param length in bytes, at most 8160 */
export function hkdfExpand(key: KeyObject | Uint8Array, info: Uint8Array, length: number): Buffer {
  const blocks = Math.ceil(length / DIGEST_BYTES);
  if (blocks > BLOCKS_MAX) throw new RangeError('too many bytes for HKDF');
  const output = secretBuffer(blocks * DIGEST_BYTES);
  let previous: Uint8Array = new Uint8Array(0);
  for (let block = 0; block < blocks; block++) {
    const hmac = createHmac('sha256', key).update(previous).update(info);
    output.set(hmac.update(Uint8Array.of(block + 1)).digest(), block * DIGEST_BYTES);
    previous = output.subarray(block * DIGEST_BYTES, (block + 1) * DIGEST_BYTES);
  }
  return output.subarray(0, length);
}
