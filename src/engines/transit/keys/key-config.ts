/** `keys/NAME/config` and `keys/NAME/trim`: which versions may be used, and what may be done with the key. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { findKey, putKey } from './key-record.ts';
import type { KeyRecord, StoredKey } from './key-record.ts';
import { checkAutoRotate, planRotation } from './make-key.ts';
import { deleteMaterial } from './material.ts';
import { NAME } from '../ports.ts';
import type { TransitPorts } from '../ports.ts';
import { shownKey } from './shown-key.ts';
import type { Reply } from '../../../model/reply.ts';

interface ConfigFields {
  readonly name: string;
  readonly min_decryption_version: number | undefined;
  readonly min_encryption_version: number | undefined;
  readonly deletion_allowed: boolean | undefined;
  readonly exportable: boolean | undefined;
  readonly allow_plaintext_backup: boolean | undefined;
  readonly auto_rotate_period: number | undefined;
}

type Limit = 'decryption' | 'encryption';

function checkMinimum(record: StoredKey, which: Limit, wanted: number): void {
  if (wanted < 0) throw invalidRequest(`min ${which} version cannot be negative`);
  if (wanted > record.latestVersion) {
    throw invalidRequest(
      `cannot set min ${which} version of ${wanted}, latest key version is ${record.latestVersion}`,
    );
  }
}

function configured(record: StoredKey, fields: ConfigFields): KeyRecord | StoredKey {
  const minDecryptionVersion = fields.min_decryption_version ?? record.minDecryptionVersion;
  const minEncryptionVersion = fields.min_encryption_version ?? record.minEncryptionVersion;
  checkMinimum(record, 'decryption', minDecryptionVersion);
  checkMinimum(record, 'encryption', minEncryptionVersion);
  const autoRotateSeconds = fields.auto_rotate_period ?? record.autoRotateSeconds;
  checkAutoRotate(autoRotateSeconds);
  const next = {
    ...record,
    minDecryptionVersion: Math.max(1, minDecryptionVersion),
    minEncryptionVersion,
    deletionAllowed: fields.deletion_allowed ?? record.deletionAllowed,
    // Once given, both stay.
    exportable: record.exportable || fields.exportable === true,
    allowPlaintextBackup: record.allowPlaintextBackup || fields.allow_plaintext_backup === true,
    autoRotateSeconds,
  };
  if (next.minEncryptionVersion > 0 && next.minEncryptionVersion < next.minDecryptionVersion) {
    throw invalidRequest(
      `cannot set min encryption/decryption values; min encryption version of ${next.minEncryptionVersion} must be greater than or equal to min decryption version of ${next.minDecryptionVersion}`,
    );
  }
  if (next.minAvailableVersion > next.minEncryptionVersion) {
    throw invalidRequest('min encryption version should not be less than min available version');
  }
  if (next.minAvailableVersion > next.minDecryptionVersion) {
    throw invalidRequest('min decryption version should not be less then min available version');
  }
  return next;
}

function checkTrim(record: StoredKey, wanted: number): void {
  const problem =
    wanted < record.minAvailableVersion
      ? 'cannot be decremented'
      : record.minEncryptionVersion === 0
        ? 'cannot be set when minimum encryption version is not set'
        : wanted > record.minEncryptionVersion
          ? 'cannot be greater than minimum encryption version'
          : wanted > record.minDecryptionVersion
            ? 'cannot be greater than minimum decryption version'
            : wanted <= 0
              ? 'should be positive'
              : undefined;
  if (problem !== undefined) throw invalidRequest(`minimum available version ${problem}`);
}

export function keyConfigPaths({ keys }: TransitPorts): readonly Path[] {
  async function configure(request: Request<ConfigFields>, store: Transaction): Promise<Reply> {
    const { name } = request.fields;
    const existing = await findKey(store, name);
    if (existing === undefined) {
      throw invalidRequest(`no existing key named ${name} could be found`);
    }
    const record = configured(existing, request.fields);
    putKey(store, name, record);
    planRotation(request, name, record);
    const warnings =
      request.fields.min_decryption_version === 0
        ? ['key versions count from 1: the minimum decryption version is 1']
        : [];
    return shownKey({ store, keys, name, record }, Buffer.alloc(0), warnings);
  }

  async function trim(
    request: Request<{ readonly name: string; readonly min_available_version: number | undefined }>,
    store: Transaction,
  ): Promise<Reply> {
    const { name, min_available_version: wanted } = request.fields;
    const existing = await findKey(store, name);
    if (existing === undefined) throw invalidRequest('invalid key name');
    if (wanted === undefined) throw invalidRequest('missing min_available_version');
    checkTrim(existing, wanted);
    const kept = Object.entries(existing.versions).filter(([version]) => {
      if (Number(version) >= wanted) return true;
      deleteMaterial(store, name, Number(version));
      return false;
    });
    const record = {
      ...existing,
      minAvailableVersion: wanted,
      versions: Object.fromEntries(kept),
    };
    putKey(store, name, record);
    return shownKey({ store, keys, name, record });
  }

  return [
    definePath({
      pattern: 'keys/{name}/config',
      fields: {
        name: NAME,
        min_decryption_version: {
          kind: 'int',
          description: 'Oldest version that decrypts and verifies.',
        },
        min_encryption_version: {
          kind: 'int',
          description:
            'Oldest version that may be asked for to encrypt or sign; 0 is the latest only by default.',
        },
        deletion_allowed: { kind: 'bool', description: 'Whether the key may be deleted.' },
        exportable: { kind: 'bool', description: 'The key may be exported, for good.' },
        allow_plaintext_backup: {
          kind: 'bool',
          description: 'Backups in plaintext may be taken, for good.',
        },
        auto_rotate_period: {
          kind: 'duration_seconds',
          description: 'Age at which the key is rotated by itself: an hour or more; 0 is never.',
        },
      },
      help: { synopsis: 'Configures a named key.' },
      operations: { update: { summary: 'Configure a key', handler: configure } },
    }),
    definePath({
      pattern: 'keys/{name}/trim',
      fields: {
        name: NAME,
        min_available_version: {
          kind: 'int',
          description: 'Versions older than this are removed for good.',
        },
      },
      help: {
        synopsis: 'Removes old versions of a key for good.',
        description: 'Only versions that may neither encrypt nor decrypt any more can be removed.',
      },
      operations: { update: { summary: 'Remove old versions', handler: trim } },
    }),
  ];
}
