/** `config/zeroaddress`: roles whose one-time passwords may be for any address. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { roleNamed } from './roles.ts';

const KEY = 'config/zero-address';
const ROLES_MAX = 1000;

interface ZeroAddress {
  readonly roles: readonly string[];
}

/** Undefined when nothing was configured. */
export async function zeroAddressRoles(store: Reader): Promise<readonly string[] | undefined> {
  return (await store.getRecord<ZeroAddress>(KEY))?.roles;
}

export async function forgetZeroAddress(store: Transaction, name: string): Promise<void> {
  const roles = await zeroAddressRoles(store);
  if (roles?.includes(name) !== true) return;
  store.putJson(KEY, { roles: roles.filter((role) => role !== name) } satisfies ZeroAddress);
}

export function zeroAddressPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'config/zeroaddress',
      fields: {
        roles: {
          kind: 'comma_string_list',
          default: [],
          description: 'Roles whose passwords may be for any address.',
        },
      },
      help: {
        synopsis: 'Roles whose one-time passwords may be for any address.',
        description: 'Their own blocks of addresses do not count then.',
      },
      operations: {
        read: {
          summary: 'Read the list',
          handler: async (_request, store) => {
            const roles = await zeroAddressRoles(store);
            return roles === undefined ? undefined : { data: { roles } };
          },
        },
        update: {
          summary: 'Replace the list',
          handler: async ({ fields: { roles } }, store) => {
            if (roles.length === 0) throw invalidRequest('Missing roles');
            if (roles.length > ROLES_MAX) throw invalidRequest('too many roles');
            for (const name of roles) {
              if ((await roleNamed(store, name)) === undefined) {
                throw invalidRequest(`Role "${name}" does not exist`);
              }
            }
            store.putJson(KEY, { roles } satisfies ZeroAddress);
            return undefined;
          },
        },
        delete: {
          summary: 'Forget the list',
          handler: (_request, store) => {
            store.delete(KEY);
            return undefined;
          },
        },
      },
    }),
  ];
}
