/** `roles`: write, read, list, delete. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { LIST_FIELDS, namesBelow } from '../../model/listing/list-names.ts';
import { ROLE_FIELDS } from './role-fields.ts';
import { ROLES, checkRoleName, roleNamed, roleOf, shownRole } from './roles.ts';
import { forgetZeroAddress } from './zero-address.ts';

export function rolePaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'roles/',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the roles with their kinds.' },
      operations: {
        list: {
          summary: 'List the roles',
          handler: async ({ fields }, store) => {
            const keys = await namesBelow(store, ROLES, fields);
            const info: Record<string, unknown> = {};
            for (const name of keys) {
              const role = await roleNamed(store, name);
              if (role === undefined) continue;
              info[name] =
                role.keyType === 'ca'
                  ? { key_type: role.keyType, issuer_ref: role.issuerRef }
                  : { key_type: role.keyType };
            }
            return { data: keys.length === 0 ? {} : { keys, key_info: info } };
          },
        },
      },
    }),
    definePath({
      pattern: 'roles/{role:any}',
      fields: ROLE_FIELDS,
      help: {
        synopsis: 'A role: what certificates or one-time passwords it gives out.',
        description: 'Writing replaces the whole role.',
      },
      operations: {
        read: {
          summary: 'Read a role',
          handler: async ({ fields }, store) => {
            const role = await roleNamed(store, fields.role);
            return role === undefined ? undefined : { data: shownRole(role) };
          },
        },
        update: {
          summary: 'Write a role',
          handler: ({ fields }, store) => {
            const name = checkRoleName(fields.role);
            store.putJson(ROLES + name, roleOf(fields));
            return undefined;
          },
        },
        delete: {
          summary: 'Delete a role',
          handler: async ({ fields }, store) => {
            const name = checkRoleName(fields.role);
            await forgetZeroAddress(store, name);
            store.delete(ROLES + name);
            return undefined;
          },
        },
      },
    }),
  ];
}
