/** Paths of roles: the whole role, and each of its settings on its own. */
import type { Random } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { RequestError, invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import { entryPaths } from '../../model/listing/entry-paths.ts';
import { TOKEN_FIELDS, oldFields, policySet } from '../token-fields.ts';
import {
  OLD_NAMES,
  ROLES,
  dropRole,
  freshRole,
  mergeRole,
  putRole,
  roleName,
  roleOf,
  roleWarnings,
  shownRole,
} from './role.ts';
import type { Hash, Role, RoleWish } from './role.ts';
import { dropSecretIds } from './secret-id.ts';
import type { Reply } from '../../model/reply.ts';

const ROLE_FIELDS = {
  role_name: roleName,
  bind_secret_id: { kind: 'bool', description: 'A login needs a secret id.' },
  bound_cidr_list: {
    kind: 'comma_string_list',
    description: 'Old name of secret_id_bound_cidrs.',
    deprecated: true,
  },
  secret_id_bound_cidrs: {
    kind: 'comma_string_list',
    description: 'Address ranges from which one may log in.',
  },
  secret_id_num_uses: {
    kind: 'int',
    description: 'How often a secret id may be used; 0 = without limit.',
  },
  secret_id_ttl: {
    kind: 'duration_seconds',
    description: 'How long a secret id lives; 0 = for ever.',
  },
  role_id: { kind: 'string', description: 'Id of the role; a random one without it.' },
  local_secret_ids: {
    kind: 'bool',
    description: 'Kept for compatibility: secret ids are the cluster’s own anyway.',
  },
  ...TOKEN_FIELDS,
  ...oldFields(OLD_NAMES),
} as const;

export interface ApprolePorts {
  readonly random: Random;
  readonly hash: Hash;
}

type Named = { readonly role_name?: string | undefined };

/** 404 with a reason, as the reference says that a role is not there. */
export function noRole(name: string): RequestError {
  return new RequestError('not_found', `role "${name}" does not exist`);
}

/** Types that mean nothing for a role are read as what they come to, with a word about it. */
const ADJUSTED_TYPES: ReadonlyMap<string, string> = new Map([
  ['default-service', 'service'],
  ['default-batch', 'batch'],
]);

function adjusted(wish: object): { readonly wish: RoleWish; readonly warnings: readonly string[] } {
  const type = (wish as { token_type?: string }).token_type;
  const instead = type === undefined ? undefined : ADJUSTED_TYPES.get(type);
  if (instead === undefined) return { wish, warnings: [] };
  return {
    wish: { ...wish, token_type: instead } as RoleWish,
    warnings: [`${type} has no useful meaning; adjusting to ${instead}`],
  };
}

async function writeRole(
  ports: ApprolePorts,
  request: Request<Named & RoleWish>,
  store: Transaction,
): Promise<Reply | undefined> {
  const name = request.fields.role_name ?? '';
  const before = await roleOf(store, name);
  const { wish, warnings } = adjusted(request.fields);
  const role = mergeRole(before ?? freshRole(name, ports.random), wish, {
    isNew: before === undefined,
    cidrFaultStatus: 500,
  });
  const told = [...warnings, ...roleWarnings(role, request.mount.maxLeaseTtlSeconds)];
  await putRole(store, ports.hash, role, before);
  return told.length === 0 ? undefined : { warnings: told };
}

/** One setting with a path of its own. */
interface Setting {
  readonly path: string;
  /** Fields that set it, the first one also shows it. */
  readonly fields: readonly (keyof typeof ROLE_FIELDS)[];
  /** What deleting it makes of it; without this it cannot be deleted. */
  readonly reset?: Readonly<Record<string, unknown>>;
  readonly shown?: (role: Role) => unknown;
  /** Name under which it is shown, when not that of the first field. */
  readonly readOnly?: true;
  readonly warning?: string;
  /** A list of addresses: it cannot be emptied here, only deleted. */
  readonly addresses?: 'not empty' | 'any';
  /** Old name under which the value is shown as well, while it is set by it. */
  readonly oldName?: string;
  /** Kept in lower case and sorted, each name once. */
  readonly asSet?: true;
}

const SETTINGS: readonly Setting[] = [
  {
    path: 'policies',
    fields: ['token_policies', 'policies'],
    reset: { token_policies: [] },
    oldName: 'policies',
    asSet: true,
  },
  {
    path: 'bound-cidr-list',
    fields: ['bound_cidr_list'],
    // The old name sets the new one, and shows and deletes nothing: as the reference has it.
    reset: {},
    addresses: 'not empty',
    shown: () => null,
    warning:
      'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.',
  },
  {
    path: 'secret-id-bound-cidrs',
    fields: ['secret_id_bound_cidrs'],
    reset: { secret_id_bound_cidrs: null },
    addresses: 'not empty',
  },
  {
    path: 'token-bound-cidrs',
    fields: ['token_bound_cidrs'],
    reset: { token_bound_cidrs: [] },
    addresses: 'any',
    shown: ({ settings }) =>
      settings.token_bound_cidrs.length === 0 ? null : settings.token_bound_cidrs,
  },
  { path: 'bind-secret-id', fields: ['bind_secret_id'], reset: { bind_secret_id: true } },
  { path: 'secret-id-num-uses', fields: ['secret_id_num_uses'], reset: { secret_id_num_uses: 0 } },
  { path: 'secret-id-ttl', fields: ['secret_id_ttl'], reset: { secret_id_ttl: 0 } },
  {
    path: 'period',
    fields: ['token_period', 'period'],
    reset: { token_period: 0 },
    oldName: 'period',
  },
  { path: 'token-num-uses', fields: ['token_num_uses'], reset: { token_num_uses: 0 } },
  { path: 'token-ttl', fields: ['token_ttl'], reset: { token_ttl: 0 } },
  { path: 'token-max-ttl', fields: ['token_max_ttl'], reset: { token_max_ttl: 0 } },
  { path: 'role-id', fields: ['role_id'], shown: ({ roleId }) => roleId },
  { path: 'local-secret-ids', fields: ['local_secret_ids'], readOnly: true },
];

function settingPath(ports: ApprolePorts, setting: Setting): Path {
  const fields = Object.fromEntries(setting.fields.map((name) => [name, ROLE_FIELDS[name]]));
  const [first = 'role_id'] = setting.fields;

  async function change(
    request: Request<Named>,
    store: Transaction,
    wish: RoleWish,
  ): Promise<void> {
    const name = request.fields.role_name ?? '';
    const before = await roleOf(store, name);
    if (before === undefined) throw noRole(name);
    const role = mergeRole(before, wish, { isNew: false });
    roleWarnings(role, request.mount.maxLeaseTtlSeconds);
    await putRole(store, ports.hash, role, before);
  }

  return definePath({
    pattern: `role/{role_name}/${setting.path}`,
    fields: { role_name: roleName, ...fields },
    help: { synopsis: `Shows and changes ${first} of a role.` },
    operations: {
      read: {
        summary: `Show ${first} of a role`,
        handler: async (request, store) => {
          const role = await roleOf(store, (request.fields as Named).role_name ?? '');
          if (role === undefined) throw notFound();
          const value = setting.shown === undefined ? shownRole(role)[first] : setting.shown(role);
          return {
            data: {
              [first]: value,
              ...(setting.oldName !== undefined && role.settings.old_names.includes(setting.oldName)
                ? { [setting.oldName]: value }
                : {}),
            },
            ...(setting.warning === undefined ? {} : { warnings: [setting.warning] }),
          };
        },
      },
      ...(setting.readOnly === true
        ? {}
        : {
            update: {
              summary: `Change ${first} of a role`,
              handler: async (request: Request<Named>, store: Transaction) => {
                // A role that is not there is told of before what is missing.
                const roleNamed = request.fields.role_name ?? '';
                if ((await roleOf(store, roleNamed)) === undefined) throw noRole(roleNamed);
                const given = request.fields as RoleWish & { token_num_uses?: number };
                const sent = setting.fields
                  .map((name) => (given as Record<string, unknown>)[name])
                  .find((value) => value !== undefined);
                const isEmpty = Array.isArray(sent) && sent.length === 0;
                if (setting.addresses === undefined && sent === undefined) {
                  throw invalidRequest(`missing ${first}`);
                }
                if (setting.addresses === 'not empty' && isEmpty) {
                  throw invalidRequest(`missing ${first}`);
                }
                // A negative number of uses means "without limit" here.
                const uses = given.token_num_uses;
                const wish = {
                  ...given,
                  ...(uses !== undefined && uses < 0 ? { token_num_uses: 0 } : {}),
                  ...(setting.asSet === true ? { [first]: policySet(sent) } : {}),
                };
                await change(request, store, wish);
                return undefined;
              },
            },
          }),
      ...(setting.reset === undefined
        ? {}
        : {
            delete: {
              summary: `Set ${first} of a role back`,
              handler: async (request: Request<Named>, store: Transaction) => {
                const name = request.fields.role_name ?? '';
                if ((await roleOf(store, name)) === undefined) return undefined;
                await change(request, store, setting.reset as RoleWish);
                return undefined;
              },
            },
          }),
    },
  });
}

export function rolePaths(ports: ApprolePorts): readonly Path[] {
  return [
    ...entryPaths({
      folder: 'role',
      parameter: 'role_name',
      prefix: ROLES,
      one: 'role',
      many: 'roles',
      fields: ROLE_FIELDS,
      description: 'Deleting a role deletes its secret ids.',
      tellsCreate: true,
      async read(store, name) {
        const role = await roleOf(store, name);
        return role === undefined ? undefined : shownRole(role);
      },
      write: (request, store) => writeRole(ports, request, store),
      async remove(store, name) {
        const role = await roleOf(store, name);
        if (role === undefined) return;
        dropRole(store, ports.hash, role);
        await dropSecretIds(store, role);
      },
    }),
    ...SETTINGS.map((setting) => settingPath(ports, setting)),
  ];
}
