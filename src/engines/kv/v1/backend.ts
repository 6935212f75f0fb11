/** KV version 1: JSON objects by path, without history. Kept in the record of the versioned secret, as its version 1. */
import { definePath } from '../../../model/backend.ts';
import type { Backend, Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { Reply, Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
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

const FIELDS = {
  path: { kind: 'string', description: 'Where the secret lies below the mount.' },
} as const;

interface Fields {
  readonly path: string | undefined;
}

/** How long a reader may keep the secret: its own `ttl` (or `lease`), else the mount's. A hint, no lease. */
function hintSeconds(object: JsonObject, mountSeconds: number): number {
  const own = Object.hasOwn(object, 'ttl') ? object['ttl'] : object['lease'];
  if (own === undefined) return mountSeconds;
  return own === null ? 0 : (parseSeconds(own) ?? mountSeconds);
}

async function read(request: Request<Fields>, store: Transaction): Promise<Reply> {
  const served = await readServed(store, request.fields.path ?? '');
  if (served?.version === undefined) throw notFound();
  const data = decodeObject(served.version, served.value);
  const durationSeconds = hintSeconds(data, request.mount.defaultLeaseTtlSeconds);
  return { data, issuedLease: { id: '', renewable: false, durationSeconds } };
}

function write(request: Request<Fields>, store: Transaction): undefined {
  const path = request.fields.path ?? '';
  assertSecretPath(path);
  if (Object.keys(request.data).length === 0) throw invalidRequest('missing data fields');
  writeOnlyVersion(store, path, request.id, encodeObject(request.data), request.nowMs);
}

async function remove(request: Request<Fields>, store: Transaction): Promise<undefined> {
  const path = request.fields.path ?? '';
  const record = await loadSecret(store, path);
  if (record !== undefined) removeSecret(store, path, record.secret);
}

async function list(request: Request<Fields>, store: Transaction): Promise<Reply> {
  const keys = await listFolder(store, request.fields.path ?? '');
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

async function scan(request: Request<Fields>, store: Transaction): Promise<Reply> {
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
