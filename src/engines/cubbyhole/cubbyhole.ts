/** Cubbyhole: every token's own store, another one in each namespace where it is used. All of them go when the token goes. */
import { parseJson } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Backend, Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction, Unit } from '../../model/transaction.ts';
import type { Reply } from '../../model/reply.ts';

/** Longest path, in bytes: the storage key names namespace and token beside it. */
const PATH_BYTES_MAX = 1_500;
/** Largest object, in bytes of its JSON text. */
const VALUE_BYTES_MAX = 3 * 1024 * 1024;

/** Most names that one listing answers. */
const NAMES_MAX = 1_000_000;

/** Views within the token's namespace, which the clean-up of a revoked token empties. */
export interface CubbyholePlaces {
  /** Of its cubbyhole in its own namespace. */
  readonly home: (tokenId: string) => string;
  /** Of those in others, by their ids. */
  readonly abroad: (tokenId: string) => string;
}

interface Fields {
  readonly path: string | undefined;
}

function viewOf(request: Request<Fields>, unit: Unit, places: CubbyholePlaces): Transaction {
  const { principal, namespace } = request;
  // A batch token has no record, so nothing could tell when its cubbyhole may go.
  if (principal === undefined || principal.tokenType !== 'service') {
    throw invalidRequest("cubbyhole operations are only supported by 'service' type tokens");
  }
  const { tokenId, tokenNamespace } = principal;
  const prefix =
    namespace.id === tokenNamespace.id
      ? places.home(tokenId)
      : `${places.abroad(tokenId)}${namespace.id}/`;
  return unit.view(tokenNamespace.id, prefix);
}

function isFile(path: string): boolean {
  return path !== '' && !path.endsWith('/') && Buffer.byteLength(path) <= PATH_BYTES_MAX;
}

function folderKey(path: string): string {
  return path === '' || path.endsWith('/') ? path : `${path}/`;
}

function cubbyholePath(places: CubbyholePlaces): Path<Unit> {
  async function exists(request: Request<Fields>, unit: Unit): Promise<boolean> {
    const path = request.fields.path ?? '';
    return isFile(path) && (await viewOf(request, unit, places).get(path)) !== undefined;
  }

  async function read(request: Request<Fields>, unit: Unit): Promise<Reply> {
    const path = request.fields.path ?? '';
    const view = viewOf(request, unit, places);
    if (path === '') throw invalidRequest('missing path');
    const value = isFile(path) ? await view.get(path) : undefined;
    if (value === undefined) throw notFound();
    return { data: parseJson(value.toString()) as JsonObject };
  }

  function write(request: Request<Fields>, unit: Unit): undefined {
    const path = request.fields.path ?? '';
    const view = viewOf(request, unit, places);
    if (path === '') throw invalidRequest('missing path');
    if (!isFile(path)) throw invalidRequest('this path cannot be written to');
    if (Object.keys(request.data).length === 0) throw invalidRequest('missing data fields');
    const text = JSON.stringify(request.data);
    if (Buffer.byteLength(text) > VALUE_BYTES_MAX) {
      throw invalidRequest(`the object must not be larger than ${VALUE_BYTES_MAX} bytes`);
    }
    view.put(path, text);
  }

  function remove(request: Request<Fields>, unit: Unit): undefined {
    const path = request.fields.path ?? '';
    const view = viewOf(request, unit, places);
    if (isFile(path)) view.delete(path);
  }

  async function list(request: Request<Fields>, unit: Unit): Promise<Reply> {
    const path = request.fields.path ?? '';
    const view = viewOf(request, unit, places);
    const keys: string[] = [];
    for (let page = await view.list(folderKey(path)); page.length > 0;) {
      keys.push(...page);
      if (keys.length > NAMES_MAX) throw invalidRequest('the folder has too many names to list');
      page = await view.list(folderKey(path), { after: page.at(-1) ?? '' });
    }
    if (keys.length === 0) throw notFound();
    return { data: { keys } };
  }

  return defineSystemPath({
    pattern: '{path...}',
    arbitraryData: true,
    fields: { path: { kind: 'string', description: 'Where the object lies in the cubbyhole.' } },
    operations: {
      read: { summary: 'Read an object of the token’s own.', handler: read },
      create: { summary: 'Write an object of the token’s own.', handler: write },
      update: { summary: 'Replace an object of the token’s own.', handler: write },
      delete: { summary: 'Delete an object of the token’s own.', handler: remove },
      list: { summary: 'List the objects and folders of a folder.', handler: list },
    },
    exists,
    help: {
      synopsis: 'Read, write, delete and list what only this token can see.',
      description:
        'Every token has a cubbyhole of its own; no other token, whatever its policies, can look into it. It is removed when ' +
        'the token expires or is revoked. Batch tokens have none.',
    },
  });
}

/** @param places where the core keeps a token's cubbyholes */
export function cubbyholeBackend(
  places: CubbyholePlaces,
): Backend<Unit> & { readonly scope: 'unit' } {
  return {
    type: 'cubbyhole',
    kind: 'system',
    scope: 'unit',
    summary: 'A private store for every token.',
    paths: [cubbyholePath(places)],
  };
}
