/** Settings and version tables of secrets: `metadata/` and `detailed-metadata/`. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { JsonObject } from '../../../base/json.ts';
import { endRotation } from '../rotation/record.ts';
import { noteChange } from '../functions/changes.ts';
import type { SecretRecord } from '../secret/record.ts';
import { emptySecret, isPurged } from '../secret/secret.ts';
import type { Secret } from '../secret/secret.ts';
import {
  assertSecretPath,
  loadForWrite,
  loadSecret,
  removeSecret,
  saveSecret,
  secretExists,
} from '../secret/secret-store.ts';
import { patchCustomMetadata, readCustomMetadata } from './custom-metadata.ts';
import { listMetadata, scanMetadata } from './metadata-listing.ts';
import { loadMountSettings, toMaxVersions } from './mount-settings.ts';
import type { MountSettings } from './mount-settings.ts';
import { READ_PAST_FIELDS, recalled } from './past.ts';
import { tasked } from './secret-desk.ts';
import { emptyNotFound, shownSecret } from './shown.ts';
import { ATTRIBUTE_FIELDS, detailedSecret } from './version-attributes.ts';
import { changeVersionState } from './version-changes.ts';
import type { VersionChangeValues } from './version-changes.ts';
import type { Reply } from '../../../model/reply.ts';

const LISTING_FIELDS = {
  path: { kind: 'string', description: 'Where the secret or folder lies.' },
  after: {
    kind: 'string',
    description: 'For listing: start after this name, which need not exist.',
  },
  limit: { kind: 'int', description: 'For listing: most names to answer; all of them by default.' },
  ...READ_PAST_FIELDS,
} as const;

const FIELDS = {
  ...LISTING_FIELDS,
  cas_required: {
    kind: 'bool',
    description: 'Refuse writes of this secret without the cas option, even if the mount does not.',
  },
  metadata_cas_required: {
    kind: 'bool',
    description:
      'Refuse changes of this metadata without metadata_cas, even if the mount does not.',
  },
  max_versions: {
    kind: 'int',
    description: 'How many versions are kept. 0 means as the mount says.',
  },
  delete_version_after: {
    kind: 'duration_seconds',
    description:
      'Age at which a version of this secret is deleted; the mount’s counts too, and the shorter holds. 0 clears it.',
  },
  custom_metadata: {
    kind: 'map',
    description: 'Texts of the user’s own about the secret. A write replaces all of them.',
  },
  metadata_cas: {
    kind: 'int',
    description:
      'Change the metadata only if its version has this number; 0 stands for a secret that does not exist yet.',
  },
  ...ATTRIBUTE_FIELDS,
  detail: {
    kind: 'bool',
    description: 'For a read: answer ids, labels and attributes too.',
    query: true,
  },
  version: {
    kind: 'int',
    description: 'The version whose content_type, enabled, not_before, expires or tags change.',
  },
  labels: {
    kind: 'map',
    description: 'Version numbers by label, merged into those that there are; null removes one.',
  },
  served_version: {
    kind: 'int',
    description: 'The version that reads without a number answer from now on.',
  },
  attributes: {
    kind: 'map',
    description: 'What another API keeps about the secret, merged into what there is.',
  },
} as const;

interface Fields extends VersionChangeValues {
  readonly path: string | undefined;
  readonly read_snapshot_id: string | undefined;
  readonly detail: boolean | undefined;
  readonly cas_required: boolean | undefined;
  readonly metadata_cas_required: boolean | undefined;
  readonly max_versions: number | undefined;
  readonly delete_version_after: number | undefined;
  readonly custom_metadata: JsonObject | undefined;
  readonly metadata_cas: number | undefined;
}

/** Without one of these a write changes nothing. */
const CHANGEABLE = [
  'cas_required',
  'metadata_cas_required',
  'max_versions',
  'delete_version_after',
  'custom_metadata',
] as const;

function changesNothing(fields: Fields): boolean {
  return CHANGEABLE.every((name) => fields[name] === undefined);
}

async function read(request: Request<Fields>, store: Transaction): Promise<Reply> {
  const record = await loadSecret(store, request.fields.path ?? '');
  if (record === undefined || isPurged(record.secret, request.nowMs)) throw notFound();
  const shown = request.fields.detail === true ? detailedSecret : shownSecret;
  return { data: shown(record.secret) };
}

/** The fields that were sent, as they change a secret; `custom` has been checked. */
function changed(
  secret: Secret,
  fields: Fields,
  custom: Readonly<Record<string, string>>,
  nowMs: number,
): Secret {
  return {
    ...secret,
    updatedMs: nowMs,
    metadataVersion: secret.metadataVersion + 1,
    casRequired: fields.cas_required ?? secret.casRequired,
    metadataCasRequired: fields.metadata_cas_required ?? secret.metadataCasRequired,
    maxVersions:
      fields.max_versions === undefined ? secret.maxVersions : toMaxVersions(fields.max_versions),
    deleteVersionAfterSeconds: fields.delete_version_after ?? secret.deleteVersionAfterSeconds,
    customMetadata: custom,
  };
}

/** Settings that the mount demands cannot be switched off for one secret: the write is done, and says so. */
function overruled(fields: Fields, settings: MountSettings): Reply | undefined {
  const rules = [
    ['cas_required', settings.casRequired],
    ['metadata_cas_required', settings.metadataCasRequired],
  ] as const;
  const warnings = rules
    .filter(([name, demanded]) => demanded && fields[name] === false)
    .map(
      ([name]) =>
        `"${name}" set to false, but is mandated by backend config. This value will be ignored.`,
    );
  return warnings.length === 0 ? undefined : { warnings };
}

