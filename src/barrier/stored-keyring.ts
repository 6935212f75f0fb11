/** The keyring as it is stored: one record under the root key. */
import { wipe } from '../crypto/secret-bytes.ts';
import { AuthenticationError } from '../crypto/xaes.ts';
import type { Entry } from '../storage/storage.ts';
import type { EncryptedStore } from './encrypted-store.ts';
import { type Keyring, decodeKeyring, wipeKeyring } from './keyring.ts';
import { rootRecordKey } from './live-keys.ts';
import { KEYRING_KEY, ROOT_KEY_KEY } from './storage-keys.ts';

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

/** Takes over a newer keyring, and a newer root key that the present keyring opens. */
export async function refreshKeyring(store: EncryptedStore): Promise<void> {
  const { keys } = store;
  const [entry, rootEntry] = await store.read([KEYRING_KEY, ROOT_KEY_KEY]);
  if (entry === undefined) throw store.tampered(KEYRING_KEY, 'keyring is missing');
  if (entry.revision === keys.revision) return;
  let keyring = openKeyring(entry, keys.rootKey);
  if (keyring === undefined && rootEntry !== undefined) {
    const rootKey = await store.open('', rootEntry);
    keyring = openKeyring(entry, rootKey);
    if (keyring !== undefined) keys.replaceRoot(rootKey);
    wipe(rootKey);
  }
  if (keyring === undefined) throw store.tampered(KEYRING_KEY, 'record failed authentication');
  if (entry.revision < keys.revision) {
    wipeKeyring(keyring);
    throw store.tampered(KEYRING_KEY, 'keyring was rolled back');
  }
  keys.replaceKeyring(keyring, entry.revision);
}
