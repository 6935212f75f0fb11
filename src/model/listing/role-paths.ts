/** Roles of an engine: records below `roles/` that say what it makes, changed field by field. Credentials do not end with them. */
import type { Path } from '../backend.ts';
import type { FieldSet, Values } from '../field.ts';
import type { Request } from '../request.ts';
import type { Reader, Stored } from '../transaction.ts';
import { entryPaths } from './entry-paths.ts';

/** Where the records lie. */
const ROLES = 'role/';

export async function findRole<Role extends object>(
  store: Reader,
  name: string,
): Promise<Stored<Role> | undefined> {
  return await store.getRecord<Role>(ROLES + name);
}

export interface RoleSpec<F extends FieldSet, Role extends object> {
  /** `name` is the role's. */
  readonly fields: F & { readonly name: { readonly kind: 'string' | 'lower_string' } };
  readonly description: string;
  /** The role as a request leaves it. @throws {RequestError} it cannot be so */
  readonly make: (before: Stored<Role> | undefined, fields: Values<F>) => Role;
  readonly shown: (role: Stored<Role>) => Readonly<Record<string, unknown>>;
  /** Told of every write and every deletion, as part of it. */
  readonly changed?: (request: Pick<Request, 'schedule' | 'nowMs'>, name: string) => void;
}

export function rolePathsOf<const F extends FieldSet, Role extends object>(
  spec: RoleSpec<F, Role>,
): readonly Path[] {
  return entryPaths<F>({
    folder: 'roles',
    parameter: 'name',
    prefix: ROLES,
    one: 'role',
    many: 'roles',
    fields: spec.fields,
    description: spec.description,
    tellsCreate: false,
    read: async (store, name) => {
      const role = await findRole<Role>(store, name);
      return role === undefined ? undefined : spec.shown(role);
    },
    write: async (request, store) => {
      const { fields } = request;
      const name = String((fields as Readonly<Record<string, unknown>>)['name']);
      store.putJson(ROLES + name, spec.make(await findRole<Role>(store, name), fields));
      spec.changed?.(request, name);
      return undefined;
    },
    remove: async (store, name, request) => {
      store.delete(ROLES + name);
      spec.changed?.(request, name);
    },
  });
}
