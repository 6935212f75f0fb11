/** Where the barrier keeps things. Everything below `core/` is its own; handlers can only name what lies below `data/`. */
import { invalidRequest } from '../model/errors.ts';

/** The keyring, encrypted under the root key. */
export const KEYRING_KEY = 'core/keyring';
/** Records that hold nothing but a key; it is masked before it is encrypted. */
export const KEYS_PREFIX = 'core/keys/';
/** The root key under the keyring, so that the other replicas learn of a new one. */
export const ROOT_KEY_KEY: string = `${KEYS_PREFIX}root`;
/** Running sums over the records of each shard. */
export const INTEGRITY_PREFIX = 'core/integrity/';
/** How often each term has encrypted. */
export const USAGE_PREFIX = 'core/usage/';
/** How far re-encryption has come. */
export const REENCRYPTION_KEY = 'core/reencryption';
/** One wrapped key per namespace: deleting it makes the namespace unreadable for good. */
export const NAMESPACE_KEY_PREFIX: string = `${KEYS_PREFIX}namespace/`;
/** The part that is not encrypted under the keyring, because it is needed before the keyring can be read. */
export const CLEAR_PREFIX = 'core/seal/';
const DATA_PREFIX = 'data/';
const EPOCH_PREFIX = 'epoch/';

/** The namespace that is always there. */
export const ROOT_NAMESPACE_ID = 'root';
/** Longest namespace id, in characters. */
const NAMESPACE_ID_LENGTH_MAX = 64;
const NAMESPACE_ID = /^[A-Za-z0-9_-]+$/;

/** @throws {RequestError} `invalid_request` when `id` could name anything but one namespace. */
export function assertNamespaceId(id: string): void {
  if (id.length > NAMESPACE_ID_LENGTH_MAX || !NAMESPACE_ID.test(id)) {
    throw invalidRequest('namespace id is malformed');
  }
}

/** The prefix of the storage keys of a view. */
export function viewPrefix(namespaceId: string, prefix: string): string {
  return `${DATA_PREFIX}${namespaceId}/${prefix}`;
}

export function epochKey(scope: string): string {
  return EPOCH_PREFIX + scope;
}

/** The namespace whose key encrypts `key`; '' = the barrier's own. */
export function namespaceOf(key: string): string {
  if (!key.startsWith(DATA_PREFIX)) return '';
  return key.slice(DATA_PREFIX.length, key.indexOf('/', DATA_PREFIX.length));
}

/** Whether the shards count `key`: not themselves, and not what is written while the keys are absent. */
export function isCounted(key: string): boolean {
  return !key.startsWith(INTEGRITY_PREFIX) && !key.startsWith(CLEAR_PREFIX);
}
