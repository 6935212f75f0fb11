/** Values of secrets: `data/`. */
import { after } from '../../../base/awaitable.ts';
import type { Awaitable } from '../../../base/awaitable.ts';
import { toInt } from '../../../base/coerce.ts';
import { isJsonObject } from '../../../base/json.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { Recall, Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { JsonObject } from '../../../base/json.ts';
import { noteChange } from '../functions/changes.ts';
import { mergePatch } from '../secret/merge-patch.ts';
import {
  deleteVersions,
  emptySecret,
  findVersion,
  isGone,
  isReadable,
  servedNumber,
} from '../secret/secret.ts';
import type { ServedVersion } from '../secret/record.ts';
import type { Secret } from '../secret/secret.ts';
import {
  assertSecretPath,
  loadForWrite,
  readServed,
  readVersion,
  saveSecret,
  secretExists,
  writeVersion,
} from '../secret/secret-store.ts';
import { decodeObject, encodeObject, encodePatched } from '../secret/value.ts';
import {
  chosenIds,
  DETAIL_FIELDS,
  placementOf,
  readDetailed,
  repeatedWrite,
  writtenValue,
} from './detailed-value.ts';
import type { DetailValues } from './detailed-value.ts';
import { loadMountSettings } from './mount-settings.ts';
import type { MountSettings } from './mount-settings.ts';
import { PAST_FIELDS, readPast, recover } from './past.ts';
import type { PastValues } from './past.ts';
import { tasked } from './secret-desk.ts';
import { emptyNotFound, shownVersion } from './shown.ts';
import { ATTRIBUTE_FIELDS, assertLabelCount, attributesOfNew } from './version-attributes.ts';
import type { Reply } from '../../../model/reply.ts';

const FIELDS = {
  path: { kind: 'string', description: 'Where the secret lies.' },
  version: {
    kind: 'int',
    description: 'The version to read; 0 or nothing for the current one.',
  },
  options: {
    kind: 'map',
    description:
      'Options of a write. With "cas" the write is done only if the secret’s current version has this number; 0 stands for a ' +
      'secret that does not exist yet.',
  },
  data: {
    kind: 'map',
    description: 'The object to store, or for a patch the changes to make to it.',
    sensitive: true,
  },
  ...ATTRIBUTE_FIELDS,
  ...DETAIL_FIELDS,
  ...PAST_FIELDS,
} as const;

interface Fields extends DetailValues, PastValues {
  readonly path: string | undefined;
  readonly options: JsonObject | undefined;
  readonly data: JsonObject | undefined;
}

function read(request: Request<Fields>, store: Transaction): Awaitable<Reply> {
  if (request.recall !== undefined) return readPast(request, store, request.recall, replyOf);
  if (request.fields.detail === true) return readDetailed(request, store);
  const path = request.fields.path ?? '';
  const number = request.fields.version ?? 0;
  return after(number > 0 ? readVersion(store, path, number) : readServed(store, path), (found) =>
    replyOf(found, request.nowMs),
  );
}

function replyOf(found: ServedVersion | undefined, nowMs: number): Reply {
  if (found?.version === undefined || isGone(found, nowMs)) throw notFound();
  const metadata = shownVersion(found.version, found.customMetadata);
  if (!isReadable(found.version, nowMs)) {
    return { status: 404, data: { data: null, metadata } };
  }
  return { data: { data: decodeObject(found.version, found.value), metadata } };
}

/** @throws {RequestError} the write says (or had to say) which version it replaces, and it is not the current one */
function assertCas(options: JsonObject | undefined, settings: MountSettings, secret: Secret): void {
  if (options === undefined || !Object.hasOwn(options, 'cas')) {
    if (!settings.casRequired && !secret.casRequired) return;
    throw invalidRequest('check-and-set parameter required for this call');
  }
  if (casNumber(options) !== servedNumber(secret)) {
    throw invalidRequest('check-and-set parameter did not match the current version');
  }
}

function casNumber(options: JsonObject): number {
  try {
    return toInt(options['cas'] ?? null);
  } catch {
    throw invalidRequest('error parsing check-and-set parameter');
  }
}

