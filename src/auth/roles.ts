/**
 * Roles: what a method keeps under a name and grants tokens by. A method declares the fields that are its own, and what must
 * hold of them together; the settings of the tokens, merging, listing, reading and deleting are the same everywhere.
 */
import type { Path } from '../model/backend.ts';
import { invalidRequest } from '../model/errors.ts';
import type { Field, FieldSet } from '../model/field.ts';
import type { Request } from '../model/request.ts';
import type { Reader, Stored, Transaction } from '../model/transaction.ts';
import { entryPaths } from '../model/listing/entry-paths.ts';
import {
  FRESH_TOKEN_SETTINGS,
  TOKEN_FIELDS,
  mergeTokenSettings,
  oldFields,
  shownTokenSettings,
} from './token-fields.ts';
import type { OldNames, TokenSettings } from './token-fields.ts';

/** As stored: the method's own fields under their names on the wire, and the settings of the tokens. */
export type Role<P extends object> = P & { readonly settings: TokenSettings };

export interface RoleSpec<P extends object> {
  /** Where they are listed: `role`, `users`. */
  readonly folder: string;
  readonly parameter?: string;
  readonly matches?: string;
  /** Most characters of a name fold to lower case before anything looks at it, unless the method's do not. */
  readonly nameKind?: 'lower_string' | 'string';
  readonly prefix: string;
  readonly one: string;
  readonly many: string;
  readonly fields: { readonly [K in keyof P]: Field };
  /** What a role is like before anything is said of it. */
  readonly fresh: P;
  readonly oldNames?: OldNames;
  readonly tellsCreate?: boolean;
  /** Fields that a write sets to their fresh value when it does not name them, as the reference does. */
  readonly forgotten?: readonly (keyof P)[];
  /** The role as it is to be stored. @throws {RequestError} when it may not be */
  check(role: Role<P>, request: Request, store: Transaction): Role<P> | Promise<Role<P>>;
  /** A write asks somebody outside the store. */
  readonly outsideEffects?: true;
  /** What an operator should know of a role as it now is. */
  warnings?(role: Role<P>, request: Request): readonly string[];
  /** The method's own fields as they are read back; as they are stored without it. */
  shown?(role: Stored<Role<P>>): Readonly<Record<string, unknown>>;
}

export interface Roles<P extends object> {
  readonly paths: readonly Path[];
  /** The role of that name, which the caller has folded as the method folds names. */
  find(store: Reader, name: string): Promise<Stored<Role<P>> | undefined>;
}

/** Most entries in one list or map of a role. */
export const ENTRIES_MAX = 256;

/** @throws {RequestError} when a list or map has too many entries */
export function boundSizes(lists: readonly (readonly unknown[] | object | null)[]): void {
  if (lists.some((list) => list !== null && Object.keys(list).length > ENTRIES_MAX))
    throw invalidRequest(`at most ${ENTRIES_MAX} entries are allowed in a list`);
}

export function defineRoles<P extends object>(spec: RoleSpec<P>): Roles<P> {
  const { prefix, fresh, oldNames = {}, parameter = 'name' } = spec;
  const own = Object.keys(fresh) as (keyof P & string)[];

  async function find(store: Reader, name: string): Promise<Stored<Role<P>> | undefined> {
    return await store.getRecord<Role<P>>(prefix + name);
  }

  function merged(before: Stored<Role<P>> | undefined, sent: Record<string, unknown>): Role<P> {
    const role = { ...fresh, ...before } as Record<string, unknown>;
    for (const name of spec.forgotten ?? []) role[name as string] = fresh[name];
    for (const name of own) {
      if (sent[name] !== undefined) role[name] = sent[name];
    }
    role['settings'] = mergeTokenSettings(before?.settings ?? FRESH_TOKEN_SETTINGS, sent, oldNames);
    return role as Role<P>;
  }

  function shown(role: Stored<Role<P>>): Record<string, unknown> {
    const { settings } = role;
    const fields =
      spec.shown?.(role) ??
      Object.fromEntries(own.map((name) => [name, (role as Record<string, unknown>)[name]]));
    return { ...fields, ...shownTokenSettings(settings, oldNames) };
  }

  const fields: FieldSet = {
    [parameter]: {
      kind: spec.nameKind ?? 'lower_string',
      description: `Name of the ${spec.one}.`,
    },
    ...(spec.fields as FieldSet),
    ...TOKEN_FIELDS,
    ...oldFields(oldNames),
  };

  return {
    find,
    paths: entryPaths({
      folder: spec.folder,
      parameter,
      ...(spec.matches === undefined ? {} : { matches: spec.matches }),
      prefix,
      one: spec.one,
      many: spec.many,
      fields,
      tellsCreate: spec.tellsCreate ?? true,
      ...(spec.outsideEffects === undefined ? {} : { outsideEffects: true }),
      async read(store, name) {
        const role = await find(store, name);
        return role === undefined ? undefined : shown(role);
      },
      async write(request: Request, store) {
        const name = (request.fields[parameter] as string | undefined) ?? '';
        const role = await spec.check(
          merged(await find(store, name), request.fields),
          request,
          store,
        );
        store.putJson(prefix + name, role);
        const warnings = spec.warnings?.(role, request) ?? [];
        return warnings.length === 0 ? undefined : { warnings };
      },
    }),
  };
}
