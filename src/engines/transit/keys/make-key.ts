/** New keys and new versions: by request, on first use, and by themselves when their time has come. */
import { invalidRequest } from '../../../model/errors.ts';
import type { TaskType } from '../../../model/outside.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { refused, SOFT_DELETED } from '../failures.ts';
import { findKey, putKey, VERSIONS_MAX } from './key-record.ts';
import type { KeyRecord, KeyVersion, StoredKey } from './key-record.ts';
import { HMAC_KEY_BYTES_MAX, HMAC_KEY_BYTES_MIN, keyTypeOf } from './key-types.ts';
import type { KeyType } from './key-types.ts';
import { generateMaterial, putMaterial } from './material.ts';
import type { TransitPorts } from '../ports.ts';

export type KeySettings = Pick<
  KeyRecord,
  'derived' | 'convergent' | 'exportable' | 'allowPlaintextBackup' | 'autoRotateSeconds' | 'keySize'
>;

export const PLAIN_SETTINGS: KeySettings = {
  derived: false,
  convergent: false,
  exportable: false,
  allowPlaintextBackup: false,
  autoRotateSeconds: 0,
  keySize: 0,
};

/** A key rotates by itself no more often than this. */
export const AUTO_ROTATE_SECONDS_MIN: number = 3600;

export function checkAutoRotate(seconds: number): void {
  if (seconds !== 0 && seconds < AUTO_ROTATE_SECONDS_MIN) {
    throw invalidRequest('auto rotate period must be 0 to disable or at least an hour');
  }
}

/** Type and flags must fit, whoever makes the key (GHSA-8w8f-r2xv-4q4j). @throws {RequestError} */
export function checkSettings(type: KeyType, settings: KeySettings): void {
  if (settings.derived && !type.derives) {
    throw refused(
      `key derivation and convergent encryption not supported for keys of type ${type.name}`,
    );
  }
  if (settings.convergent && !settings.derived) {
    throw invalidRequest('convergent encryption requires derivation to be enabled');
  }
  if (settings.convergent && !type.encrypts) {
    throw refused(`convergent encryption not supported for keys of type ${type.name}`);
  }
  if (type.family !== 'hmac') {
    if (settings.keySize !== 0) {
      throw invalidRequest(`key_size is not valid for algorithm ${type.name}`);
    }
  } else if (settings.keySize < HMAC_KEY_BYTES_MIN || settings.keySize > HMAC_KEY_BYTES_MAX) {
    const message = `invalid key size for HMAC key, must be between ${HMAC_KEY_BYTES_MIN} and ${HMAC_KEY_BYTES_MAX} bytes`;
    throw settings.keySize === 0 ? refused(message) : invalidRequest(message);
  }
}

/** A record without versions. */
export function emptyRecord(type: KeyType, settings: KeySettings): KeyRecord {
  return {
    type: type.name,
    ...settings,
    deletionAllowed: false,
    latestVersion: 0,
    minDecryptionVersion: 1,
    minEncryptionVersion: 0,
    minAvailableVersion: 0,
    imported: false,
    allowImportedRotation: false,
    softDeleted: false,
    versions: {},
  };
}

/** The record with one more version, which is not stored yet. */
export function withNewVersion(record: KeyRecord | StoredKey, version: KeyVersion): KeyRecord {
  if (Object.keys(record.versions).length >= VERSIONS_MAX) {
    throw invalidRequest(`the key has ${VERSIONS_MAX} versions; trim it before adding more`);
  }
  const latestVersion = record.latestVersion + 1;
  return {
    ...record,
    latestVersion,
    versions: { ...record.versions, [latestVersion]: version },
  };
}

/** When it is, and the calendar. */
export type Moment = Pick<Request, 'nowMs' | 'schedule'>;

async function addVersion(
  store: Transaction,
  name: string,
  record: KeyRecord | StoredKey,
  ports: TransitPorts,
  moment: Moment,
): Promise<void> {
  const type = keyTypeOf(record);
  const { material, publicKey } = await generateMaterial(type, record.keySize, ports.random);
  const shown = publicKey === undefined || record.derived ? {} : { publicKey };
  const next = withNewVersion(record, { createdMs: moment.nowMs, ...shown });
  putMaterial(store, name, next.latestVersion, material);
  putKey(store, name, next);
  planRotation(moment, name, next);
}

export async function createKey(
  store: Transaction,
  name: string,
  type: KeyType,
  settings: KeySettings,
  ports: TransitPorts,
  moment: Moment,
): Promise<StoredKey> {
  checkSettings(type, settings);
  await addVersion(store, name, emptyRecord(type, settings), ports, moment);
  return await storedKey(store, name);
}

async function storedKey(store: Transaction, name: string): Promise<StoredKey> {
  const record = await findKey(store, name);
  if (record === undefined) throw new Error('a key that was just written is not there');
  return record;
}

/** @throws {RequestError} the key may not be rotated */
export async function rotateKey(
  store: Transaction,
  name: string,
  record: StoredKey,
  ports: TransitPorts,
  moment: Moment,
): Promise<StoredKey> {
  if (record.softDeleted) throw invalidRequest(SOFT_DELETED);
  if (record.imported && !record.allowImportedRotation) {
    throw refused(`imported key ${name} does not allow rotation within Vault`);
  }
  await addVersion(store, name, { ...record, imported: false }, ports, moment);
  return await storedKey(store, name);
}

/** When the key is to be rotated by itself; undefined for never. */
function rotationMs(record: KeyRecord | StoredKey): number | undefined {
  const createdMs = record.versions[record.latestVersion]?.createdMs;
  if (record.autoRotateSeconds === 0 || createdMs === undefined) return undefined;
  if (record.softDeleted || (record.imported && !record.allowImportedRotation)) return undefined;
  return createdMs + record.autoRotateSeconds * 1000;
}

function isDue(record: StoredKey, nowMs: number): boolean {
  return (rotationMs(record) ?? Infinity) <= nowMs;
}

const ROTATION = 'rotate-key';

/** To be called with every record whose next rotation may have changed. What was planned for it before then does nothing. */
export function planRotation(
  { schedule }: Moment,
  name: string,
  record: KeyRecord | StoredKey,
): void {
  const atMs = rotationMs(record);
  if (atMs !== undefined) schedule(ROTATION, name, atMs);
}

/** Rotates keys that nobody uses just then. */
export function rotationTasks(ports: TransitPorts): Readonly<Record<string, TaskType>> {
  return {
    [ROTATION]: {
      async run(context, store) {
        const { name, nowMs } = context;
        const record = await findKey(store, name);
        if (record === undefined || !isDue(record, nowMs)) return 'done';
        await context.record(`keys/${name}/rotate`);
        await rotateKey(store, name, record, ports, context);
        return 'done';
      },
    },
  };
}

/**
 * The key, rotated first when its period is over: nothing new is ever made with a version older than its period, even where the
 * calendar is late. For requests that make something new.
 */
export async function findKeyToMake(
  store: Transaction,
  name: string,
  ports: TransitPorts,
  moment: Moment,
): Promise<StoredKey | undefined> {
  const record = await findKey(store, name);
  if (record === undefined || !isDue(record, moment.nowMs)) return record;
  return await rotateKey(store, name, record, ports, moment);
}
