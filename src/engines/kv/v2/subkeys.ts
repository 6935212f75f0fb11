/** The names inside a secret without its values: `subkeys/`. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { notFound } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { isGone, isReadable } from '../secret/secret.ts';
import { readServed, readVersion } from '../secret/secret-store.ts';
import { subkeysOf } from '../secret/subkeys.ts';
import { decodeObject } from '../secret/value.ts';
import { shownVersion } from './shown.ts';
import type { Reply } from '../../../model/reply.ts';

interface Fields {
  readonly path: string | undefined;
  readonly depth: number | undefined;
  readonly version: number | undefined;
}

async function read(request: Request<Fields>, store: Transaction): Promise<Reply> {
  const { path = '', depth = 0, version: number = 0 } = request.fields;
  const found = number > 0 ? await readVersion(store, path, number) : await readServed(store, path);
  if (found?.version === undefined || isGone(found, request.nowMs)) throw notFound();
  const metadata = shownVersion(found.version, found.customMetadata);
  if (!isReadable(found.version, request.nowMs)) {
    return { status: 404, data: { metadata, subkeys: null } };
  }
  const subkeys = subkeysOf(decodeObject(found.version, found.value), depth);
  return { data: { metadata, subkeys } };
}

export const subkeysPath: Path = definePath({
  pattern: 'subkeys/{path...}',
  fields: {
    path: { kind: 'string', description: 'Where the secret lies.' },
    depth: {
      kind: 'int',
      description: 'How many levels to show; deeper ones appear as null. 0 means all.',
    },
    version: {
      kind: 'int',
      description: 'The version to read; 0 or nothing for the current one.',
    },
  },
  operations: {
    read: { summary: 'Read the names inside a secret, with null for every value.', handler: read },
  },
  help: {
    synopsis: 'The names inside a secret without its values.',
    description: 'Objects keep their shape; every other value, and an empty object, becomes null.',
  },
});
