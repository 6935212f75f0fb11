/** Roles: which service accounts may log in, and what the login gets. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { LIST_FIELDS, listNames } from '../list-names.ts';
import {
  FRESH_TOKEN_SETTINGS,
  TOKEN_FIELDS,
  mergeTokenSettings,
  oldFields,
  shownTokenSettings,
} from '../token-fields.ts';
import type { TokenSettings } from '../token-fields.ts';

const ALIAS_SOURCES = ['serviceaccount_uid', 'serviceaccount_name'] as const;
type AliasSource = (typeof ALIAS_SOURCES)[number];

export interface KubernetesRole {
  readonly names: readonly string[];
  readonly namespaces: readonly string[];
  /** '' = any. */
  readonly audience: string;
  readonly aliasSource: AliasSource;
  readonly settings: TokenSettings;
}

const ROLES = 'role/';
const OLD_NAMES = {
  policies: 'token_policies',
  ttl: 'token_ttl',
  max_ttl: 'token_max_ttl',
  period: 'token_period',
  num_uses: 'token_num_uses',
  bound_cidrs: 'token_bound_cidrs',
} as const;
/** Most names and most namespaces of one role. */
const ENTRIES_MAX = 1000;

const name = { kind: 'lower_string', description: 'Name of the role.' } as const;

const fields = {
  name,
  bound_service_account_names: {
    kind: 'comma_string_list',
    description: 'Service accounts that may log in; * = all.',
  },
  bound_service_account_namespaces: {
    kind: 'comma_string_list',
    description: 'Namespaces of the service accounts; * = all.',
  },
  bound_service_account_namespace_selector: {
    kind: 'string',
    description: 'Labels of the namespaces: not supported, name the namespaces.',
  },
  audience: { kind: 'string', description: 'Audience that tokens must have.' },
  alias_name_source: {
    kind: 'string',
    description: 'What identifies the caller: serviceaccount_uid or serviceaccount_name.',
  },
  ...TOKEN_FIELDS,
  ...oldFields(OLD_NAMES),
} as const;

interface Wish {
  readonly name?: string | undefined;
  readonly bound_service_account_names?: readonly string[] | undefined;
  readonly bound_service_account_namespaces?: readonly string[] | undefined;
  readonly bound_service_account_namespace_selector?: string | undefined;
  readonly audience?: string | undefined;
  readonly alias_name_source?: string | undefined;
}

export async function roleOf(
  store: Reader,
  role: string,
): Promise<Stored<KubernetesRole> | undefined> {
  return await store.getRecord<KubernetesRole>(ROLES + role);
}

export function allows(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value);
}

function isMixed(list: readonly string[]): boolean {
  return list.length > 1 && list.includes('*');
}

async function write(request: Request<Wish>, store: Transaction): Promise<undefined> {
  const wish = request.fields;
  const key = wish.name ?? '';
  const before = await roleOf(store, key);
  const settings = mergeTokenSettings(before?.settings ?? FRESH_TOKEN_SETTINGS, wish, OLD_NAMES);
  const names = wish.bound_service_account_names ?? before?.names ?? [];
  const namespaces = wish.bound_service_account_namespaces ?? before?.namespaces ?? [];
  if (names.length === 0) throw invalidRequest('"bound_service_account_names" can not be empty');
  if ((wish.bound_service_account_namespace_selector ?? '') !== '')
    throw invalidRequest('"bound_service_account_namespace_selector" is not supported');
  if (namespaces.length === 0) {
    throw invalidRequest(
      '"bound_service_account_namespaces" can not be empty if "bound_service_account_namespace_selector" is not set',
    );
  }
  if (isMixed(names) || isMixed(namespaces)) throw invalidRequest('can not mix "*" with values');
  if (names.length > ENTRIES_MAX || namespaces.length > ENTRIES_MAX)
    throw invalidRequest(`at most ${ENTRIES_MAX} names are allowed`);
  const source = wish.alias_name_source ?? before?.aliasSource ?? 'serviceaccount_uid';
  const aliasSource = ALIAS_SOURCES.find((each) => each === source);
  if (aliasSource === undefined) {
    throw invalidRequest(`invalid alias_name_source, must be one of: ${ALIAS_SOURCES.join(', ')}`);
  }
  const audience = wish.audience ?? before?.audience ?? '';
  const role: KubernetesRole = { names, namespaces, audience, aliasSource, settings };
  store.putJson(ROLES + key, role);
  return undefined;
}

function shown(role: Stored<KubernetesRole>): Record<string, unknown> {
  return {
    ...shownTokenSettings(role.settings, OLD_NAMES),
    ...(role.audience === '' ? {} : { audience: role.audience }),
    alias_name_source: role.aliasSource,
    bound_service_account_names: role.names,
    bound_service_account_namespace_selector: '',
    bound_service_account_namespaces: role.namespaces,
  };
}

export function rolePaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'role',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the roles.' },
      operations: {
        list: {
          summary: 'List roles',
          handler: (request, store) => listNames(store, ROLES, request.fields),
        },
      },
    }),
    definePath({
      pattern: 'role/{name}',
      fields,
      help: { synopsis: 'Creates, reads, changes and deletes a role.' },
      exists: async (request, store) =>
        (await roleOf(store, request.fields.name ?? '')) !== undefined,
      operations: {
        read: {
          summary: 'Read a role',
          handler: async (request, store) => {
            const role = await roleOf(store, request.fields.name ?? '');
            if (role === undefined) throw notFound();
            return { data: shown(role) };
          },
        },
        create: { summary: 'Create a role', handler: write },
        update: { summary: 'Change a role', handler: write },
        delete: {
          summary: 'Delete a role',
          handler: (request, store) => {
            store.delete(ROLES + (request.fields.name ?? ''));
            return undefined;
          },
        },
      },
    }),
  ];
}
