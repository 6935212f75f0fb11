/**
 * Histories from elsewhere: `import/`. An ordinary write gives the next number and the time of now; this one takes versions with
 * the numbers, times and states that they had in another store. Whoever may do that can write a past that never was, so it
 * needs `sudo`, and it never changes the value of a version that is here.
 */
import { createHash } from 'node:crypto';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import { setLabels } from '../../../model/secret.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { noteChange } from '../functions/changes.ts';
import { emptySecret, findVersion, KEPT_VERSIONS_MAX } from '../secret/secret.ts';
import type { Secret, Version } from '../secret/secret.ts';
import {
  assertSecretPath,
  importHistory,
  loadForWrite,
  removeSecret,
  secretExists,
} from '../secret/secret-store.ts';
import { scheduleForPurge } from '../secret/purge.ts';
import { readCustomMetadata } from './custom-metadata.ts';
import { importedVersion } from './imported-version.ts';
import type { ImportedVersion } from './imported-version.ts';
import { toMaxVersions } from './mount-settings.ts';
import { assertAttributes, assertLabelCount, labelChanges } from './version-attributes.ts';
import type { Reply } from '../../../model/reply.ts';

/** Versions of one call; more come with further calls. */
const VERSIONS_MAX = 1_000;

const FIELDS = {
  path: { kind: 'string', description: 'Where the secret lies.' },
  cas: {
    kind: 'int',
    description:
      'Highest number of a version that the secret has here, 0 for a secret that does not exist: nothing is done if that is not so. Required.',
  },
  replace: {
    kind: 'bool',
    description: 'Remove what is here, with all its versions, in favour of what is sent.',
  },
  versions: {
    kind: 'list',
    description:
      'Versions to add, or whose states to change: version, created_time, deletion_time, destroyed; data, or value with encoding; content_type, enabled, not_before, expires, tags, version_id, write_token.',
    sensitive: true,
  },
  created_time: { kind: 'time', description: 'When the secret was made.' },
  updated_time: { kind: 'time', description: 'When it was last changed.' },
  current_version: { kind: 'int', description: 'The version that reads without a number answer.' },
  previous_version: { kind: 'int', description: 'The one that they answered before.' },
  oldest_version: { kind: 'int', description: 'Lowest number that may still have a value.' },
  cas_required: { kind: 'bool', description: 'As in metadata/.' },
  metadata_cas_required: { kind: 'bool', description: 'As in metadata/.' },
  max_versions: { kind: 'int', description: 'As in metadata/.' },
  delete_version_after: { kind: 'duration_seconds', description: 'As in metadata/.' },
  custom_metadata: { kind: 'map', description: 'As in metadata/.' },
  labels: { kind: 'map', description: 'Version numbers by label; null removes one.' },
  attributes: { kind: 'map', description: 'What another API keeps about the secret.' },
} as const;

interface Fields {
  readonly path: string | undefined;
  readonly cas: number | undefined;
  readonly replace: boolean | undefined;
  readonly versions: readonly JsonValue[] | undefined;
  readonly created_time: number | undefined;
  readonly updated_time: number | undefined;
  readonly current_version: number | undefined;
  readonly previous_version: number | undefined;
  readonly oldest_version: number | undefined;
  readonly cas_required: boolean | undefined;
  readonly metadata_cas_required: boolean | undefined;
  readonly max_versions: number | undefined;
  readonly delete_version_after: number | undefined;
  readonly custom_metadata: JsonObject | undefined;
  readonly labels: JsonObject | undefined;
  readonly attributes: JsonObject | undefined;
}

async function write(request: Request<Fields>, store: Transaction): Promise<Reply> {
  const { fields, nowMs } = request;
  const path = fields.path ?? '';
  assertSecretPath(path);
  if (fields.cas === undefined)
    throw invalidRequest('check-and-set parameter required for this call');
  const sent = sentVersions(fields.versions ?? [], nowMs);
  const found = await loadForWrite(store, path, nowMs);
  if (fields.cas !== (found?.secret.newest ?? 0)) {
    throw invalidRequest('check-and-set parameter did not match the current version');
  }
  if (fields.replace === true && found !== undefined) removeSecret(store, path, found.secret);
  const kept = fields.replace === true ? undefined : found;
  const before = kept ?? { secret: emptySecret(nowMs), value: Buffer.alloc(0) };
  const { added, versions } = merged(before.secret, sent, request.id);
  const secret = settled(
    { ...before.secret, versions, newest: versions.at(-1)?.number ?? before.secret.newest },
    fields,
    nowMs,
  );
  const values = new Map(added.map(({ version, value }) => [version.number, value]));
  await importHistory(store, path, before, secret, values);
  scheduleForPurge(store, path, found?.secret, secret);
  noteChange(request, store, path, found?.secret, secret);
  return { data: { added: added.length, current_version: secret.served ?? secret.newest } };
}

/** In the order of their numbers. @throws {RequestError} */
function sentVersions(raw: readonly JsonValue[], nowMs: number): ImportedVersion[] {
  if (raw.length > VERSIONS_MAX) {
    throw invalidRequest(`at most ${VERSIONS_MAX} versions are taken at a time`);
  }
  const sent = raw
    .map((one) => importedVersion(one, nowMs))
    .sort((one, other) => one.version.number - other.version.number);
  if (new Set(sent.map(({ version }) => version.number)).size !== sent.length) {
    throw invalidRequest('a version is there twice');
  }
  return sent;
}

