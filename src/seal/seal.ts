/**
 * A seal: what protects the root key while the server is sealed. The stored form of the root key is public: whoever has it and
 * the store still lacks what the seal keeps elsewhere (shares in people's hands, a key in a file, a key service).
 */

/** How a key is shared out. */
export interface Sharing {
  readonly shares: number;
  /** Shares that give the key back. */
  readonly threshold: number;
}

export interface Seal {
  /** Vault's name of the kind: `shamir`, `static` … */
  readonly type: string;
  /**
   * True when it opens the root key by itself. Then the shares in people's hands are recovery keys: they authorize a rekey or
   * a new root token but open nothing.
   */
  readonly unattended: boolean;
  /**
   * @param rootKey 32 bytes, left to the caller.
   * @param unsealKey 32 bytes joined from shares, left to the caller; absent when the seal is unattended.
   */
  wrap(rootKey: Uint8Array, unsealKey?: Uint8Array): Promise<Buffer>;
  /**
   * @returns the root key in a buffer for the caller to wipe.
   * @throws {UnwrapError} the key does not open it.
   */
  unwrap(wrapped: Uint8Array, unsealKey?: Uint8Array): Promise<Buffer>;
  /** Whether `wrapped` should be wrapped again, because the seal's own key has been replaced since. */
  outdated?(wrapped: Uint8Array): boolean;
}

/** The seal's key does not open the stored root key. The message may be shown to the caller. */
export class UnwrapError extends Error {
  override readonly name = 'UnwrapError';
}

/** Bytes of a root key, and of the unseal and recovery keys that are shared out. */
export const SEAL_KEY_BYTES: number = 32;
