/** How values of a file become secrets: which part is a path, and which a field. */
import { isJsonObject } from '../../../../client/json.ts';
import type { JsonObject, JsonValue } from '../../../../client/json.ts';
import { InputError } from './input.ts';

/**
 * `one`: the whole is one secret. `each`: every member is a secret of its own. `tree`: objects that hold objects are folders, the
 * lowest ones secrets.
 */
export type Layout = 'one' | 'each' | 'tree';
export const LAYOUTS: readonly Layout[] = ['one', 'each', 'tree'];
/** Secrets of one import. */
export const ENTRIES_MAX = 100_000;

/** A secret that is to be written. */
export interface Entry {
  /** Below the path that the user has named; empty = that path itself. */
  readonly path: string;
  readonly value: EntryValue;
}
export type EntryValue =
  | { readonly kind: 'object'; readonly data: JsonObject }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary'; readonly base64: string };

/** Name of the field that holds what is no object. */
export const VALUE_NAME = 'value';

/** @throws {InputError} the value has no such layout */
export function entriesOf(value: JsonValue, layout: Layout): Entry[] {
  if (!isJsonObject(value)) throw new InputError('the document is no map of names and values');
  if (layout === 'one') return [{ path: '', value: { kind: 'object', data: value } }];
  if (layout === 'each') {
    return Object.entries(value).map(([path, one]) => ({ path, value: objectOf(one) }));
  }
  return bounded([...leaves(value, '')]);
}

function objectOf(value: JsonValue): EntryValue {
  return { kind: 'object', data: isJsonObject(value) ? value : { [VALUE_NAME]: value } };
}

/** An object of plain members is a secret. One that holds objects is a folder; its plain members are secrets of one field. */
function* leaves(object: JsonObject, path: string): Generator<Entry> {
  const members = Object.entries(object);
  const isFolder = members.some(([, value]) => isJsonObject(value));
  if (!isFolder && path !== '') {
    yield { path, value: { kind: 'object', data: object } };
    return;
  }
  for (const [name, value] of members) {
    const below = path === '' ? name : `${path}/${name}`;
    if (isJsonObject(value)) yield* leaves(value, below);
    else yield { path: below, value: objectOf(value) };
  }
}

function bounded(entries: Entry[]): Entry[] {
  if (entries.length > ENTRIES_MAX) throw new InputError(`more than ${ENTRIES_MAX} secrets`);
  return entries;
}

/** Several documents under one path: no two may be the same secret. @throws {InputError} */
export function assertDistinct(entries: readonly Entry[]): readonly Entry[] {
  bounded([...entries]);
  const paths = new Set(entries.map(({ path }) => path));
  if (paths.size !== entries.length) throw new InputError('a path stands twice in it');
  return entries;
}
