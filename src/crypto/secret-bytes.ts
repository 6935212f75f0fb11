/** Key material in memory: buffers of their own that can be wiped, and comparison that tells nothing by its time. */
import { timingSafeEqual } from 'node:crypto';

/** A copy of `bytes` that shares memory with nothing (no pool), so that wiping it wipes the only copy. */
export function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Overwrites `bytes` with zeros. The buffer stays usable: whoever still holds it holds zeros. */
export function wipe(bytes: Uint8Array): void {
  bytes.fill(0);
}

/** Whether both hold the same bytes. The time depends on the lengths alone. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
