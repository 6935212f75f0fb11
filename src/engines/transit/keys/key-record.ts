/**
 * A named key as it is stored: one record without secrets (settings and what is public of each version), which every request
 * reads, and one record of secret material per version (material.ts). Whoever changes material also rewrites the key's record:
 * what is cached of the material hangs on it.
 */
import type { Reader, Stored, Transaction } from '../../../model/transaction.ts';
import { ItemError, TOO_OLD } from '../failures.ts';

export interface KeyVersion {
  readonly createdMs: number;
  /** SubjectPublicKeyInfo in base64, of asymmetric keys that are not derived. */
  readonly publicKey?: string;
  /** The private half was never imported. */
  readonly publicOnly?: true;
  /** Certificates in PEM, leaf first. */
  readonly certificates?: readonly string[];
  // What other APIs say of a version; see model/tasks/key-task.ts.
  readonly disabled?: true;
  readonly notBeforeMs?: number;
  readonly expiresMs?: number;
  readonly updatedMs?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

interface Noted {
  readonly timeMs: number;
  readonly version: number;
}

export interface KeyRecord {
  readonly type: string;
  readonly derived: boolean;
  readonly convergent: boolean;
  readonly exportable: boolean;
  readonly allowPlaintextBackup: boolean;
  readonly deletionAllowed: boolean;
  readonly latestVersion: number;
  readonly minDecryptionVersion: number;
  /** 0: none set. */
  readonly minEncryptionVersion: number;
  /** Older versions are gone for good; 0: none are. */
  readonly minAvailableVersion: number;
  /** 0: never by itself. */
  readonly autoRotateSeconds: number;
  /** In bytes, of `hmac` keys; else 0. */
  readonly keySize: number;
  readonly imported: boolean;
  readonly allowImportedRotation: boolean;
  readonly softDeleted: boolean;
  /** Since when, and until when, where another API has deleted it. */
  readonly deletedMs?: number;
  readonly purgeMs?: number;
  /** What other APIs keep of a key beside all this. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly backup?: Noted;
  readonly restore?: Noted;
  /** By version number. */
  readonly versions: Readonly<Record<string, KeyVersion>>;
}

export type StoredKey = Stored<KeyRecord>;

/** Most versions of one key that are kept; trimming makes room. */
export const VERSIONS_MAX: number = 20_000;

/** Where the records of keys lie. */
export const KEYS = 'key/';

export async function findKey(store: Reader, name: string): Promise<StoredKey | undefined> {
  return await store.getRecord<KeyRecord>(KEYS + name);
}

export function putKey(store: Transaction, name: string, record: KeyRecord | StoredKey): void {
  store.putJson(KEYS + name, record);
}

/** Numbers of the versions that may still be used, in order. */
export function usableVersions(record: StoredKey): number[] {
  const numbers: number[] = [];
  for (let version = record.minDecryptionVersion; version <= record.latestVersion; version++) {
    if (Object.hasOwn(record.versions, version)) numbers.push(version);
  }
  return numbers;
}

/** The version that new ciphertexts or signatures are made with. @throws {ItemError} */
export function versionToMake(record: StoredKey, wanted: number, purpose: string): number {
  if (wanted === 0) return record.latestVersion;
  const problem =
    wanted < 0
      ? 'is negative'
      : wanted > record.latestVersion
        ? 'is higher than the latest key version'
        : wanted < record.minEncryptionVersion
          ? 'is less than the minimum encryption key version'
          : !Object.hasOwn(record.versions, wanted)
            ? 'does not exist'
            : undefined;
  if (problem !== undefined) throw new ItemError(`requested version for ${purpose} ${problem}`);
  return wanted;
}

const PREFIX = 'vault:v';

export interface Marked {
  readonly version: number;
  /** What follows the version. */
  readonly body: string;
}

export function withVersion(version: number, body: string): string {
  return `${PREFIX}${version}:${body}`;
}

const VERSION_DIGITS_MAX = 9;

/** Takes `vault:vN:…` apart. @param what names it in errors. @throws {ItemError} */
export function parseMarked(record: StoredKey, text: string, what: string): Marked {
  if (!text.startsWith(PREFIX)) throw new ItemError(`invalid ${what}: no prefix`);
  const colon = text.indexOf(':', PREFIX.length);
  if (colon < 0) throw new ItemError(`invalid ${what}: wrong number of fields`);
  const digits = text.slice(PREFIX.length, colon);
  if (!/^[+-]?\d+$/.test(digits) || digits.length > VERSION_DIGITS_MAX) {
    throw new ItemError(`invalid ${what}: version number could not be decoded`);
  }
  // Ciphertexts of the very first servers counted from 0; there were no signatures and HMACs then.
  const version = Number(digits) || (what === 'ciphertext' ? 1 : 0);
  if (version > record.latestVersion) throw new ItemError(`invalid ${what}: version is too new`);
  if (version < record.minDecryptionVersion) throw new ItemError(TOO_OLD);
  if (!Object.hasOwn(record.versions, version)) throw new ItemError('no such key version');
  return { version, body: text.slice(colon + 1) };
}