interface Merged {
  readonly versions: readonly Version[];
  /** Those that are new here. */
  readonly added: readonly ImportedVersion[];
}

/** @throws {RequestError} a number stands for another version here, or a new one has no value */
function merged(secret: Secret, sent: readonly ImportedVersion[], requestId: string): Merged {
  const known = new Map(secret.versions.map((version) => [version.number, version]));
  const ids = new Set(secret.versions.map(({ id }) => id));
  const added: ImportedVersion[] = [];
  for (const one of sent) {
    const { number } = one.version;
    const here = known.get(number);
    if (here !== undefined) {
      known.set(number, withStates(here, one.version));
      continue;
    }
    if (number <= secret.newest) {
      throw invalidRequest('a version lies before the newest one and is not there');
    }
    if (one.value === undefined && one.version.destroyed !== true) {
      throw invalidRequest('a version that is not destroyed needs its value');
    }
    const id = one.version.id === '' ? idOf(requestId, number) : one.version.id;
    if (ids.has(id)) throw invalidRequest('version_id is the id of another version');
    ids.add(id);
    const version = { ...one.version, id };
    known.set(number, version);
    added.push({ ...one, version });
  }
  const versions = [...known.values()].sort((one, other) => one.number - other.number);
  if (versions.length > KEPT_VERSIONS_MAX) {
    throw invalidRequest(`a secret has at most ${KEPT_VERSIONS_MAX} versions`);
  }
  return { versions, added };
}

/** The version that is here, deleted or destroyed as the one that was sent. */
function withStates(here: Version, sent: Version): Version {
  if (here.createdMs !== sent.createdMs) {
    throw invalidRequest('a version of this number and another time is here already');
  }
  const { deletedMs: _deleted, ...rest } = here;
  return {
    ...rest,
    ...(sent.deletedMs === undefined ? {} : { deletedMs: sent.deletedMs }),
    ...(sent.destroyed === true ? { destroyed: true as const } : {}),
  };
}

/** A UUID (version 8, RFC 9562 §5.8) that leads to the request, as the id of a written version does: by its first half. */
function idOf(requestId: string, number: number): string {
  const hex = createHash('sha256').update(`${requestId}/${number}`).digest('hex');
  const head =
    /^[0-9a-f]{8}-[0-9a-f]{4}/.exec(requestId)?.[0] ?? `${hex.slice(20, 28)}-${hex.slice(28, 32)}`;
  return `${head}-8${hex.slice(0, 3)}-8${hex.slice(3, 6)}-${hex.slice(6, 18)}`;
}

/** The secret with its settings as they were sent. @throws {RequestError} */
function settled(secret: Secret, fields: Fields, nowMs: number): Secret {
  const { current_version: current, previous_version: previous, attributes } = fields;
  for (const number of [current, previous]) {
    if (number !== undefined && number !== 0 && findVersion(secret, number) === undefined) {
      throw invalidRequest('a version is named that does not exist');
    }
  }
  const { served: _served, previous: _previous, ...rest } = secret;
  const served = current === undefined || current === 0 ? secret.served : current;
  const changed: Secret = {
    ...rest,
    ...(served === undefined || served === secret.newest ? {} : { served }),
    ...(previous === undefined || previous === 0 ? {} : { previous }),
    createdMs: Math.min(fields.created_time ?? secret.createdMs, nowMs),
    updatedMs: Math.min(fields.updated_time ?? nowMs, nowMs),
    oldest: Math.min(Math.max(fields.oldest_version ?? secret.oldest, 0), secret.newest),
    metadataVersion: secret.metadataVersion + 1,
    casRequired: fields.cas_required ?? secret.casRequired,
    metadataCasRequired: fields.metadata_cas_required ?? secret.metadataCasRequired,
    maxVersions:
      fields.max_versions === undefined ? secret.maxVersions : toMaxVersions(fields.max_versions),
    deleteVersionAfterSeconds: fields.delete_version_after ?? secret.deleteVersionAfterSeconds,
    customMetadata:
      fields.custom_metadata === undefined
        ? secret.customMetadata
        : readCustomMetadata(fields.custom_metadata),
    ...(attributes === undefined
      ? {}
      : { attributes: assertAttributes({ ...secret.attributes, ...attributes }) }),
  };
  const labelled = withLabels(changed, fields.labels);
  assertLabelCount(labelled);
  return labelled;
}

function withLabels(secret: Secret, sent: JsonObject | undefined): Secret {
  return sent === undefined || !isJsonObject(sent)
    ? secret
    : setLabels(secret, labelChanges(sent, secret));
}

export const importPath: Path = definePath({
  pattern: 'import/{path..+}',
  sudo: true,
  fields: FIELDS,
  operations: {
    create: { summary: 'Take over a secret with its versions.', handler: write },
    update: { summary: 'Take over further versions of a secret.', handler: write },
  },
  exists: (request, store) => secretExists(store, request.fields.path ?? ''),
  help: {
    synopsis: 'Take over a secret from another store, with numbers and times of its versions.',
    description:
      'Versions with numbers above those that are here are added; of a version that is here, known by its number and time, the ' +
      'states are changed and never the value. The same call twice leaves what it left once, but for its cas. Needs sudo.',
  },
});
