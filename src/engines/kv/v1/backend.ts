/** KV version 1: JSON objects by path, without history. Kept in the record of the versioned secret, as its version 1. */
import { definePath } from '../../../model/backend.ts';
import type { Backend, Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { Awaitable } from '../../../base/awaitable.ts';
import { parseSeconds } from '../../../base/duration.ts';
import type { JsonObject } from '../../../base/json.ts';
import { listFolder, scanFolder } from '../secret/listing.ts';
import {
  assertSecretPath,
  loadSecret,
  readServed,
  removeSecret,
  secretExists,
  writeOnlyVersion,
} from '../secret/secret-store.ts';
import { decodeObject, encodeObject } from '../secret/value.ts';
import type { Reply } from '../../../model/reply.ts';

const FIELDS = {
  path: { kind: 'string', description: 'Where the secret lies below the mount.' },
  read_snapshot_id: {
    kind: 'string',
    query: true,
    description: 'In the query: a loaded snapshot to read or list instead.',
  },
  recover_snapshot_id: {
    kind: 'string',
    query: true,
    description: 'In the query of a write without data: a loaded snapshot to take the secret from.',
  },
} as const;

interface Fields {
  readonly path: string | undefined;
  readonly read_snapshot_id: string | undefined;
  readonly recover_snapshot_id: string | undefined;
}

/** How long a reader may keep the secret: its own `ttl` (or `lease`), else the mount's. A hint, no lease. */
function hintSeconds(object: JsonObject, mountSeconds: number): number {
  const own = Object.hasOwn(object, 'ttl') ? object['ttl'] : object['lease'];
  if (own === undefined) return mountSeconds;
  return own === null ? 0 : (parseSeconds(own) ?? mountSeconds);
}

async function read(request: Request<Fields>, live: Transaction): Promise<Reply> {
  const store = await storeThen(request, live, 'read_snapshot_id');
  const served = await readServed(store, request.fields.path ?? '');
  if (served?.version === undefined) throw notFound();
  const data = decodeObject(served.version, served.value);
  const durationSeconds = hintSeconds(data, request.mount.defaultLeaseTtlSeconds);
  return { data, issuedLease: { id: '', renewable: false, durationSeconds } };
}

/** The mount as the snapshot has it that the query names. Only the query can: a body is the secret. */
async function storeThen(
  { recall, fields }: Request<Fields>,
  live: Transaction,
  name: 'read_snapshot_id' | 'recover_snapshot_id',
): Promise<Transaction> {
  if (recall === undefined) return live;
  const id = fields[name] ?? '';
  if (id === '') throw invalidRequest(`${name} is needed: without versions there is no other past`);
  return (await recall(id)).store;
}

/** What is there is replaced, as by every write. */
async function recover(request: Request<Fields>, store: Transaction): Promise<undefined> {
  const path = request.fields.path ?? '';
  if (Object.keys(request.data).length > 0) throw invalidRequest('a recovery takes no data');
  const served = await readServed(await storeThen(request, store, 'recover_snapshot_id'), path);
  if (served?.version === undefined) throw notFound('there was no such secret then');
  writeOnlyVersion(store, path, request.id, served.value, request.nowMs);
}

function write(request: Request<Fields>, store: Transaction): Awaitable<undefined> {
  const path = request.fields.path ?? '';
  assertSecretPath(path);
  if (request.recall !== undefined) return recover(request, store);
  if (Object.keys(request.data).length === 0) throw invalidRequest('missing data fields');
  writeOnlyVersion(store, path, request.id, encodeObject(request.data), request.nowMs);
  return undefined;
}

async function remove(request: Request<Fields>, store: Transaction): Promise<undefined> {
  const path = request.fields.path ?? '';
  const record = await loadSecret(store, path);
  if (record !== undefined) removeSecret(store, path, record.secret);
}

async function list(request: Request<Fields>, live: Transaction): Promise<Reply> {
  const store = await storeThen(request, live, 'read_snapshot_id');
  const keys = await listFolder(store, request.fields.path ?? '');
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

async function scan(request: Request<Fields>, live: Transaction): Promise<Reply> {
  const store = await storeThen(request, live, 'read_snapshot_id');
  const keys = await scanFolder(store, request.fields.path ?? '');
  return { data: keys.length === 0 ? {} : { keys } };
}

const secretPath: Path = definePath({
  pattern: '{path...}',
  arbitraryData: true,
  fields: FIELDS,
  operations: {
    read: { summary: 'Read the secret at a path.', handler: read },
    create: { summary: 'Write a secret to a path.', handler: write },
    update: { summary: 'Replace the secret at a path.', handler: write },
    delete: { summary: 'Delete the secret at a path.', handler: remove },
    list: { summary: 'List the secrets and folders of a folder.', handler: list },
    scan: { summary: 'List every secret below a folder.', handler: scan },
  },
  exists: (request, store) => secretExists(store, request.fields.path ?? ''),
  help: {
    synopsis: 'Read, write, delete and list secrets.',
    description:
      'A write replaces the whole object; nothing of the one before is kept. A member named "ttl" (or "lease") is answered ' +
      'as the lease_duration of a read: a hint when to read again. Nothing expires or is revoked by it.',
  },
});

/** `kv` with option version 1 (or none), and `generic`. */
export function kvVersion1(type: 'kv' | 'generic' = 'kv'): Backend {
  return {
    type,
    kind: 'secret',
    summary: 'Secrets by path, without history.',
    paths: [secretPath],
  };
}