async function write(request: Request<Fields>, store: Transaction): Promise<Reply> {
  const { fields, nowMs, recall } = request;
  const path = fields.path ?? '';
  assertSecretPath(path);
  if (recall !== undefined) return await recoverSecret(request, store, recall);
  const sent =
    fields.data === undefined ? writtenValue(fields) : { value: encodeObject(fields.data) };
  if (sent === undefined) throw invalidRequest('no data provided');
  const [settings, existing] = await Promise.all([
    loadMountSettings(store),
    loadForWrite(store, path, nowMs),
  ]);
  const before = existing ?? { secret: emptySecret(nowMs), value: Buffer.alloc(0) };
  const repeated = await repeatedWrite(fields, store, path, before, sent.value);
  if (repeated !== undefined) {
    return { data: shownVersion(repeated, before.secret.customMetadata) };
  }
  assertCas(fields.options, settings, before.secret);
  const fresh = {
    ...chosenIds(fields, before.secret, request.id),
    ...attributesOfNew(fields, request.data),
    ...(sent.form === undefined ? {} : { form: sent.form }),
  };
  const placement = placementOf(fields);
  const written = writeVersion(store, path, before, fresh, sent.value, settings, nowMs, placement);
  assertLabelCount(written.secret);
  noteChange(request, store, path, existing?.secret, written.secret);
  return { data: shownVersion(written.version, written.secret.customMetadata) };
}

async function recoverSecret(
  request: Request<Fields>,
  store: Transaction,
  recall: Recall,
): Promise<Reply> {
  const { fields } = request;
  if (fields.data !== undefined || fields.value !== undefined) {
    throw invalidRequest('a recovery takes no data');
  }
  return await recover(request, store, recall, (settings, secret) =>
    assertCas(fields.options, settings, secret),
  );
}

async function patch(request: Request<Fields>, store: Transaction): Promise<Reply> {
  const { options } = request.fields;
  const path = request.fields.path ?? '';
  const sent = request.data['data'];
  // The protocol takes an empty list for an empty object.
  const changes = Array.isArray(sent) && sent.length === 0 ? {} : sent;
  if (!isJsonObject(changes)) throw invalidRequest('no data provided');
  const [settings, before] = await Promise.all([
    loadMountSettings(store),
    loadForWrite(store, path, request.nowMs),
  ]);
  if (before === undefined) return emptyNotFound();
  const { secret } = before;
  assertCas(options, settings, secret);
  const version = findVersion(secret, servedNumber(secret));
  if (version === undefined) return emptyNotFound();
  if (!isReadable(version, request.nowMs)) {
    return { status: 404, data: shownVersion(version, secret.customMetadata) };
  }
  const patched = mergePatch(decodeObject(version, before.value), changes);
  if (!isJsonObject(patched)) throw invalidRequest('no data provided');
  const { value, ...attributes } = encodePatched(version, before.value, patched);
  const fresh = { id: request.id, ...attributes };
  const written = writeVersion(store, path, before, fresh, value, settings, request.nowMs);
  noteChange(request, store, path, secret, written.secret);
  return { data: shownVersion(written.version, secret.customMetadata) };
}

async function remove(request: Request<Fields>, store: Transaction): Promise<undefined> {
  const path = request.fields.path ?? '';
  const record = await loadForWrite(store, path, request.nowMs);
  if (record === undefined) return;
  const number = servedNumber(record.secret);
  const version = findVersion(record.secret, number);
  if (version === undefined || !isReadable(version, request.nowMs)) return;
  const secret = deleteVersions(record.secret, [number], request.nowMs);
  saveSecret(store, path, { secret, value: record.value });
  noteChange(request, store, path, record.secret, secret);
}

export const dataPath: Path = definePath({
  pattern: 'data/{path...}',
  takesTasks: true,
  fields: FIELDS,
  operations: {
    read: { summary: 'Read a version of a secret.', handler: tasked(read) },
    create: { summary: 'Write the first version of a secret.', handler: tasked(write) },
    update: { summary: 'Write a new version of a secret.', handler: tasked(write) },
    patch: {
      summary: 'Write a new version that changes parts of the current one.',
      handler: tasked(patch),
    },
    delete: {
      summary: 'Delete the current version of a secret; it can be undeleted.',
      handler: tasked(remove),
    },
  },
  exists: (request, store) => secretExists(store, request.fields.path ?? ''),
  help: {
    synopsis: 'Read, write, patch and delete the versions of a secret.',
    description:
      'Every write and patch makes a new version; the ones before stay readable by their number until they are deleted, ' +
      'destroyed, or more than max_versions. A patch is a JSON merge patch (RFC 7396). A version that was deleted or ' +
      'destroyed answers 404 with its metadata.',
  },
});
