/** `wrapping_key`, `keys/NAME/import`, `keys/NAME/import_version` and `byok-export`: keys made elsewhere, and keys for elsewhere. */
import { decodeBase64 } from '../../../base/base64.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { exportedVersions } from './export.ts';
import { refused, SOFT_DELETED } from '../failures.ts';
import { checkSymmetric, importedPrivate, importedPublic } from './imported.ts';
import { findKey, putKey } from '../keys/key-record.ts';
import type { KeyRecord, StoredKey } from '../keys/key-record.ts';
import { KEY_TYPES, isAsymmetric, keyTypeOf } from '../keys/key-types.ts';
import type { KeyType } from '../keys/key-types.ts';
import {
  checkAutoRotate,
  checkSettings,
  emptyRecord,
  planRotation,
  withNewVersion,
} from '../keys/make-key.ts';
import type { Moment } from '../keys/make-key.ts';
import {
  HMAC_BYTES,
  publicKeyOf,
  publicKeyText,
  putMaterial,
  withMaterial,
} from '../keys/material.ts';
import { NAME } from '../ports.ts';
import type { TransitPorts } from '../ports.ts';
import { unwrapImported, wrapForExport, wrappingPublicKey } from './wrapping.ts';
import type { Reply } from '../../../model/reply.ts';

interface KeyFields {
  readonly name: string;
  readonly ciphertext: string | undefined;
  readonly public_key: string | undefined;
  readonly hash_function: string;
}

interface ImportFields extends KeyFields {
  readonly type: string;
  readonly derived: boolean;
  readonly exportable: boolean;
  readonly allow_plaintext_backup: boolean;
  readonly allow_rotation: boolean;
  readonly auto_rotate_period: number;
}

interface VersionFields extends KeyFields {
  readonly version: number | undefined;
}

/** What was sent, checked against its type. */
interface Imported {
  /** Empty when only the public half was sent. */
  readonly key: Buffer;
  readonly publicKey: string | undefined;
}

async function receive(store: Transaction, type: KeyType, fields: KeyFields): Promise<Imported> {
  if (fields.ciphertext === undefined) {
    const key = importedPublic(type, fields.public_key ?? '');
    return { key: Buffer.alloc(0), publicKey: publicKeyText(key) };
  }
  const blob = decodeBase64(fields.ciphertext);
  if (blob === undefined) throw refused('illegal base64 data in ciphertext');
  const key = await unwrapImported(store, blob, fields.hash_function);
  if (!isAsymmetric(type)) {
    checkSymmetric(type, key);
    return { key, publicKey: undefined };
  }
  return { key, publicKey: publicKeyText(await importedPrivate(type, key)) };
}

export function addImported(
  store: Transaction,
  name: string,
  record: KeyRecord | StoredKey,
  { key, publicKey }: Imported,
  ports: TransitPorts,
  moment: Moment,
): void {
  const publicOnly = key.length === 0;
  if (publicOnly && record.derived) {
    throw refused('unable to import only the public key of a derived key');
  }
  const next = withNewVersion(record, {
    createdMs: moment.nowMs,
    ...(publicKey === undefined || record.derived ? {} : { publicKey }),
    ...(publicOnly ? { publicOnly: true } : {}),
  });
  const isHmac = keyTypeOf(record).family === 'hmac';
  const hmac = isHmac ? key : ports.random.bytes(HMAC_BYTES);
  putMaterial(store, name, next.latestVersion, { key, hmac });
  wipe(key);
  putKey(store, name, isHmac ? { ...next, keySize: hmac.length } : next);
  planRotation(moment, name, next);
}

/** Gives a version its private half. False when it is not the half of that version's public key. */
async function complete(
  store: Transaction,
  name: string,
  record: StoredKey,
  version: number,
  { key, publicKey }: Imported,
): Promise<boolean> {
  const existing = record.versions[version];
  if (existing?.publicOnly !== true || existing.publicKey !== publicKey) return false;
  const hmac = await withMaterial(store, name, version, (material) => Buffer.from(material.hmac));
  putMaterial(store, name, version, { key, hmac });
  const { publicOnly: _gone, ...whole } = existing;
  putKey(store, name, { ...record, versions: { ...record.versions, [version]: whole } });
  return true;
}

const WRAPPED_FIELDS = {
  name: NAME,
  ciphertext: {
    kind: 'string',
    description:
      'The wrapped key in base64: an AES-256 key under RSA-OAEP with the wrapping key, then the key under AES key wrap with padding.',
  },
  public_key: {
    kind: 'string',
    description: 'Public key in PEM, when only that is imported.',
  },
  hash_function: {
    kind: 'string',
    description: 'Hash of RSA-OAEP: SHA1, SHA256, SHA384 or SHA512.',
    default: 'SHA256',
  },
} as const;

interface ByokFields {
  readonly destination: string;
  readonly source: string;
  readonly version: string;
  readonly hash: string;
}

