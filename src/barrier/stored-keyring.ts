/** The keyring as it is stored: one record under the root key. */
import { wipe } from '../crypto/secret-bytes.ts';
import { AuthenticationError } from '../crypto/xaes.ts';
import type { Entry } from '../storage/storage.ts';
import { type Keyring, decodeKeyring } from './keyring.ts';
import { rootRecordKey } from './live-keys.ts';

/** undefined = the key does not open it. */
export function openKeyring(entry: Entry, rootKey: Uint8Array): Keyring | undefined {
  const key = rootRecordKey(rootKey);
  try {
    const bytes = key.decrypt(entry.key, entry.revision, entry.value);
    const keyring = decodeKeyring(bytes);
    wipe(bytes);
    return keyring;
  } catch (error) {
    if (error instanceof AuthenticationError) return undefined;
    throw error;
  } finally {
    key.destroy();
  }
}

/** Wipes the keys of a changed keyring that was not stored, except those it shares with the one it was made from. */
export function wipeNewTerms(keyring: Keyring, before: Keyring): void {
  for (const term of keyring.terms) if (!before.terms.includes(term)) wipe(term.key);
}
