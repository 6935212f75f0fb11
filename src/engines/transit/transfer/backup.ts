/** `backup` and `restore`: a whole key with all its versions, in plaintext. */
import { decodeBase64 } from '../../../base/base64.ts';
import { assertJsonLimits, isJsonObject, isRawNumber, parseJson } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { formatTime, parseTime } from '../../../base/time-format.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { SLH_DSA_SETS } from '../../../crypto/signatures/slh-dsa.ts';
import { emptyEntry, entryOf, readEntry } from './backup-entry.ts';
import { refused, SOFT_DELETED } from '../failures.ts';
import { findKey, putKey, VERSIONS_MAX } from '../keys/key-record.ts';
import type { KeyRecord, KeyVersion, StoredKey } from '../keys/key-record.ts';
import { KEY_TYPES, keyTypeOf } from '../keys/key-types.ts';
import type { KeyType } from '../keys/key-types.ts';
import { checkSettings, emptyRecord, planRotation } from '../keys/make-key.ts';
import { deleteMaterial, putMaterial, withMaterial } from '../keys/material.ts';
import { NAME } from '../ports.ts';
import type { Reply } from '../../../model/reply.ts';

/** Numbers of the types in backups; those from 1000 on are understood here only. */
const TYPE_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['aes256-gcm96', 0],
  ['ecdsa-p256', 1],
  ['ed25519', 2],
  ['rsa-2048', 3],
  ['rsa-4096', 4],
  ['chacha20-poly1305', 5],
  ['ecdsa-p384', 6],
  ['ecdsa-p521', 7],
  ['aes128-gcm96', 8],
  ['rsa-3072', 9],
  ['hmac', 10],
  ['xchacha20-poly1305', 11],
  ['ml-dsa-44', 1000],
  ['ml-dsa-65', 1001],
  ['ml-dsa-87', 1002],
  ['ml-kem-768', 1003],
  ['ml-kem-1024', 1004],
  ['ml-kem-512', 1005],
  ...SLH_DSA_SETS.map((set, index): [string, number] => [`slh-dsa-${set}`, 1006 + index]),
]);

const HKDF_SHA256 = 1;
const NS_PER_SECOND = 1e9;
const LIMITS = { depthMax: 10, valuesMax: 100 * VERSIONS_MAX };
/** What the name of a key's path may be. */
const KEY_NAME = /^\w(?:[\w.-]{0,250}\w)?$/;

async function entriesOf(
  store: Transaction,
  name: string,
  record: StoredKey,
): Promise<Map<number, JsonObject>> {
  const type = keyTypeOf(record);
  const entries = new Map<number, JsonObject>();
  for (const [number, version] of Object.entries(record.versions)) {
    const entry = await withMaterial(store, name, Number(number), (material) =>
      entryOf(type, version, material, record.convergent),
    );
    entries.set(Number(number), entry);
  }
  return entries;
}

async function backupText(store: Transaction, name: string, record: StoredKey): Promise<string> {
  const type = TYPE_NUMBERS.get(record.type);
  if (type === undefined) throw new Error('a type has no number');
  const entries = await entriesOf(store, name, record);
  const usable = [...entries].filter(([version]) => version >= record.minDecryptionVersion);
  // A slot of its own stands for version 0, which nothing ever was.
  const archived: JsonObject[] = [];
  for (let version = record.minAvailableVersion; version <= record.latestVersion; version++) {
    archived.push(entries.get(version) ?? emptyEntry());
  }
  const { backup } = record;
  return JSON.stringify({
    policy: {
      name,
      ...(record.keySize === 0 ? {} : { key_size: record.keySize }),
      keys: Object.fromEntries(usable),
      derived: record.derived,
      kdf: record.derived ? HKDF_SHA256 : 0,
      convergent_encryption: record.convergent,
      exportable: record.exportable,
      min_decryption_version: record.minDecryptionVersion,
      min_encryption_version: record.minEncryptionVersion,
      latest_version: record.latestVersion,
      archive_version: record.latestVersion,
      archive_min_version: record.minAvailableVersion,
      min_available_version: record.minAvailableVersion,
      deletion_allowed: record.deletionAllowed,
      convergent_version: record.convergent ? -1 : 0,
      type,
      backup_info: backup && { time: formatTime(backup.timeMs), version: backup.version },
      restore_info: null,
      allow_plaintext_backup: record.allowPlaintextBackup,
      version_template: '',
      storage_prefix: '',
      auto_rotate_period: record.autoRotateSeconds * NS_PER_SECOND,
      Imported: record.imported,
      AllowImportedKeyRotation: record.allowImportedRotation,
      soft_deleted: record.softDeleted,
    },
    archived_keys: { keys: archived },
  });
}

