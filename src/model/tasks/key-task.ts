/**
 * What a facade has done with a key inside the one transaction of its request, as model/tasks/secret-task.ts is for secrets: the call
 * names path and operation, so that policies and audit see what they always see, and the task says what is to become of the key.
 *
 * Which path and operation stand for what (the same capability as in the Vault API):
 *   read a key            read           keys/<name>
 *   make, rotate a key    write          keys/<name>, keys/<name>/rotate
 *   import a key          write          keys/<name>/import
 *   change a key          write          keys/<name>/config
 *   sign, verify          write          sign/<name>, verify/<name>
 *   encrypt, decrypt      write          encrypt/<name>, decrypt/<name>
 *   delete, bring back    delete, write  keys/<name>/soft-delete, keys/<name>/soft-delete-restore
 *   delete for good       delete         keys/<name>
 *   back up, restore      read, write    backup/<name>, restore/<name>
 *   list keys             list           keys
 */
import type { Retention } from './secret-task.ts';
import type { Principal } from '../principal.ts';
import type { Reply } from '../reply.ts';

export interface ManagedKeyVersion {
  readonly createdMs: number;
  /** SubjectPublicKeyInfo in base64, of asymmetric keys. */
  readonly publicKey?: string;
  /** Switched off: used for nothing. */
  readonly disabled?: true;
  readonly notBeforeMs?: number;
  readonly expiresMs?: number;
  /** When its attributes were last changed; absent = as it was made. */
  readonly updatedMs?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface ManagedKey {
  /** `rsa-2048`, `ecdsa-p256` … */
  readonly type: string;
  readonly latestVersion: number;
  readonly minDecryptionVersion: number;
  readonly exportable: boolean;
  /** 0: never by itself. */
  readonly autoRotateSeconds: number;
  readonly softDeleted: boolean;
  /** Since when it is out of use, where another API has deleted it. */
  readonly deletedMs?: number;
  /** From then on it does not exist any more. */
  readonly purgeMs?: number;
  /** What other APIs keep of a key beside all this, each under a name of its own. Never a secret. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** By number. */
  readonly versions: Readonly<Record<string, ManagedKeyVersion>>;
}

/** What a caller may change of a key; undefined takes a member away. */
export interface KeyChanges {
  readonly deletedMs?: number | undefined;
  readonly purgeMs?: number | undefined;
  readonly softDeleted?: boolean;
  readonly autoRotateSeconds?: number;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Attributes of one version, in place of those that it has. */
  readonly version?: {
    readonly number: number;
    readonly attributes: Omit<ManagedKeyVersion, 'createdMs' | 'publicKey'>;
  };
}

/** JSON Web Algorithms (RFC 7518 §3.1, §4.1) for keys with two halves; signatures are over digests. */
export type SignatureAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512';
export type EncryptionAlgorithm = 'RSA1_5' | 'RSA-OAEP' | 'RSA-OAEP-256';

export interface KeyDesk {
  /** The one "now" of the request. */
  readonly nowMs: number;
  readonly principal: Principal | undefined;
  readonly retention: Retention | undefined;
  readonly name: string;
  /** Undefined when there is none, or its `purgeMs` is over. It is there while it is soft-deleted. */
  readonly key: ManagedKey | undefined;

  /** Makes the key with its first version. @throws {RequestError} unknown type */
  create(type: string): Promise<ManagedKey>;
  /** @throws {RequestError} the key may not be rotated */
  rotate(): Promise<ManagedKey>;
  /** Takes a private key in PKCS #8 as a new key, or as a new version. @throws {RequestError} it is none of this type */
  import(type: string, pkcs8: Buffer, exportable: boolean): Promise<ManagedKey>;
  change(changes: KeyChanges): Promise<ManagedKey>;
  remove(): void;
  /** The key with its secrets, to be encrypted at once; and the key that such bytes hold, which must not exist. */
  save(): Promise<Buffer>;
  restore(saved: Buffer): Promise<ManagedKey>;

  // These throw a RequestError when the key is none for the algorithm, or the input none for the key.
  sign(version: number, algorithm: SignatureAlgorithm, digest: Buffer): Promise<Buffer>;
  verify(
    version: number,
    algorithm: SignatureAlgorithm,
    digest: Buffer,
    signature: Buffer,
  ): Promise<boolean>;
  encrypt(version: number, algorithm: EncryptionAlgorithm, plaintext: Buffer): Promise<Buffer>;
  decrypt(version: number, algorithm: EncryptionAlgorithm, ciphertext: Buffer): Promise<Buffer>;
}

export interface KeyListDesk {
  readonly nowMs: number;
  readonly retention: Retention | undefined;
  /** The first `limit` keys after `after`, in byte order of their names. */
  page(
    after: string,
    limit: number,
  ): Promise<{
    readonly keys: readonly { readonly name: string; readonly key: ManagedKey }[];
    /** Where the next page goes on; undefined at the end. */
    readonly next: string | undefined;
  }>;
}

/** For requests about one key: `key`; for `list`: `keys`. The `data` of the reply is the facade's own. */
export interface KeyTask {
  readonly key?: (desk: KeyDesk) => Promise<Reply | undefined> | Reply | undefined;
  readonly keys?: (desk: KeyListDesk) => Promise<Reply | undefined> | Reply | undefined;
}
