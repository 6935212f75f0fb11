/** Secrets as they were: read at an earlier time or from a snapshot, and recovered from there as a new version. */
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { Handler } from '../../../model/backend.ts';
import type { Recall, Request } from '../../../model/request.ts';
import type { NewVersion } from '../../../model/secret.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { formatTime } from '../../../base/time-format.ts';
import { noteChange } from '../functions/changes.ts';
import { versionThen } from '../secret/past.ts';
import type { PastVersion, Source } from '../secret/past.ts';
import type { SecretRecord, ServedVersion } from '../secret/record.ts';
import { emptySecret, findVersion, isGone, isReadable, servedNumber } from '../secret/secret.ts';
import type { Secret, Version } from '../secret/secret.ts';
import {
  loadForWrite,
  loadSecret,
  readVersion,
  valueOf,
  writeVersion,
} from '../secret/secret-store.ts';
import { decodeObject } from '../secret/value.ts';
import { loadMountSettings } from './mount-settings.ts';
import type { MountSettings } from './mount-settings.ts';
import { shownVersion } from './shown.ts';
import type { Reply } from '../../../model/reply.ts';

/** A read or list of a snapshot. */
export const READ_PAST_FIELDS = {
  read_snapshot_id: {
    kind: 'string',
    query: true,
    description: 'In the query: a loaded snapshot to read instead.',
  },
} as const;

export const PAST_FIELDS = {
  read_snapshot_id: {
    kind: 'string',
    query: true,
    description: 'In the query: a loaded snapshot to read instead.',
  },
  read_as_of: {
    kind: 'time',
    query: true,
    description: 'For a read, in the query: the version that was served at this time.',
  },
  recover_snapshot_id: {
    kind: 'string',
    query: true,
    description: 'In the query: a loaded snapshot to recover from.',
  },
  recover_as_of: {
    kind: 'time',
    query: true,
    description:
      'In the query: a write makes the version that was served at this time the current one again, as a new version; a read tells what it would do.',
  },
} as const;

export interface PastValues {
  readonly path: string | undefined;
  readonly read_snapshot_id: string | undefined;
  readonly read_as_of: number | undefined;
  readonly recover_snapshot_id: string | undefined;
  readonly recover_as_of: number | undefined;
}

/** `handler` on the mount as the snapshot has it that the request names, if it names one. */
export function recalled<V extends { readonly read_snapshot_id: string | undefined }>(
  handler: Handler<Transaction, V>,
): Handler<Transaction, V> {
  return (request, store) =>
    request.recall === undefined
      ? handler(request, store)
      : recallAndRun(request, request.recall, handler);
}

async function recallAndRun<V extends { readonly read_snapshot_id: string | undefined }>(
  request: Request<V>,
  recall: Recall,
  handler: Handler<Transaction, V>,
): Promise<Reply | undefined> {
  const { store, atMs } = await recall(request.fields.read_snapshot_id ?? '');
  return await handler({ ...request, nowMs: atMs }, store);
}

interface Found {
  readonly live: SecretRecord | undefined;
  readonly past: SecretRecord | undefined;
  readonly pastStore: Reader;
  readonly was: PastVersion;
}

async function find(
  request: Request<PastValues>,
  store: Transaction,
  recall: Recall,
  what: { readonly snapshotId: string | undefined; readonly asOfMs: number | undefined },
): Promise<Found> {
  const { snapshotId = '', asOfMs } = what;
  if (asOfMs !== undefined && asOfMs > request.nowMs) throw invalidRequest('the time is to come');
  const path = request.fields.path ?? '';
  const { store: pastStore, atMs } = await recall(snapshotId);
  const live = await loadSecret(store, path);
  const past = snapshotId === '' ? undefined : await loadSecret(pastStore, path);
  const tables = { live: live?.secret, snapshot: past?.secret };
  return { live, past, pastStore, was: versionThen(tables, asOfMs, atMs) };
}

async function valueThen(
  { live, past, pastStore }: Found,
  store: Transaction,
  path: string,
  { version, source }: { readonly version: Version; readonly source: Source },
): Promise<Buffer> {
  const [record, from] = source === 'versions' ? [live, store] : [past, pastStore];
  if (record === undefined) throw notFound();
  return await valueOf(from, path, record, version.number);
}

/** A read of the past, or of what a recovery would do. */
export async function readPast(
  request: Request<PastValues & { readonly version: number | undefined }>,
  store: Transaction,
  recall: Recall,
  replyOf: (found: ServedVersion | undefined, nowMs: number) => Reply,
): Promise<Reply> {
  const { fields } = request;
  if (fields.recover_snapshot_id !== undefined || fields.recover_as_of !== undefined) {
    return await plan(request, store, recall);
  }
  const path = fields.path ?? '';
  const number = fields.version ?? 0;
  if (number > 0 && fields.read_as_of === undefined) {
    const past = await recall(fields.read_snapshot_id ?? '');
    return replyOf(await readVersion(past.store, path, number), past.atMs);
  }
  const found = await find(request, store, recall, {
    snapshotId: fields.read_snapshot_id,
    asOfMs: fields.read_as_of,
  });
  const { was } = found;
  const custom = (found.past ?? found.live)?.secret.customMetadata ?? {};
  if (was.state === 'absent') throw notFound();
  if (was.version === undefined) throw notFound('the version of that time is not held any more');
  const metadata = shownVersion(was.version, custom);
  if (was.state !== 'found') return { status: 404, data: { data: null, metadata } };
  const value = await valueThen(found, store, path, was);
  return { data: { data: decodeObject(was.version, value), metadata } };
}

