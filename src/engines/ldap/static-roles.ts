/** `static-role` and `static-cred`: accounts that exist already, whose passwords are kept and changed here. */
import { formatTime } from '../../base/time-format.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { listPath } from '../../model/listing/list-path.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { assertFree, findAccount, putAccount, removeAccount, withPassword } from './accounts.ts';
import type { Account } from './accounts.ts';
import { configOf } from './config.ts';
import { setPassword, telling } from './directory.ts';
import type { LdapPorts } from './ports.ts';

export const STATIC_ROLES = 'static-role/';
/** The task that changes passwords by the calendar. */
export const ROTATE_ROLE = 'rotate-role';
const PERIOD_SECONDS_MIN = 5;

export interface StaticRole {
  readonly username: string;
  readonly periodSeconds: number;
  readonly dueMs: number;
  /** Failed attempts since the last success. */
  readonly failures: number;
}

export const STATIC_ROLE_NAME = {
  kind: 'lower_string',
  description: 'Name of the role.',
  default: '',
} as const;

const FIELDS = {
  name: STATIC_ROLE_NAME,
  username: { kind: 'string', description: 'Name of the account in the directory.' },
  dn: { kind: 'string', description: 'Its distinguished name; found by its name without one.' },
  rotation_period: { kind: 'duration_seconds', description: 'How often its password changes.' },
  skip_import_rotation: {
    kind: 'bool',
    description: 'The password is not changed when the role is made.',
  },
} as const;

interface RoleFields {
  readonly name: string;
  readonly username: string | undefined;
  readonly dn: string | undefined;
  readonly rotation_period: number | undefined;
  readonly skip_import_rotation: boolean | undefined;
}

export async function findStaticRole(store: Reader, name: string): Promise<StaticRole | undefined> {
  return await store.getRecord<StaticRole>(STATIC_ROLES + name);
}

/** The account of a role that is there. */
export async function accountOf(store: Reader, role: StaticRole): Promise<Account> {
  const account = await findAccount(store, role.username);
  if (account === undefined) throw new Error('a static role has no account');
  return account;
}

function periodOf(seconds: number): number {
  if (seconds < PERIOD_SECONDS_MIN) {
    throw invalidRequest(`rotation_period must be ${PERIOD_SECONDS_MIN} seconds or more`);
  }
  return seconds;
}

async function create(
  { fields, nowMs, namespace, schedule }: Request<RoleFields>,
  store: Transaction,
  ports: LdapPorts,
): Promise<void> {
  const { name, username, rotation_period: period } = fields;
  if (username === undefined) {
    throw invalidRequest('username is a required field to manage a static account');
  }
  if (period === undefined) {
    throw invalidRequest('rotation_period is required to create static accounts');
  }
  const owner = STATIC_ROLES + name;
  // Not even its own: a role that is made has none yet.
  await assertFree(store, username, '');
  const config = await configOf(store);
  const fresh: Account = {
    owner,
    username,
    dn: fields.dn ?? '',
    password: '',
    lastPassword: '',
    rotatedMs: 0,
    pending: '',
    checkOut: undefined,
  };
  const periodSeconds = periodOf(period);
  if (fields.skip_import_rotation ?? config.skipStaticRoleImportRotation) {
    putAccount(store, fresh);
  } else {
    // Cut off before its commit, there is no role, and the next attempt sets another password.
    const password = await ports.password(namespace.id, config.passwordPolicy);
    await telling('error updating password', () => setPassword(config, fresh, password));
    putAccount(store, withPassword(fresh, password, nowMs));
  }
  const dueMs = nowMs + periodSeconds * 1000;
  store.putJson(STATIC_ROLES + name, { username, periodSeconds, dueMs, failures: 0 });
  schedule(ROTATE_ROLE, name, dueMs);
}

async function update(
  { fields, nowMs, schedule }: Request<RoleFields>,
  store: Transaction,
): Promise<void> {
  const { name, username, dn } = fields;
  const role = await findStaticRole(store, name);
  if (role === undefined) throw invalidRequest('unable to update role: role does not exist');
  const account = await accountOf(store, role);
  if (username !== undefined && username !== role.username) {
    throw invalidRequest('cannot update static account username');
  }
  if (dn !== undefined && dn !== '' && dn !== account.dn) {
    throw invalidRequest('cannot update static account distinguished name (dn)');
  }
  if (fields.skip_import_rotation !== undefined) {
    throw invalidRequest('skip_import_rotation has no effect on updates');
  }
  if (dn === '') putAccount(store, { ...account, dn: '' });
  const periodSeconds =
    fields.rotation_period === undefined ? role.periodSeconds : periodOf(fields.rotation_period);
  const sinceMs = account.rotatedMs === 0 ? nowMs : account.rotatedMs;
  // A change that is under way is brought to its end: until then nobody knows which of the two passwords the directory takes.
  const dueMs = account.pending === '' ? sinceMs + periodSeconds * 1000 : role.dueMs;
  store.putJson(STATIC_ROLES + name, { ...role, periodSeconds, dueMs });
  schedule(ROTATE_ROLE, name, dueMs);
}

export function staticRolePaths(ports: LdapPorts): readonly Path[] {
  return [
    listPath('static-role/', STATIC_ROLES, 'the static roles'),
    definePath({
      pattern: 'static-role/{name}',
      fields: FIELDS,
      help: {
        synopsis: 'An account of the directory whose password is kept and changed here.',
        description: 'An account belongs to one static role or to one set of the library.',
      },
      exists: async ({ fields }, store) => (await findStaticRole(store, fields.name)) !== undefined,
      operations: {
        read: {
          summary: 'Read a static role',
          handler: async ({ fields }, store) => {
            const role = await findStaticRole(store, fields.name);
            if (role === undefined) return undefined;
            const { dn, rotatedMs } = await accountOf(store, role);
            return {
              data: {
                dn,
                username: role.username,
                rotation_period: role.periodSeconds,
                ...(rotatedMs === 0 ? {} : { last_vault_rotation: formatTime(rotatedMs) }),
              },
            };
          },
        },
        create: {
          summary: 'Make a static role',
          outsideEffects: true,
          handler: async (request, store) => {
            await create(request, store, ports);
            return undefined;
          },
        },
        update: {
          summary: 'Change a static role',
          handler: async (request, store) => {
            await update(request, store);
            return undefined;
          },
        },
        delete: {
          summary: 'Delete a static role; the account stays',
          handler: async ({ fields }, store) => {
            const role = await findStaticRole(store, fields.name);
            if (role === undefined) return undefined;
            removeAccount(store, role.username);
            store.delete(STATIC_ROLES + fields.name);
            return undefined;
          },
        },
      },
    }),
    definePath({
      pattern: 'static-cred/{name}',
      fields: { name: STATIC_ROLE_NAME },
      help: { synopsis: 'The present password of a static role.' },
      operations: {
        read: {
          summary: 'Read the password',
          handler: async ({ fields, nowMs }, store) => {
            const role = await findStaticRole(store, fields.name);
            if (role === undefined) throw invalidRequest(`unknown role: ${fields.name}`);
            const account = await accountOf(store, role);
            return {
              data: {
                dn: account.dn,
                username: account.username,
                password: account.password,
                last_password: account.lastPassword,
                ttl: Math.max(0, Math.round((role.dueMs - nowMs) / 1000)),
                rotation_period: role.periodSeconds,
                last_vault_rotation: formatTime(account.rotatedMs),
              },
            };
          },
        },
      },
    }),
  ];
}
