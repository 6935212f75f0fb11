/** HKDF-SHA-256 (RFC 5869) into a buffer that can be wiped. */
import { hkdfSync } from 'node:crypto';

/** @param options `info` names the purpose; two purposes never share a key. `length` in bytes, 32 by default. */
export function deriveKey(
  key: Uint8Array,
  options: { readonly salt?: Uint8Array; readonly info: string; readonly length?: number },
): Buffer {
  return Buffer.from(
    hkdfSync('sha256', key, options.salt ?? new Uint8Array(0), options.info, options.length ?? 32),
  );
}