function unreadable(): Error {
  return refused('the backup cannot be read');
}

function parsed(text: string): JsonObject {
  const bytes = decodeBase64(text);
  if (bytes === undefined) throw refused('illegal base64 data');
  try {
    assertJsonLimits(bytes, LIMITS);
    const value = parseJson(bytes.toString());
    if (isJsonObject(value)) return value;
  } catch {
    // What is wrong with it is nobody's business: it holds keys.
  }
  throw unreadable();
}

function count(policy: JsonObject, name: string): number {
  const value: JsonValue = policy[name] ?? 0;
  const number = isRawNumber(value) ? Number(value.rawJSON) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) throw unreadable();
  return number;
}

function flag(policy: JsonObject, name: string): boolean {
  return policy[name] === true;
}

function typeIn(policy: JsonObject): KeyType {
  const number = count(policy, 'type');
  const [name = ''] = [...TYPE_NUMBERS].find((each) => each[1] === number) ?? [];
  const type = KEY_TYPES.get(name);
  if (type === undefined) throw unreadable();
  // Keys of the oldest servers derive and converge in ways that are not done any more.
  if (flag(policy, 'derived') && count(policy, 'kdf') !== HKDF_SHA256) {
    throw refused('the key derives with a function that is not supported any more');
  }
  const template = policy['version_template'] ?? '';
  if (template !== '' && template !== 'vault:v{{version}}:') throw unreadable();
  return type;
}

function recordIn(policy: JsonObject, type: KeyType): KeyRecord {
  const settings = {
    derived: flag(policy, 'derived'),
    convergent: flag(policy, 'convergent_encryption'),
    exportable: flag(policy, 'exportable'),
    allowPlaintextBackup: flag(policy, 'allow_plaintext_backup'),
    autoRotateSeconds: Math.floor(count(policy, 'auto_rotate_period') / NS_PER_SECOND),
    keySize: count(policy, 'key_size'),
  };
  checkSettings(type, settings);
  const record = {
    ...emptyRecord(type, settings),
    deletionAllowed: flag(policy, 'deletion_allowed'),
    latestVersion: count(policy, 'latest_version'),
    minDecryptionVersion: Math.max(1, count(policy, 'min_decryption_version')),
    minEncryptionVersion: count(policy, 'min_encryption_version'),
    minAvailableVersion: count(policy, 'min_available_version'),
    imported: flag(policy, 'Imported'),
    allowImportedRotation: flag(policy, 'AllowImportedKeyRotation'),
    softDeleted: flag(policy, 'soft_deleted'),
  };
  const { latestVersion, minDecryptionVersion, minAvailableVersion } = record;
  if (
    latestVersion < 1 ||
    latestVersion - minAvailableVersion > VERSIONS_MAX ||
    minDecryptionVersion > latestVersion ||
    minAvailableVersion > minDecryptionVersion ||
    record.minEncryptionVersion > latestVersion
  ) {
    throw unreadable();
  }
  return record;
}

function entryAt(value: JsonValue | undefined): JsonObject | undefined {
  if (!isJsonObject(value)) return undefined;
  const present = ['key', 'ec_x', 'rsa_key', 'rsa_public_key'].some(
    (name) => (value[name] ?? null) !== null,
  );
  return present || (value['public_key'] ?? '') !== '' ? value : undefined;
}