export function importPaths(ports: TransitPorts): readonly Path[] {
  async function importKey(request: Request<ImportFields>, store: Transaction): Promise<undefined> {
    const { fields } = request;
    const { name, auto_rotate_period: autoRotateSeconds, allow_rotation: allowRotation } = fields;
    if (Object.hasOwn(request.data, 'convergent_encryption')) {
      throw refused('import cannot be used on keys with convergent encryption enabled');
    }
    if (autoRotateSeconds > 0 && !allowRotation) {
      throw refused('allow_rotation must be set to true if auto-rotation is enabled');
    }
    checkAutoRotate(autoRotateSeconds);
    const type = KEY_TYPES.get(fields.type.toLowerCase());
    if (type === undefined) throw invalidRequest('unknown key type');
    if ((await findKey(store, name)) !== undefined) {
      throw refused(
        'the import path cannot be used with an existing key; use import-version to rotate an existing imported key',
      );
    }
    const settings = {
      derived: fields.derived,
      convergent: false,
      exportable: fields.exportable,
      allowPlaintextBackup: fields.allow_plaintext_backup,
      autoRotateSeconds,
      keySize: 0,
    };
    const imported = await receive(store, type, fields);
    checkSettings(
      type,
      type.family === 'hmac' ? { ...settings, keySize: imported.key.length } : settings,
    );
    const record = {
      ...emptyRecord(type, settings),
      imported: true,
      allowImportedRotation: allowRotation,
    };
    addImported(store, name, record, imported, ports, request);
  }

  async function importVersion(
    request: Request<VersionFields>,
    store: Transaction,
  ): Promise<undefined> {
    const { fields } = request;
    const { name, version } = fields;
    const record = await findKey(store, name);
    if (record === undefined) {
      throw refused(
        `no key found with name ${name}; to import a new key, use the import/ endpoint`,
      );
    }
    if (record.softDeleted) throw refused(SOFT_DELETED);
    if (!record.imported) {
      throw refused('the import_version endpoint can only be used with an imported key');
    }
    const imported = await receive(store, keyTypeOf(record), fields);
    const isPrivate = imported.key.length > 0;
    if (version !== undefined) {
      if (!isPrivate || !(await complete(store, name, record, version, imported))) {
        throw refused('the key is not the private half that this version lacks');
      }
      return;
    }
    if (isPrivate && (await complete(store, name, record, record.latestVersion, imported))) return;
    addImported(store, name, record, imported, ports, request);
  }

  async function byokExport({ fields }: Request<ByokFields>, store: Transaction): Promise<Reply> {
    const destination = await findKey(store, fields.destination);
    if (destination === undefined) throw refused('no such destination key to export to');
    const source = await findKey(store, fields.source);
    if (source === undefined) throw refused('no such source key for export');
    if (!source.exportable) throw invalidRequest('key is not exportable');
    if (source.softDeleted || destination.softDeleted) throw refused(SOFT_DELETED);
    const wanted = exportedVersions(source, fields.version);
    const publicKey = destination.versions[destination.latestVersion]?.publicKey;
    if (keyTypeOf(destination).family !== 'rsa' || publicKey === undefined) {
      throw refused('unsupported key type in use; must be a rsa key');
    }
    const target = publicKeyOf(publicKey);
    const exported: Record<string, string> = {};
    for (const version of wanted) {
      exported[version] = await withMaterial(store, fields.source, version, ({ key }) => {
        if (key.length === 0) throw refused('a version has no private half to export');
        return wrapForExport(target, key, fields.hash, ports.random);
      });
    }
    return { data: { name: fields.source, type: source.type, keys: exported } };
  }

  return [
    definePath({
      pattern: 'wrapping_key',
      fields: {},
      help: { synopsis: 'Shows the public key that keys are wrapped with for import.' },
      operations: {
        read: {
          summary: 'Read the wrapping key',
          handler: async (_request, store) => ({
            data: { public_key: await wrappingPublicKey(store) },
          }),
        },
      },
    }),
    definePath({
      pattern: 'keys/{name}/import',
      fields: {
        ...WRAPPED_FIELDS,
        type: { kind: 'string', description: 'Type of the key.', default: 'aes256-gcm96' },
        derived: { kind: 'bool', description: 'Every use gives a context.', default: false },
        exportable: { kind: 'bool', description: 'The key may be exported.', default: false },
        allow_plaintext_backup: {
          kind: 'bool',
          description: 'Backups in plaintext may be taken.',
          default: false,
        },
        allow_rotation: {
          kind: 'bool',
          description: 'The key may be rotated here, which makes it no imported key any more.',
          default: false,
        },
        auto_rotate_period: {
          kind: 'duration_seconds',
          description: 'Age at which the key is rotated by itself: an hour or more; 0 is never.',
          default: 0,
        },
      },
      help: { synopsis: 'Imports a key that was made elsewhere.' },
      operations: { update: { summary: 'Import a key', handler: importKey } },
    }),
    definePath({
      pattern: 'keys/{name}/import_version',
      fields: {
        ...WRAPPED_FIELDS,
        version: {
          kind: 'int',
          description: 'The version whose private half this is; a new version without it.',
        },
      },
      help: { synopsis: 'Imports a further version of an imported key.' },
      operations: { update: { summary: 'Import a version', handler: importVersion } },
    }),
    definePath({
      pattern: 'byok-export/{destination}/{source}[/{version..+}]',
      fields: {
        destination: {
          kind: 'string',
          description: 'RSA key here that the other is wrapped for.',
          default: '',
        },
        source: { kind: 'string', description: 'The key to export.', default: '' },
        version: {
          kind: 'string',
          description: 'The version, or `latest`; all that may be used without it.',
          default: '',
        },
        hash: {
          kind: 'string',
          description: 'Hash of RSA-OAEP: SHA1, SHA256, SHA384 or SHA512.',
          default: 'SHA256',
        },
      },
      help: {
        synopsis: 'Exports a key wrapped for another.',
        description:
          'The destination is usually the wrapping key of another server, imported here.',
      },
      operations: { read: { summary: 'Export a wrapped key', handler: byokExport } },
    }),
  ];
}
