/** Gives a change its next revision and its stored form. */
import { RequestError } from '../model/errors.ts';
import type { Check, Entry } from '../storage/storage.ts';
import type { LiveKeys } from './keys/live-keys.ts';
import type { NonceSource } from './nonce-source.ts';
import type { RecordKey } from './record.ts';
import { type MaskKey, maskKeys } from '../crypto/key-mask.ts';
import { CLEAR_PREFIX, KEYRING_KEY, KEYS_PREFIX } from './storage-keys.ts';

export interface Change {
  readonly key: string;
  readonly namespaceId: string;
  /** What is stored now, as the caller read it; the commit fails if that is no longer so. */
  readonly old: Entry | undefined;
  /** The new plaintext; undefined = delete. */
  readonly value: Uint8Array | undefined;
}

/** Keys that take effect with the very commit that they encrypt for. */
export interface Substitutes {
  /** For the keyring, when the root key changes. */
  readonly root?: RecordKey;
  /** For namespaces that are being created. */
  readonly namespaces?: ReadonlyMap<string, RecordKey>;
}

export interface ChangeSet {
  /** What else was read and must still be so. */
  readonly checks: readonly Check[];
  readonly changes: readonly Change[];
  /** Storage keys of epochs to move on. */
  readonly epochs?: readonly string[];
  /** Writes every sum again, so that it is under the newest term. */
  readonly renewSums?: boolean;
  /** Keys that hold for this commit alone. */
  readonly instead?: Substitutes;
}

const EMPTY = Buffer.alloc(0);

/** @throws {RequestError} `not_found` when the key of the namespace is not held; `sealed`. */
export function encodeRecord(
  change: Change,
  keys: LiveKeys,
  nonces: NonceSource,
  instead?: Substitutes,
): Entry {
  const { key, namespaceId, old, value = EMPTY } = change;
  const revision = old === undefined ? nonces.firstRevision() : old.revision + 1;
  if (key.startsWith(CLEAR_PREFIX)) return { key, revision, value: Buffer.from(value) };
  const recordKey =
    key === KEYRING_KEY
      ? (instead?.root ?? keys.root)
      : (instead?.namespaces?.get(namespaceId) ?? keys.recordKey(namespaceId));
  if (recordKey === undefined) throw new RequestError('not_found', 'namespace does not exist');
  const plaintext = key.startsWith(KEYS_PREFIX)
    ? maskKeys(value, maskOf(key, keys), nonces.random)
    : value;
  return { key, revision, value: recordKey.encrypt(key, revision, plaintext, nonces) };
}

/** The mask of a record below {@link KEYS_PREFIX}. */
export function maskOf(key: string, keys: LiveKeys): MaskKey {
  return { key: keys.keyring.keys.masks, info: key };
}
