/** Settings of a KV version 2 mount that hold for every secret in it: `config`. */
import { formatGoDuration } from '../../../base/duration.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import type { Reply } from '../../../model/reply.ts';

export interface MountSettings {
  /** 0 = the default. */
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly metadataCasRequired: boolean;
  /** 0 = never, -1 = never and no secret may ask for it. */
  readonly deleteVersionAfterSeconds: number;
}

const KEY = 'config';
const DEFAULTS: MountSettings = {
  maxVersions: 0,
  casRequired: false,
  metadataCasRequired: false,
  deleteVersionAfterSeconds: 0,
};

export async function loadMountSettings(store: Reader): Promise<MountSettings> {
  return (await store.getRecord<MountSettings>(KEY)) ?? DEFAULTS;
}

/** The API's `max_versions` is an unsigned 32-bit number, and wraps as the reference's does. */
export function toMaxVersions(value: number): number {
  return ((value % 2 ** 32) + 2 ** 32) % 2 ** 32;
}

const FIELDS = {
  max_versions: {
    kind: 'int',
    description: 'How many versions of each secret are kept. 0 means the default, which is 10.',
  },
  cas_required: {
    kind: 'bool',
    description: 'Refuse every write of a secret that does not carry the cas option.',
  },
  metadata_cas_required: {
    kind: 'bool',
    description: 'Refuse every change of metadata that does not carry metadata_cas.',
  },
  delete_version_after: {
    kind: 'signed_duration_seconds',
    description:
      'Age at which a version is deleted. 0 means never; a negative duration means never, whatever a secret asks for.',
  },
} as const;

interface Fields {
  readonly max_versions: number | undefined;
  readonly cas_required: boolean | undefined;
  readonly metadata_cas_required: boolean | undefined;
  readonly delete_version_after: number | undefined;
}

async function read(_request: Request<Fields>, store: Transaction): Promise<Reply> {
  const settings = await loadMountSettings(store);
  return {
    data: {
      cas_required: settings.casRequired,
      delete_version_after: formatGoDuration(settings.deleteVersionAfterSeconds * 1000),
      max_versions: settings.maxVersions,
      metadata_cas_required: settings.metadataCasRequired,
    },
  };
}

async function write(request: Request<Fields>, store: Transaction): Promise<undefined> {
  const { fields } = request;
  const settings = await loadMountSettings(store);
  const age = fields.delete_version_after;
  const changed: MountSettings = {
    maxVersions:
      fields.max_versions === undefined ? settings.maxVersions : toMaxVersions(fields.max_versions),
    casRequired: fields.cas_required ?? settings.casRequired,
    metadataCasRequired: fields.metadata_cas_required ?? settings.metadataCasRequired,
    deleteVersionAfterSeconds:
      age === undefined ? settings.deleteVersionAfterSeconds : Math.max(age, -1),
  };
  if (Object.values(fields).some((value) => value !== undefined)) store.putJson(KEY, changed);
}

export const mountSettingsPath: Path = definePath({
  pattern: 'config',
  fields: FIELDS,
  operations: {
    read: { summary: 'Read the settings of the mount.', handler: read },
    update: { summary: 'Change settings that hold for every secret of the mount.', handler: write },
  },
  help: {
    synopsis: 'Settings that hold for every secret of the mount.',
    description:
      'A secret’s own metadata may be stricter. Settings that are not sent stay as they are.',
  },
});
