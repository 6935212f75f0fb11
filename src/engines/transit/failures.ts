/** How the engine says no: 400 for what a caller can mend, 500 with the reference's frame where its contract answers so. */
import { RequestError, invalidRequest } from '../../model/errors.ts';

const INTERNAL_STATUS = 500;

/** The request is wrong in a way that the Vault protocol answers with 500. */
export function refused(text: string): RequestError {
  return invalidRequest(`1 error occurred:\n\t* ${text}\n\n`, { vaultStatus: INTERNAL_STATUS });
}

/** One item of a batch failed. `text` is public. */
export class ItemError extends Error {
  override readonly name = 'ItemError';
  /** Whose fault: decides between 400 and 500 for the whole. */
  readonly fault: 'caller' | 'internal' | 'unflagged';

  constructor(text: string, fault: 'caller' | 'internal' | 'unflagged' = 'caller') {
    super(text);
    this.fault = fault;
  }
}

/** The same as the error of a whole request. */
export function asRequestError(error: ItemError): RequestError {
  return error.fault === 'internal' ? refused(error.message) : invalidRequest(error.message);
}

export const SOFT_DELETED = 'refusing to use soft-deleted key';
export const TOO_OLD = 'ciphertext or signature version is disallowed by policy (too old)';
export const NO_CONTEXT =
  "missing 'context' for key derivation; the key was created using a derived key, which means additional, per-request information must be included in order to perform operations with the key";
