/**
 * Secrets in a mount's storage. `secret/<path>` holds everything of a secret and the value of its served version, so that
 * the usual read is one record; `version/<path>/<number>` holds the value of each other version.
 */
import { after } from '../../../base/awaitable.ts';
import type { Awaitable } from '../../../base/awaitable.ts';
import { invalidRequest, RequestError } from '../../../model/errors.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { endRotation } from '../rotation/record.ts';
import { decodeRecord, decodeServed, encodeRecord } from './record.ts';
import type { SecretRecord, ServedVersion } from './record.ts';
import {
  addVersion,
  destroyVersions,
  emptySecret,
  findVersion,
  isGone,
  isPurged,
  servedNumber,
} from './secret.ts';
import type { KeepingRules, NewVersion, Placement, Secret, Version } from './secret.ts';

export const SECRET_PREFIX = 'secret/';
const VERSION_PREFIX = 'version/';

/** Longest path of a secret, in bytes: the storage key holds namespace, mount and version number beside it. */
const PATH_BYTES_MAX = 1_500;
/** Largest value of one version, in bytes: a storage record holds the version table beside it. */
export const VALUE_BYTES_MAX: number = 3 * 1024 * 1024;

const NO_RULES: KeepingRules = { maxVersions: 1, deleteVersionAfterSeconds: 0 };
const NO_VALUE: Buffer = Buffer.alloc(0);

function secretKey(path: string): string {
  return SECRET_PREFIX + path;
}

function versionKey(path: string, number: number): string {
  return `${VERSION_PREFIX}${path}/${number}`;
}

/** True when a secret may have this path. Nothing can lie under another one, so reads need not look. */
export function isSecretPath(path: string): boolean {
  return path !== '' && !path.endsWith('/') && Buffer.byteLength(path) <= PATH_BYTES_MAX;
}

/** @throws {RequestError} the path cannot be written to */
export function assertSecretPath(path: string): void {
  if (path === '') throw invalidRequest('missing path');
  if (path.endsWith('/')) throw invalidRequest("cannot write to a path ending in '/'");
  if (!isSecretPath(path)) {
    throw invalidRequest(`the path of a secret must not be longer than ${PATH_BYTES_MAX} bytes`);
  }
}

function assertValue(value: Buffer): void {
  if (value.length > VALUE_BYTES_MAX) {
    throw new RequestError(
      'body_too_large',
      `the value of a secret must not be larger than ${VALUE_BYTES_MAX} bytes`,
    );
  }
}

export function secretExists(store: Reader, path: string): Awaitable<boolean> {
  return isSecretPath(path) && store.has(secretKey(path));
}

/** The version that is answered without a number: one record, one line of it parsed. */
export function readServed(store: Reader, path: string): Awaitable<ServedVersion | undefined> {
  if (!isSecretPath(path)) return undefined;
  return after(store.get(secretKey(path)), (record) =>
    record === undefined ? undefined : decodeServed(record),
  );
}

export function loadSecret(store: Reader, path: string): Awaitable<SecretRecord | undefined> {
  if (!isSecretPath(path)) return undefined;
  return after(store.get(secretKey(path)), (record) =>
    record === undefined ? undefined : decodeRecord(record),
  );
}

/**
 * The secret that a write is about. One whose time is over is cleared away first, as if it had never been.
 * @throws {RequestError} it is soft-deleted as a whole
 */
export async function loadForWrite(
  store: Transaction,
  path: string,
  nowMs: number,
): Promise<SecretRecord | undefined> {
  const record = await loadSecret(store, path);
  if (record === undefined || !isGone(record.secret, nowMs)) return record;
  if (!isPurged(record.secret, nowMs)) {
    throw invalidRequest('the secret is marked for deletion: it must be restored first');
  }
  removeSecret(store, path, record.secret);
  await endRotation(store, path);
  return undefined;
}

/** Several secrets from one snapshot. */
export async function loadSecrets(
  store: Reader,
  paths: readonly string[],
): Promise<(Secret | undefined)[]> {
  const records = await store.getMany(paths.map(secretKey));
  return records.map((record) => (record === undefined ? undefined : decodeRecord(record).secret));
}

/** Any version by its number; the value is empty when it was destroyed. Two records in one round trip. */
export async function readVersion(
  store: Reader,
  path: string,
  number: number,
): Promise<ServedVersion | undefined> {
  if (!isSecretPath(path)) return undefined;
  const [record, value] = await store.getMany([secretKey(path), versionKey(path, number)]);
  if (record === undefined) return undefined;
  const { secret, value: servedValue } = decodeRecord(record);
  return {
    version: findVersion(secret, number),
    customMetadata: secret.customMetadata,
    deletedMs: secret.deletedMs,
    purgeMs: secret.purgeMs,
    value: number === servedNumber(secret) ? servedValue : (value ?? NO_VALUE),
  };
}

