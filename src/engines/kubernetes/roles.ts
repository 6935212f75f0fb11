/** `roles`: for which account a token is made, or what is made for a token. */
import { TemplateError } from '../../base/template/template.ts';
import type { Path } from '../../model/backend.ts';
import { rolePathsOf } from '../../model/listing/role-paths.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Values } from '../../model/field.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import { DOCUMENT_LENGTH_MAX, parseRules, parseSelector } from './selector.ts';

export const NAME_FIELDS: readonly string[] = ['DisplayName', 'RoleName'];
export const DEFAULT_NAME_TEMPLATE =
  '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (unix_time) (random 24) | truncate 62 | lowercase }}';

export type RoleType = 'Role' | 'ClusterRole';

export interface KubernetesRole {
  readonly name: string;
  readonly namespaces: readonly string[];
  readonly namespaceSelector: string;
  readonly maxTtlSeconds: number;
  readonly defaultTtlSeconds: number;
  readonly audiences: readonly string[];
  readonly serviceAccount: string;
  readonly roleName: string;
  readonly roleType: RoleType;
  readonly rules: string;
  readonly nameTemplate: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export const ROLE_NAME = {
  kind: 'lower_string',
  description: 'Name of the role.',
  default: '',
} as const;

const FIELDS = {
  name: ROLE_NAME,
  allowed_kubernetes_namespaces: {
    kind: 'comma_string_list',
    description: 'Namespaces in which credentials are made; `*` is any.',
  },
  allowed_kubernetes_namespace_selector: {
    kind: 'string',
    description: 'Labels of namespaces in which they are made as well, as JSON or YAML.',
  },
  token_max_ttl: { kind: 'duration_seconds', description: 'How long a token may live.' },
  token_default_ttl: { kind: 'duration_seconds', description: 'How long one lives.' },
  token_default_audiences: { kind: 'comma_string_list', description: 'Audiences of tokens.' },
  service_account_name: {
    kind: 'string',
    description: 'An account that exists: only tokens are made.',
  },
  kubernetes_role_name: {
    kind: 'string',
    description: 'A role that exists: an account is made and bound to it.',
  },
  kubernetes_role_type: { kind: 'string', description: 'Role (the default) or ClusterRole.' },
  generated_role_rules: {
    kind: 'string',
    description: 'Rules as JSON or YAML: a role is made with them, and an account bound to it.',
  },
  name_template: { kind: 'string', description: 'Form of the names of what is made.' },
  extra_labels: { kind: 'string_map', description: 'Further labels of what is made.' },
  extra_annotations: { kind: 'string_map', description: 'Annotations of what is made.' },
} as const;

/** A name in the path of the API (RFC 1123, as Kubernetes has it). */
const OBJECT_NAME = /^[a-z0-9]([a-z0-9.:-]{0,251}[a-z0-9])?$/;

function roleTypeOf(text: string): RoleType {
  const type = text.toLowerCase();
  if (type === '' || type === 'role') return 'Role';
  if (type === 'clusterrole') return 'ClusterRole';
  throw invalidRequest("kubernetes_role_type must be either 'Role' or 'ClusterRole'");
}

function madeOf(before: KubernetesRole | undefined, fields: Values<typeof FIELDS>): KubernetesRole {
  const namespaces = fields.allowed_kubernetes_namespaces ?? before?.namespaces ?? [];
  const role = {
    name: fields.name,
    namespaces: [...new Set(namespaces.map((each) => each.toLowerCase()))].sort(),
    namespaceSelector:
      fields.allowed_kubernetes_namespace_selector ?? before?.namespaceSelector ?? '',
    maxTtlSeconds: fields.token_max_ttl ?? before?.maxTtlSeconds ?? 0,
    defaultTtlSeconds: fields.token_default_ttl ?? before?.defaultTtlSeconds ?? 0,
    audiences: fields.token_default_audiences ?? before?.audiences ?? [],
    serviceAccount: fields.service_account_name ?? before?.serviceAccount ?? '',
    roleName: fields.kubernetes_role_name ?? before?.roleName ?? '',
    roleType: roleTypeOf(fields.kubernetes_role_type ?? before?.roleType ?? ''),
    rules: fields.generated_role_rules ?? before?.rules ?? '',
    nameTemplate: fields.name_template ?? before?.nameTemplate ?? '',
    labels: fields.extra_labels ?? before?.labels ?? {},
    annotations: fields.extra_annotations ?? before?.annotations ?? {},
  };
  check(role);
  return role;
}

function check(role: KubernetesRole): void {
  if (role.namespaces.length === 0 && role.namespaceSelector === '') {
    throw invalidRequest(
      'one (at least) of allowed_kubernetes_namespaces or allowed_kubernetes_namespace_selector must be set',
    );
  }
  const kinds = [role.serviceAccount, role.roleName, role.rules].filter((each) => each !== '');
  if (kinds.length !== 1) {
    throw invalidRequest(
      'one (and only one) of service_account_name, kubernetes_role_name or generated_role_rules must be set',
    );
  }
  for (const name of [role.serviceAccount, role.roleName]) {
    if (name !== '' && !OBJECT_NAME.test(name))
      throw invalidRequest('a name is none of Kubernetes');
  }
  if (role.maxTtlSeconds > 0 && role.defaultTtlSeconds > role.maxTtlSeconds) {
    throw invalidRequest(
      `token_default_ttl ${role.defaultTtlSeconds}s cannot be greater than token_max_ttl ${role.maxTtlSeconds}s`,
    );
  }
  if (role.namespaceSelector !== '' && parseSelector(role.namespaceSelector) === undefined) {
    throw invalidRequest(
      "failed to parse 'allowed_kubernetes_namespace_selector' as k8s.io/api/meta/v1/LabelSelector object",
    );
  }
  if (role.rules !== '' && parseRules(role.rules) === undefined) {
    throw invalidRequest(
      "failed to parse 'generated_role_rules' as k8s.io/api/rbac/v1/Policy object",
    );
  }
  if (role.nameTemplate.length > DOCUMENT_LENGTH_MAX)
    throw invalidRequest('the template is too long');
  try {
    if (role.nameTemplate !== '') compileNameTemplate(role.nameTemplate, NAME_FIELDS);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalidRequest(`unable to initialize name template: ${error.message}`);
  }
}

export function rolePaths(): readonly Path[] {
  return rolePathsOf({
    fields: FIELDS,
    description:
      'It says for which account a token is made, or what is made for a token. What was made ends with its leases, not with the role.',
    make: madeOf,
    shown,
  });
}

function shown(role: KubernetesRole): Readonly<Record<string, unknown>> {
  return {
    name: role.name,
    allowed_kubernetes_namespaces: role.namespaces,
    allowed_kubernetes_namespace_selector: role.namespaceSelector,
    token_max_ttl: role.maxTtlSeconds,
    token_default_ttl: role.defaultTtlSeconds,
    token_default_audiences: role.audiences,
    service_account_name: role.serviceAccount,
    kubernetes_role_name: role.roleName,
    kubernetes_role_type: role.roleType,
    generated_role_rules: role.rules,
    name_template: role.nameTemplate,
    extra_labels: role.labels,
    extra_annotations: role.annotations,
  };
}