/** Stores every version of the backup. */
async function restoreVersions(
  store: Transaction,
  name: string,
  record: KeyRecord,
  backup: JsonObject,
  policy: JsonObject,
): Promise<Record<string, KeyVersion>> {
  const type = keyTypeOf(record);
  const archive = isJsonObject(backup['archived_keys']) ? backup['archived_keys']['keys'] : [];
  const current = policy['keys'];
  if (!isJsonObject(current)) throw unreadable();
  const versions: Record<string, KeyVersion> = {};
  const first = Math.max(1, record.minAvailableVersion);
  for (let number = first; number <= record.latestVersion; number++) {
    const archived = Array.isArray(archive) ? archive[number - record.minAvailableVersion] : null;
    const entry = entryAt(current[String(number)]) ?? entryAt(archived);
    if (entry === undefined) {
      if (number >= record.minDecryptionVersion) throw unreadable();
      continue;
    }
    const { version, material } = await readEntry(type, entry, record.derived);
    putMaterial(store, name, number, material);
    versions[number] = version;
  }
  return versions;
}

interface RestoreFields {
  readonly name: string;
  readonly backup: string | undefined;
  readonly force: boolean;
}

/** When the backup was taken, as it says itself. */
function notedBackup(policy: JsonObject): KeyRecord['backup'] {
  const info = policy['backup_info'];
  if (!isJsonObject(info) || typeof info['time'] !== 'string') return undefined;
  const timeMs = parseTime(info['time']);
  return timeMs === undefined ? undefined : { timeMs, version: count(info, 'version') };
}

async function restore(request: Request<RestoreFields>, store: Transaction): Promise<undefined> {
  const { fields, nowMs } = request;
  if ((fields.backup ?? '') === '') throw invalidRequest("'backup' must be supplied");
  if (fields.name.includes('/')) throw refused('key names cannot be paths');
  const backup = parsed(fields.backup ?? '');
  const policy = backup['policy'];
  if (!isJsonObject(policy)) throw unreadable();
  const name = fields.name === '' ? policy['name'] : fields.name;
  if (typeof name !== 'string' || !KEY_NAME.test(name)) {
    throw refused('the backup names no key, or one with a name that cannot be');
  }
  const existing = await findKey(store, name);
  if (existing !== undefined && !fields.force) throw refused(`key "${name}" already exists`);
  for (const version of Object.keys(existing?.versions ?? {})) {
    deleteMaterial(store, name, Number(version));
  }
  const record = recordIn(policy, typeIn(policy));
  const versions = await restoreVersions(store, name, record, backup, policy);
  const noted = { timeMs: nowMs, version: record.latestVersion };
  const backupNote = notedBackup(policy);
  const restored = {
    ...record,
    versions,
    restore: noted,
    ...(backupNote === undefined ? {} : { backup: backupNote }),
  };
  putKey(store, name, restored);
  planRotation(request, name, restored);
}

async function takeBackup(
  { fields, nowMs }: Request<{ readonly name: string }>,
  store: Transaction,
): Promise<Reply> {
  const { name } = fields;
  const existing = await findKey(store, name);
  if (existing === undefined) throw refused(`key "${name}" not found`);
  if (existing.softDeleted) throw refused(SOFT_DELETED);
  if (!existing.exportable) throw refused('exporting is disallowed on the policy');
  if (!existing.allowPlaintextBackup) {
    throw refused('plaintext backup is disallowed on the policy');
  }
  const record = { ...existing, backup: { timeMs: nowMs, version: existing.latestVersion } };
  putKey(store, name, record);
  const text = await backupText(store, name, record);
  return { data: { backup: Buffer.from(text).toString('base64') } };
}

export function backupPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'backup/{name}',
      fields: { name: NAME },
      help: {
        synopsis: 'Answers a whole key with all its versions, in plaintext.',
        description:
          'Only of keys that are exportable and allow plaintext backups. The form is that of Vault and OpenBao.',
      },
      operations: { read: { summary: 'Take a backup', handler: takeBackup } },
    }),
    definePath({
      pattern: 'restore[/{name..+}]',
      fields: {
        name: { ...NAME, description: 'Name of the restored key; that of the backup without it.' },
        backup: { kind: 'string', description: 'The backup.', sensitive: true },
        force: {
          kind: 'bool',
          description: 'A key of that name is replaced.',
          default: false,
        },
      },
      help: { synopsis: 'Restores a key from a backup, of this server or of Vault or OpenBao.' },
      operations: { update: { summary: 'Restore a key', handler: restore } },
    }),
  ];
}