/** Writes a changed secret whose values stay as they are. */
export function saveSecret(store: Transaction, path: string, record: SecretRecord): void {
  store.put(secretKey(path), encodeRecord(record));
}

/** Adds a version with its value to `previous`, which for a new secret is an empty one. */
export function writeVersion(
  store: Transaction,
  path: string,
  previous: SecretRecord,
  fresh: NewVersion,
  value: Buffer,
  rules: KeepingRules,
  nowMs: number,
  placement: Placement = {},
): { readonly secret: Secret; readonly version: Version } {
  assertValue(value);
  const before = findVersion(previous.secret, servedNumber(previous.secret));
  const { secret, version, purged } = addVersion(previous.secret, fresh, rules, nowMs, placement);
  for (const number of purged) {
    if (number !== before?.number) store.delete(versionKey(path, number));
  }
  if (servedNumber(secret) === version.number) {
    // The value that was served moves to a record of its own, unless it has just been purged or was destroyed before.
    if (before !== undefined && before.destroyed !== true && !purged.includes(before.number)) {
      store.put(versionKey(path, before.number), previous.value);
    }
    saveSecret(store, path, { secret, value });
  } else {
    store.put(versionKey(path, version.number), value);
    saveSecret(store, path, { secret, value: previous.value });
  }
  return { secret, version };
}

/** Makes another version the served one: its value moves into the secret's record, the one before moves out. */
export async function serveVersion(
  store: Transaction,
  path: string,
  record: SecretRecord,
  number: number,
): Promise<SecretRecord> {
  const before = servedNumber(record.secret);
  if (number === before) return record;
  const value = (await store.get(versionKey(path, number))) ?? NO_VALUE;
  const left = findVersion(record.secret, before);
  if (left !== undefined && left.destroyed !== true) {
    store.put(versionKey(path, before), record.value);
  }
  store.delete(versionKey(path, number));
  const { served: _served, previous: _previous, ...rest } = record.secret;
  const secret = {
    ...rest,
    ...(left === undefined ? {} : { previous: before }),
    ...(number === rest.newest ? {} : { served: number }),
  };
  return { secret, value };
}

/** The value of any version of a secret that has been loaded. */
export function valueOf(
  store: Reader,
  path: string,
  record: SecretRecord,
  number: number,
): Awaitable<Buffer> {
  if (number === servedNumber(record.secret)) return record.value;
  return after(store.get(versionKey(path, number)), (value) => value ?? NO_VALUE);
}

/** Writes a secret without history: one version, number 1, which every write replaces. */
export function writeOnlyVersion(
  store: Transaction,
  path: string,
  id: string,
  value: Buffer,
  nowMs: number,
): void {
  assertValue(value);
  const { secret } = addVersion(emptySecret(nowMs), { id }, NO_RULES, nowMs);
  saveSecret(store, path, { secret, value });
}

/** Destroys versions and removes their values. */
export function destroyValues(
  store: Transaction,
  path: string,
  record: SecretRecord,
  numbers: readonly number[],
): SecretRecord {
  const served = servedNumber(record.secret);
  const { secret, destroyed } = destroyVersions(record.secret, numbers);
  for (const number of destroyed) {
    if (number !== served) store.delete(versionKey(path, number));
  }
  const left = { secret, value: destroyed.includes(served) ? NO_VALUE : record.value };
  saveSecret(store, path, left);
  return left;
}

/**
 * Writes a secret whose version table was made elsewhere.
 * @param before what is here
 * @param values of the versions that are new, by number; those that were destroyed have none
 */
export async function importHistory(
  store: Transaction,
  path: string,
  before: SecretRecord,
  secret: Secret,
  values: ReadonlyMap<number, Buffer | undefined>,
): Promise<void> {
  for (const value of values.values()) if (value !== undefined) assertValue(value);
  const [left, served] = [servedNumber(before.secret), servedNumber(secret)];
  const hadRecord = findVersion(before.secret, left);
  let value = NO_VALUE;
  for (const version of secret.versions) {
    const { number } = version;
    const fresh = values.get(number);
    const isServed = number === served;
    const key = versionKey(path, number);
    if (version.destroyed === true) {
      const was = findVersion(before.secret, number);
      if (was !== undefined && was.destroyed !== true && number !== left) store.delete(key);
    } else if (isServed) {
      value = fresh ?? (await valueOf(store, path, before, number));
      if (fresh === undefined && number !== left) store.delete(key);
    } else if (fresh !== undefined) store.put(key, fresh);
    else if (number === left && hadRecord !== undefined) store.put(key, before.value);
  }
  saveSecret(store, path, { secret, value });
}

/** Removes a secret with all its versions. */
export function removeSecret(store: Transaction, path: string, secret: Secret): void {
  const served = servedNumber(secret);
  for (const version of secret.versions) {
    if (version.number !== served && version.destroyed !== true) {
      store.delete(versionKey(path, version.number));
    }
  }
  store.delete(secretKey(path));
}
