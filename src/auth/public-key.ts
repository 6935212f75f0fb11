/** Public keys of configurations, read once: reading one costs as much as checking a signature with it. */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Keys kept; beyond that all are read anew. */
const KEPT_MAX = 1024;
const kept = new Map<string, KeyObject>();

/** The key in a PEM text, or of a certificate there; undefined when there is none. */
export function publicKey(pem: string): KeyObject | undefined {
  const known = kept.get(pem);
  if (known !== undefined) return known;
  try {
    const key = createPublicKey(pem);
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(pem, key);
    return key;
  } catch {
    return undefined;
  }
}

/** Those that can be read, as {@link verifyWithAny} takes them. */
export function publicKeys(
  pems: readonly string[],
): readonly { readonly keyId: undefined; readonly key: KeyObject }[] {
  return pems.flatMap((pem) => {
    const key = publicKey(pem);
    return key === undefined ? [] : [{ keyId: undefined, key }];
  });
}
