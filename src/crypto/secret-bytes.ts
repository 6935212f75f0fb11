/** Key material in memory: buffers of their own that can be wiped, and comparison that tells nothing by its time. */
import { timingSafeEqual } from 'node:crypto';

/**
 * Room for a key, zeros at first. Its memory is outside the JavaScript heap and not pooled, so that wiping it wipes the only
 * copy: what `Buffer.alloc` and `allocUnsafeSlow` give for 64 bytes or fewer lies inside the heap, where the garbage collector
 * moves it and leaves the old bytes behind.
 */
export function secretBuffer(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}

/** A copy of `bytes` in memory of its own; see {@link secretBuffer}. */
export function ownCopy(bytes: Uint8Array): Buffer {
  const copy = secretBuffer(bytes.length);
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
