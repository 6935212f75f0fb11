/** The keyring as it is stored: one record under the root key. */
import type { Random } from '../../base/random.ts';
import { maskKeys, unmaskKeys } from '../../crypto/key-mask.ts';
import { ownCopy, wipe } from '../../crypto/secret-bytes.ts';
import { AuthenticationError } from '../../crypto/xaes.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import { ConflictError, type Entry, type Storage } from '../../storage/storage.ts';
import type { Change } from '../encode-record.ts';
import type { Alongside } from '../first-records.ts';
import type { EncryptedStore } from '../encrypted-store.ts';
import { type Keyring, decodeKeyring, encodeKeyring, wipeKeyring } from './keyring.ts';
import { LiveKeys, rootRecordKey } from './live-keys.ts';
import { CLEAR_PREFIX, KEYRING_KEY, ROOT_KEY_KEY, namespaceOf } from '../storage-keys.ts';

/** How often a change is tried again when another replica changed the keyring first. */
const ATTEMPTS_MAX = 5;

/** undefined = the key does not open it. */
function openKeyring(entry: Entry, rootKey: Uint8Array): Keyring | undefined {
  const key = rootRecordKey(rootKey);
  try {
    const masked = key.decrypt(entry.key, entry.revision, entry.value);
    const bytes = unmaskKeys(masked, { key: rootKey, info: KEYRING_KEY });
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

/** What is encrypted under the root key and stored. */
export function plaintextOf(keyring: Keyring, rootKey: Uint8Array, random: Random): Buffer {
  const bytes = encodeKeyring(keyring);
  const masked = maskKeys(bytes, { key: rootKey, info: KEYRING_KEY }, random);
  wipe(bytes);
  return masked;
}

/**
 * The keys of the stored cluster.
 * @throws {RequestError} `not_initialized`; `invalid_request` when `rootKey` does not open the keyring.
 */
export async function loadKeys(storage: Storage, rootKey: Uint8Array): Promise<LiveKeys> {
  const [entry] = await storage.read([KEYRING_KEY]);
  if (entry === undefined) {
    throw new RequestError(
      'not_initialized',
      'there is no keyring: the store was never initialized, or its records were deleted, inserted or replaced',
    );
  }
  const keyring = openKeyring(entry, rootKey);
  if (keyring === undefined) throw invalidRequest('root key does not open the keyring');
  return new LiveKeys(keyring, entry.revision, rootKey);
}

/** Whether `rootKey` opens the keyring of a store. @throws {RequestError} `invalid_request` it holds none. */
export async function opensKeyring(storage: Storage, rootKey: Uint8Array): Promise<boolean> {
  const [entry] = await storage.read([KEYRING_KEY]);
  if (entry === undefined) throw invalidRequest('it holds no keyring');
  const keyring = openKeyring(entry, rootKey);
  if (keyring !== undefined) wipeKeyring(keyring);
  return keyring !== undefined;
}

/**
 * The keys that open a copy of the store whose keys are `live`: those of its own keyring, or, after a rekey, those of now.
 * @throws {RequestError} `invalid_request` when it is a copy of another cluster.
 */
export async function keysForCopy(copy: Storage, live: LiveKeys): Promise<LiveKeys> {
  const [entry] = await copy.read([KEYRING_KEY]);
  if (entry === undefined) throw invalidRequest('the copy holds no keyring');
  let keyring = openKeyring(entry, live.rootKey);
  if (keyring === undefined) {
    const bytes = encodeKeyring(live.keyring);
    keyring = decodeKeyring(bytes);
    wipe(bytes);
  }
  if (keyring.clusterId !== live.keyring.clusterId) {
    wipeKeyring(keyring);
    throw invalidRequest('the copy is of another cluster');
  }
  return new LiveKeys(keyring, entry.revision, live.rootKey);
}

export interface KeyringExtras {
  /** A new root key. */
  readonly rootKey?: Uint8Array;
  /** Written in the same commit. */
  readonly alongside?: readonly Alongside[];
}

/** Changes the newest keyring, whoever wrote that. */
export async function changeKeyring(
  store: EncryptedStore,
  change: (keyring: Keyring) => Keyring,
  extras: KeyringExtras,
): Promise<void> {
  const { keys } = store;
  const { rootKey, alongside = [] } = extras;
  for (let attempt = 1; ; attempt++) {
    await refreshKeyring(store);
    const before = keys.keyring;
    const keyring = change(before);
    const value = plaintextOf(keyring, rootKey ?? keys.rootKey, store.random);
    const root = rootKey === undefined ? undefined : rootRecordKey(rootKey);
    try {
      const changes = await changesOf(store, [{ key: KEYRING_KEY, value }, ...alongside]);
      const old = changes[0]?.old;
      if (old?.revision !== keys.revision) throw new ConflictError(KEYRING_KEY);
      await store.commit({ checks: [], changes, ...(root && { instead: { root } }) });
      keys.adoptKeyring(keyring, old.revision + 1);
      if (rootKey !== undefined) keys.replaceRoot(rootKey);
      return;
    } catch (error) {
      if (!keys.live || keys.keyring !== keyring) wipeNewTerms(keyring, before);
      if (!(error instanceof ConflictError) || attempt >= ATTEMPTS_MAX) throw error;
    } finally {
      root?.destroy();
    }
  }
}

/** Records of the barrier as changes of what is stored now. */
async function changesOf(store: EncryptedStore, records: readonly Alongside[]): Promise<Change[]> {
  const entries = await store.read(records.map(({ key }) => key));
  return records.map(({ key, value }, index) => ({
    key,
    namespaceId: namespaceOf(key),
    old: entries[index],
    value,
  }));
}

/** Writes records of the barrier in one commit. */
export async function putRecords(
  store: EncryptedStore,
  records: readonly Alongside[],
): Promise<void> {
  await store.commit({ checks: [], changes: await changesOf(store, records) });
}

/** The plaintext of one of the barrier's own records, for the caller to wipe. */
export async function ownRecord(store: EncryptedStore, key: string): Promise<Buffer | undefined> {
  const [entry] = await store.read([key]);
  if (entry === undefined) return undefined;
  return key.startsWith(CLEAR_PREFIX) ? ownCopy(entry.value) : await store.open('', entry);
}

/** Wipes the keys of a changed keyring that was not stored, except those it shares with the one it was made from. */
function wipeNewTerms(keyring: Keyring, before: Keyring): void {
  for (const term of keyring.terms) if (!before.terms.includes(term)) wipe(term.key);
}

/** Takes over a newer keyring, and a newer root key that the present keyring opens. */
export async function refreshKeyring(store: EncryptedStore): Promise<void> {
  const { keys } = store;
  const before = keys.revision;
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
  if (entry.revision <= keys.revision) {
    wipeKeyring(keyring);
    // Changed here, or refreshed, while this was read: what was read may be the state before.
    if (entry.revision >= before) return;
    throw store.tampered(KEYRING_KEY, 'keyring was rolled back');
  }
  keys.replaceKeyring(keyring, entry.revision);
}
