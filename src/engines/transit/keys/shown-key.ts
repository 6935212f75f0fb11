/** What a read of a key answers. Nothing of it is secret. */
import { formatTime } from '../../../base/time-format.ts';
import type { Reader } from '../../../model/transaction.ts';
import { derivedEd25519 } from './key-cache.ts';
import type { KeyCache } from './key-cache.ts';
import { usableVersions } from './key-record.ts';
import type { StoredKey } from './key-record.ts';
import { isAsymmetric, keyTypeOf } from './key-types.ts';
import type { KeyType } from './key-types.ts';
import { ed25519PublicText, publicKeyOf } from './material.ts';
import type { Reply } from '../../../model/reply.ts';

/** The public key of a version in the form that its type has in answers. */
export function shownPublicKey(type: KeyType, publicKey: string): string {
  if (type.family === 'ed25519') return ed25519PublicText(publicKeyOf(publicKey));
  return publicKeyOf(publicKey).export({ format: 'pem', type: 'spki' });
}

interface KeyView {
  readonly store: Reader;
  readonly keys: KeyCache;
  readonly name: string;
  readonly record: StoredKey;
}

async function publicKeyFor(
  { store, keys, name, record }: KeyView,
  type: KeyType,
  version: number,
  context: Buffer,
): Promise<string> {
  if (record.derived) {
    if (context.length === 0) return '';
    const { root } = await keys.ready(store, name, record, version);
    return root === undefined ? '' : ed25519PublicText(derivedEd25519(root, context));
  }
  const publicKey = record.versions[version]?.publicKey;
  return publicKey === undefined ? '' : shownPublicKey(type, publicKey);
}

async function shownVersions(
  view: KeyView,
  type: KeyType,
  context: Buffer,
): Promise<Record<string, unknown>> {
  const shown: Record<string, unknown> = {};
  for (const version of usableVersions(view.record)) {
    const { createdMs = 0, certificates = [] } = view.record.versions[version] ?? {};
    shown[version] = isAsymmetric(type)
      ? {
          name: type.shownName ?? type.name,
          public_key: await publicKeyFor(view, type, version, context),
          certificate_chain: certificates.join('\n'),
          creation_time: formatTime(createdMs),
        }
      : Math.floor(createdMs / 1000);
  }
  return shown;
}

function noted(what: StoredKey['backup']): Record<string, unknown> | undefined {
  return what && { time: formatTime(what.timeMs), version: what.version };
}

/** @param context shows the public keys of a derived Ed25519 key for it. */
export async function shownKey(
  view: KeyView,
  context: Buffer = Buffer.alloc(0),
  warnings: readonly string[] = [],
): Promise<Reply> {
  const { name, record } = view;
  const type = keyTypeOf(record);
  const data: Record<string, unknown> = {
    name,
    type: record.type,
    derived: record.derived,
    deletion_allowed: record.deletionAllowed,
    min_available_version: record.minAvailableVersion,
    min_decryption_version: record.minDecryptionVersion,
    min_encryption_version: record.minEncryptionVersion,
    latest_version: record.latestVersion,
    exportable: record.exportable,
    allow_plaintext_backup: record.allowPlaintextBackup,
    supports_encryption: type.encrypts,
    supports_decryption: type.encrypts,
    supports_signing: type.signs,
    supports_derivation: type.derives,
    auto_rotate_period: record.autoRotateSeconds,
    imported_key: record.imported,
    soft_deleted: record.softDeleted,
  };
  if (record.keySize !== 0) data['key_size'] = record.keySize;
  if (record.imported) data['imported_key_allow_rotation'] = record.allowImportedRotation;
  if (record.backup !== undefined) data['backup_info'] = noted(record.backup);
  if (record.restore !== undefined) data['restore_info'] = noted(record.restore);
  if (record.derived) {
    data['kdf'] = 'hkdf_sha256';
    data['convergent_encryption'] = record.convergent;
    if (record.convergent) data['convergent_encryption_version'] = -1;
  }
  if (type.family !== 'hmac') data['keys'] = await shownVersions(view, type, context);
  const all = type.experimental
    ? [...warnings, `keys of type ${type.name} are experimental`]
    : warnings;
  return all.length === 0 ? { data } : { data, warnings: all };
}