/** What a recovery does with one secret. */
type Action = 'recover' | 'unchanged' | 'absent' | 'deleted' | 'lost';

interface Plan {
  readonly action: Action;
  readonly found: Found;
  readonly value: Buffer;
}

async function planOf(
  request: Request<PastValues>,
  store: Transaction,
  recall: Recall,
): Promise<Plan> {
  const { fields, nowMs } = request;
  const path = fields.path ?? '';
  const found = await find(request, store, recall, {
    snapshotId: fields.recover_snapshot_id,
    asOfMs: fields.recover_as_of,
  });
  const { live, was } = found;
  if (was.state !== 'found') return { action: was.state, found, value: Buffer.alloc(0) };
  const value = await valueThen(found, store, path, was);
  const same = live !== undefined && isServed(live, was.version, value, nowMs);
  return { action: same ? 'unchanged' : 'recover', found, value };
}

/** Whether a read is answered with that value now: a recovery that was done is not done again. */
function isServed(
  live: SecretRecord,
  { form, contentType }: Version,
  value: Buffer,
  nowMs: number,
): boolean {
  const { secret } = live;
  const served = findVersion(secret, servedNumber(secret));
  if (served === undefined || isGone(secret, nowMs) || !isReadable(served, nowMs)) return false;
  return served.form === form && served.contentType === contentType && live.value.equals(value);
}

async function plan(
  request: Request<PastValues>,
  store: Transaction,
  recall: Recall,
): Promise<Reply> {
  return { data: shownPlan(await planOf(request, store, recall)) };
}

function shownPlan({ action, found }: Plan): Record<string, unknown> {
  const { live, was } = found;
  const version = was.state === 'absent' ? undefined : was.version;
  return {
    action,
    current_version: live === undefined ? 0 : servedNumber(live.secret),
    from: was.state === 'found' ? was.source : '',
    version: version?.number ?? 0,
    version_created_time: version === undefined ? '' : formatTime(version.createdMs),
  };
}

/** Makes what was there the current version again. Nothing is destroyed but what every write lets go. */
export async function recover(
  request: Request<PastValues>,
  store: Transaction,
  recall: Recall,
  assertCas: (settings: MountSettings, secret: Secret) => void,
): Promise<Reply> {
  const { fields, nowMs } = request;
  const path = fields.path ?? '';
  const { action, found, value } = await planOf(request, store, recall);
  const { was, past } = found;
  const shown = shownPlan({ action, found, value });
  if (was.state !== 'found') {
    throw notFound(REFUSALS[was.state]);
  }
  const settings = await loadMountSettings(store);
  const existing = await loadForWrite(store, path, nowMs);
  const before = existing ?? {
    secret: withSettings(emptySecret(nowMs), past?.secret),
    value: Buffer.alloc(0),
  };
  assertCas(settings, before.secret);
  const current = findVersion(before.secret, servedNumber(before.secret));
  if (action === 'unchanged' && current !== undefined) {
    return { data: { ...shownVersion(current, before.secret.customMetadata), recovery: shown } };
  }
  const fresh = freshFrom(was.version, request.id);
  const written = writeVersion(store, path, before, fresh, value, settings, nowMs);
  const { version, secret } = written;
  noteChange(request, store, path, existing?.secret, secret);
  return { data: { ...shownVersion(version, secret.customMetadata), recovery: shown } };
}

const REFUSALS: Readonly<Record<'absent' | 'deleted' | 'lost', string>> = {
  absent: 'there was no such secret then',
  deleted: 'the secret was deleted then',
  lost: 'the version of that time is not held any more: name a snapshot that has it',
};

/** What is the version's own goes along; ids and labels are of the write. */
function freshFrom(then: Version, id: string): NewVersion {
  const { form, contentType, notBeforeMs, expiresMs, tags } = then;
  return {
    id,
    ...(form === undefined ? {} : { form }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(expiresMs === undefined ? {} : { expiresMs }),
    ...(tags === undefined ? {} : { tags }),
  };
}

/** A secret whose metadata are gone gets back the settings that it had. */
function withSettings(fresh: Secret, past: Secret | undefined): Secret {
  if (past === undefined) return fresh;
  const { maxVersions, casRequired, metadataCasRequired, deleteVersionAfterSeconds } = past;
  const { customMetadata } = past;
  return {
    ...fresh,
    maxVersions,
    casRequired,
    metadataCasRequired,
    deleteVersionAfterSeconds,
    customMetadata,
  };
}
