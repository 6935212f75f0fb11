/** What a process does about keys that another one has changed. */
import { NAMESPACE_KEY_PREFIX, KEYRING_KEY } from '../storage-keys.ts';
import type { EncryptedStore } from '../encrypted-store.ts';
import { refreshKeyring } from './stored-keyring.ts';

/** Forgets keys of namespaces that were shredded, takes over a new keyring. @param changed storage keys; undefined = any. */
export async function followChanges(
  store: EncryptedStore,
  changed: readonly string[] | undefined,
): Promise<void> {
  const namespaces =
    changed === undefined
      ? store.keys.namespaces
      : changed.flatMap((key) =>
          key.startsWith(NAMESPACE_KEY_PREFIX) ? [key.slice(NAMESPACE_KEY_PREFIX.length)] : [],
        );
  const entries = await store.read(namespaces.map((id) => NAMESPACE_KEY_PREFIX + id));
  for (const [index, namespaceId] of namespaces.entries()) {
    if (entries[index] === undefined) store.keys.forgetNamespace(namespaceId);
  }
  if (changed === undefined || changed.includes(KEYRING_KEY)) await refreshKeyring(store);
}
