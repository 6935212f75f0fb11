/** What the refusal of a commit or a read by the store means to the barrier. */
import { invalidRequest } from '../model/errors.ts';
import { ConflictError, LimitError } from '../storage/storage.ts';
import type { ChangeSet } from './encode-record.ts';
import { KEYRING_KEY } from './storage-keys.ts';

/** Another process has changed the keyring, and this commit is not a change of it. */
export function isKeyringChange(error: unknown, set: ChangeSet): boolean {
  if (!(error instanceof ConflictError) || error.key !== KEYRING_KEY) return false;
  return set.changes.every(({ key }) => key !== KEYRING_KEY);
}

/** Keys come from callers, so a key that the store refuses is the caller's mistake. */
export function limitToRequestError(error: unknown): unknown {
  return error instanceof LimitError ? invalidRequest(error.message, { cause: error }) : error;
}