/** @throws {RequestError} the change says (or had to say) which metadata version it replaces, and it is not this one */
function assertMetadataCas(
  fields: Fields,
  settings: MountSettings,
  existing: SecretRecord | undefined,
): void {
  const sent = fields.metadata_cas;
  if (sent === undefined) {
    if (!settings.metadataCasRequired && existing?.secret.metadataCasRequired !== true) return;
    throw invalidRequest('metadata check-and-set parameter required for this call');
  }
  if (existing === undefined && sent !== 0) {
    throw invalidRequest('metadata_cas must be 0 when creating new metadata');
  }
  if (existing !== undefined && sent !== existing.secret.metadataVersion) {
    throw invalidRequest('metadata check-and-set parameter does not match the current version');
  }
}

async function changeStateOnly(request: Request<Fields>, store: Transaction): Promise<undefined> {
  const change = await changeVersionState(request, store);
  if (change === undefined) return;
  noteChange(request, store, request.fields.path ?? '', change.before, change.after);
}

async function write(request: Request<Fields>, store: Transaction): Promise<Reply | undefined> {
  const { fields, nowMs } = request;
  const path = fields.path ?? '';
  assertSecretPath(path);
  if (changesNothing(fields)) return await changeStateOnly(request, store);
  const custom =
    fields.custom_metadata === undefined ? undefined : readCustomMetadata(fields.custom_metadata);
  const [settings, existing] = await Promise.all([
    loadMountSettings(store),
    loadForWrite(store, path, nowMs),
  ]);
  assertMetadataCas(fields, settings, existing);
  const before = existing ?? { secret: emptySecret(nowMs), value: Buffer.alloc(0) };
  const secret = changed(before.secret, fields, custom ?? before.secret.customMetadata, nowMs);
  saveSecret(store, path, { secret, value: before.value });
  const further = await changeVersionState(request, store);
  noteChange(request, store, path, existing?.secret, further?.after ?? secret);
  return overruled(fields, settings);
}

async function patch(request: Request<Fields>, store: Transaction): Promise<Reply | undefined> {
  const { fields, nowMs } = request;
  const path = fields.path ?? '';
  if (changesNothing(fields)) return await changeStateOnly(request, store);
  assertSecretPath(path);
  const [settings, before] = await Promise.all([
    loadMountSettings(store),
    loadForWrite(store, path, nowMs),
  ]);
  if (before === undefined) return emptyNotFound();
  if ((fields.max_versions ?? 0) < 0) throw invalidRequest('max_versions must not be negative');
  assertMetadataCas(fields, settings, before);
  // A null among the fields has been read as false, 0 or an empty map; only custom metadata merges member by member.
  const custom = patchCustomMetadata(
    before.secret.customMetadata,
    request.data['custom_metadata'],
    fields.custom_metadata,
  );
  const secret = changed(before.secret, fields, custom, nowMs);
  saveSecret(store, path, { secret, value: before.value });
  const further = await changeVersionState(request, store);
  noteChange(request, store, path, before.secret, further?.after ?? secret);
  return overruled(fields, settings);
}

async function remove(request: Request<Fields>, store: Transaction): Promise<undefined> {
  const path = request.fields.path ?? '';
  const record = await loadSecret(store, path);
  if (record === undefined) return;
  removeSecret(store, path, record.secret);
  await endRotation(store, path);
  noteChange(request, store, path, record.secret, undefined);
}

export const metadataPath: Path = definePath({
  pattern: 'metadata/{path...}',
  takesTasks: true,
  fields: FIELDS,
  operations: {
    read: {
      summary: 'Read the settings and the version table of a secret.',
      handler: tasked(recalled(read)),
    },
    create: { summary: 'Set up a secret that has no value yet.', handler: tasked(write) },
    update: { summary: 'Change settings of a secret.', handler: tasked(write) },
    patch: {
      summary: 'Change settings and single custom metadata of a secret.',
      handler: tasked(patch),
    },
    delete: { summary: 'Remove a secret with all its versions.', handler: tasked(remove) },
    list: {
      summary: 'List the secrets and folders of a folder.',
      handler: tasked(recalled((request, store) => listMetadata(request.fields, store, false))),
    },
    scan: {
      summary: 'List every secret below a folder.',
      handler: tasked(recalled((request, store) => scanMetadata(request.fields, store, false))),
    },
  },
  exists: (request, store) => secretExists(store, request.fields.path ?? ''),
  help: {
    synopsis: 'Settings, version table and names of secrets.',
    description:
      'Holds no values: who may read here sees which versions exist and when they were made. Deleting the metadata removes ' +
      'the secret with all its versions for good.',
  },
});

export const detailedMetadataPath: Path = definePath({
  pattern: 'detailed-metadata/{path...}',
  fields: LISTING_FIELDS,
  operations: {
    list: {
      summary: 'List the secrets and folders of a folder with their metadata.',
      handler: recalled((request, store) => listMetadata(request.fields, store, true)),
    },
    scan: {
      summary: 'List every secret below a folder with its metadata.',
      handler: recalled((request, store) => scanMetadata(request.fields, store, true)),
    },
  },
  help: {
    synopsis: 'Names of secrets together with their metadata.',
    description: 'As listing metadata/, with the metadata of each secret under key_info.',
  },
});
