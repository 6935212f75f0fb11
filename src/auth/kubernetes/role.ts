/** Roles: which service accounts may log in, and what the login gets. */
import { invalidRequest } from '../../model/errors.ts';
import { defineRoles } from '../roles.ts';
import type { Role, Roles } from '../roles.ts';
import { readSelector } from './selector.ts';
import { OLD_ROLE_NAMES } from '../token-fields.ts';

const ALIAS_SOURCES: readonly string[] = ['serviceaccount_uid', 'serviceaccount_name'];

interface KubernetesRoleFields {
  readonly bound_service_account_names: readonly string[];
  readonly bound_service_account_namespaces: readonly string[];
  readonly bound_service_account_namespace_selector: string;
  /** '' = any. */
  readonly audience: string;
  readonly alias_name_source: string;
}

export type KubernetesRole = Role<KubernetesRoleFields>;

/** Most names and most namespaces of one role. */
const ENTRIES_MAX = 1000;

const FRESH: KubernetesRoleFields = {
  bound_service_account_names: [],
  bound_service_account_namespaces: [],
  bound_service_account_namespace_selector: '',
  audience: '',
  alias_name_source: 'serviceaccount_uid',
};

const FIELDS = {
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
    description:
      'Labels of namespaces whose service accounts may log in: a selector in JSON or YAML.',
  },
  audience: { kind: 'string', description: 'Audience that tokens must have.' },
  alias_name_source: {
    kind: 'string',
    description: 'What identifies the caller: serviceaccount_uid or serviceaccount_name.',
  },
} as const;

export function allows(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value);
}

function isMixed(list: readonly string[]): boolean {
  return list.length > 1 && list.includes('*');
}

async function check(role: KubernetesRole): Promise<KubernetesRole> {
  const names = role.bound_service_account_names;
  const namespaces = role.bound_service_account_namespaces;
  if (names.length === 0) throw invalidRequest('"bound_service_account_names" can not be empty');
  const selector = role.bound_service_account_namespace_selector;
  if (selector !== '') await readSelector(selector);
  if (namespaces.length === 0 && selector === '') {
    throw invalidRequest(
      '"bound_service_account_namespaces" can not be empty if "bound_service_account_namespace_selector" is not set',
    );
  }
  if (isMixed(names) || isMixed(namespaces)) throw invalidRequest('can not mix "*" with values');
  if (names.length > ENTRIES_MAX || namespaces.length > ENTRIES_MAX)
    throw invalidRequest(`at most ${ENTRIES_MAX} names are allowed`);
  if (!ALIAS_SOURCES.includes(role.alias_name_source)) {
    throw invalidRequest(`invalid alias_name_source, must be one of: ${ALIAS_SOURCES.join(', ')}`);
  }
  return role;
}

export const kubernetesRoles: Roles<KubernetesRoleFields> = defineRoles<KubernetesRoleFields>({
  folder: 'role',
  prefix: 'role/',
  one: 'role',
  many: 'roles',
  fields: FIELDS,
  fresh: FRESH,
  oldNames: OLD_ROLE_NAMES,
  check,
  shown({ settings: _settings, audience, ...role }) {
    return audience === '' ? role : { ...role, audience };
  },
});
