/** `auth/token/roles`: named limits under which tokens are created. */
import { boundAddresses } from '../../base/cidr.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import type { Request } from '../../model/request.ts';
import type { Stored, Transaction, Unit } from '../../model/transaction.ts';

export const ROLE_TOKEN_TYPES: readonly string[] = [
  'service',
  'batch',
  'default-service',
  'default-batch',
];

export interface TokenRole {
  readonly name: string;
  readonly allowed_policies: readonly string[];
  readonly disallowed_policies: readonly string[];
  readonly allowed_policies_glob: readonly string[];
  readonly disallowed_policies_glob: readonly string[];
  readonly orphan: boolean;
  readonly renewable: boolean;
  readonly path_suffix: string;
  readonly token_type: string;
  readonly allowed_entity_aliases: readonly string[] | null;
  readonly token_bound_cidrs: readonly string[];
  /** Shown only when it was set under its old name. */
  readonly bound_cidrs: readonly string[];
  readonly period: number;
  readonly token_period: number;
  readonly explicit_max_ttl: number;
  readonly token_explicit_max_ttl: number;
  readonly token_num_uses: number;
  readonly token_no_default_policy: boolean;
}

const FRESH: Omit<TokenRole, 'name'> = {
  allowed_policies: [],
  disallowed_policies: [],
  allowed_policies_glob: [],
  disallowed_policies_glob: [],
  orphan: false,
  renewable: true,
  path_suffix: '',
  token_type: 'default-service',
  allowed_entity_aliases: null,
  token_bound_cidrs: [],
  bound_cidrs: [],
  period: 0,
  token_period: 0,
  explicit_max_ttl: 0,
  token_explicit_max_ttl: 0,
  token_num_uses: 0,
  token_no_default_policy: false,
};

function view(unit: Unit, namespaceId: string): Transaction {
  return unit.view(namespaceId, 'core/token-role/');
}

export async function tokenRole(
  unit: Unit,
  namespaceId: string,
  name: string,
): Promise<Stored<TokenRole> | undefined> {
  return await view(unit, namespaceId).getRecord<TokenRole>(name);
}

const fields = {
  role_name: { kind: 'string', description: 'Name of the role.' },
  allowed_policies: {
    kind: 'comma_string_list',
    description: 'Policies that tokens of the role may have.',
  },
  disallowed_policies: {
    kind: 'comma_string_list',
    description: 'Policies that tokens of the role may not have.',
  },
  allowed_policies_glob: {
    kind: 'comma_string_list',
    description: 'Globs of policies that tokens of the role may have.',
  },
  disallowed_policies_glob: {
    kind: 'comma_string_list',
    description: 'Globs of policies that tokens of the role may not have.',
  },
  orphan: { kind: 'bool', description: 'Tokens of the role have no parent.' },
  renewable: { kind: 'bool', description: 'Tokens of the role can be renewed.' },
  path_suffix: {
    kind: 'string',
    description: 'Added to the path of the tokens, so that they can be revoked by prefix.',
  },
  token_type: { kind: 'string', description: 'service, batch, default-service or default-batch.' },
  allowed_entity_aliases: {
    kind: 'comma_string_list',
    description: 'Entity aliases that may be named at creation; * globs.',
  },
  token_bound_cidrs: {
    kind: 'comma_string_list',
    description: 'Address ranges from which the tokens may be used.',
  },
  bound_cidrs: {
    kind: 'comma_string_list',
    description: 'Old name of token_bound_cidrs.',
    deprecated: true,
  },
  token_period: { kind: 'duration_seconds', description: 'Tokens are periodic with this period.' },
  period: { kind: 'duration_seconds', description: 'Old name of token_period.', deprecated: true },
  token_explicit_max_ttl: {
    kind: 'duration_seconds',
    description: 'No renewal goes beyond this age.',
  },
  explicit_max_ttl: {
    kind: 'duration_seconds',
    description: 'Old name of token_explicit_max_ttl.',
    deprecated: true,
  },
  token_num_uses: {
    kind: 'int',
    description: 'Most uses of a token of the role; 0 = without limit.',
  },
  token_no_default_policy: { kind: 'bool', description: 'Do not add the policy "default".' },
} as const;

type RoleRequest = Request<{ readonly [K in keyof typeof fields]?: unknown }>;

function sanitized(names: readonly string[]): string[] {
  return [
    ...new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== '')),
  ].sort();
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''))];
}

function cidrs(list: readonly string[]): readonly string[] {
  const ranges = boundAddresses(list);
  if (ranges === undefined)
    throw invalidRequest('error parsing role fields: a bound CIDR is not an address range');
  return ranges;
}

/** Old and new name of one setting: the new one wins, and the old one is shown only while it is in use. */
function renamed<T>(
  values: RoleRequest['fields'],
  fresh: string,
  old: string,
  none: T,
  warnings: string[],
): { fresh: T; old: T } | undefined {
  const given = values[fresh as keyof typeof fields] as T | undefined;
  const legacy = values[old as keyof typeof fields] as T | undefined;
  if (given !== undefined) {
    if (legacy !== undefined) {
      warnings.push(
        `Both '${fresh}' and deprecated '${old}' value supplied, ignoring the deprecated value`,
      );
    }
    return { fresh: given, old: none };
  }
  return legacy === undefined ? undefined : { fresh: legacy, old: legacy };
}

function merge(
  before: Stored<TokenRole>,
  values: RoleRequest['fields'],
  warnings: string[],
): TokenRole {
  const v = values as Partial<Record<keyof typeof fields, never>>;
  const pick = <K extends keyof TokenRole>(name: K & keyof typeof fields): TokenRole[K] =>
    (v[name] as TokenRole[K] | undefined) ?? before[name];
  const period = renamed<number>(values, 'token_period', 'period', 0, warnings);
  const explicit = renamed<number>(
    values,
    'token_explicit_max_ttl',
    'explicit_max_ttl',
    0,
    warnings,
  );
  const bound = renamed<readonly string[]>(
    values,
    'token_bound_cidrs',
    'bound_cidrs',
    [],
    warnings,
  );
  const aliases = v.allowed_entity_aliases as readonly string[] | undefined;
  return {
    name: before.name,
    allowed_policies: sanitized(pick('allowed_policies')),
    disallowed_policies: unique(pick('disallowed_policies')),
    allowed_policies_glob: sanitized(pick('allowed_policies_glob')),
    disallowed_policies_glob: unique(pick('disallowed_policies_glob')),
    orphan: pick('orphan'),
    renewable: pick('renewable'),
    path_suffix: pick('path_suffix'),
    token_type: pick('token_type'),
    allowed_entity_aliases: aliases === undefined ? before.allowed_entity_aliases : unique(aliases),
    token_bound_cidrs: bound === undefined ? before.token_bound_cidrs : cidrs(bound.fresh),
    bound_cidrs: bound === undefined ? before.bound_cidrs : cidrs(bound.old),
    token_period: period?.fresh ?? before.token_period,
    period: period?.old ?? before.period,
    token_explicit_max_ttl: explicit?.fresh ?? before.token_explicit_max_ttl,
    explicit_max_ttl: explicit?.old ?? before.explicit_max_ttl,
    token_num_uses: pick('token_num_uses'),
    token_no_default_policy: pick('token_no_default_policy'),
  };
}

function batchRefusal(kind: string): string {
  return `'token_type' cannot be 'batch' when role is set to generate ${kind} tokens`;
}

function check(role: TokenRole): void {
  if (!ROLE_TOKEN_TYPES.includes(role.token_type))
    throw invalidRequest("invalid 'token_type' value");
  if (role.path_suffix !== '' && !/\w[\w.-]+\w/.test(role.path_suffix))
    throw invalidRequest(
      'given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w',
    );
  if (role.path_suffix.includes('..'))
    throw invalidRequest('error registering path suffix: path cannot contain parent references');
  if (role.token_num_uses < 0) throw invalidRequest("'token_num_uses' cannot be negative");
  if (role.token_type !== 'batch') return;
  if (!role.orphan) throw invalidRequest(batchRefusal('non-orphan'));
  if (role.token_period !== 0) throw invalidRequest(batchRefusal('periodic'));
  if (role.renewable) throw invalidRequest(batchRefusal('renewable'));
  if (role.token_explicit_max_ttl !== 0) throw invalidRequest(batchRefusal('limited-use'));
}

const BATCH_TYPES: ReadonlySet<string> = new Set(['batch', 'default-batch']);

/**
 * A role that was made for batch tokens, and stays so, can neither get a period nor a number of uses; one whose type is sent along
 * is judged by {@link check} alone.
 */
function checkKeptType(before: Stored<TokenRole>, values: RoleRequest['fields']): void {
  if (values.token_type !== undefined || !BATCH_TYPES.has(before.token_type)) return;
  const refused =
    "error parsing role fields: 'token_type' cannot be 'batch' or 'default_batch' when set to generate";
  if ((values.token_period ?? before.token_period) !== 0)
    throw invalidRequest(`${refused} periodic tokens`);
  if ((values.token_num_uses ?? before.token_num_uses) !== 0)
    throw invalidRequest(`${refused} tokens with limited use count`);
}

function shown(role: Stored<TokenRole>): Record<string, unknown> {
  const { token_bound_cidrs, bound_cidrs, token_num_uses, ...rest } = role;
  return {
    ...rest,
    ...(token_bound_cidrs.length > 0 ? { token_bound_cidrs } : {}),
    ...(bound_cidrs.length > 0 ? { bound_cidrs } : {}),
    ...(token_num_uses > 0 ? { token_num_uses } : {}),
  };
}

export function tokenRolePaths(): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'roles',
      fields: {},
      help: { synopsis: 'Lists the token roles.' },
      operations: {
        list: {
          summary: 'List token roles',
          handler: async (request, unit) => ({
            data: { keys: await view(unit, request.namespace.id).list('') },
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'roles/{role_name}',
      fields,
      help: {
        synopsis:
          'Creates, reads and deletes a token role: named limits for the tokens created under it.',
      },
      exists: async (request, unit) =>
        (await tokenRole(unit, request.namespace.id, request.fields.role_name ?? '')) !== undefined,
      operations: {
        read: {
          summary: 'Read a token role',
          handler: async (request, unit) => {
            const role = await tokenRole(
              unit,
              request.namespace.id,
              request.fields.role_name ?? '',
            );
            if (role === undefined) throw notFound();
            return { data: shown(role) };
          },
        },
        update: {
          summary: 'Create or change a token role',
          handler: async (request, unit) => {
            const name = request.fields.role_name ?? '';
            const before = (await tokenRole(unit, request.namespace.id, name)) ?? {
              ...FRESH,
              name,
            };
            const warnings: string[] = [];
            checkKeptType(before, request.fields);
            const role = merge(before, request.fields, warnings);
            check(role);
            const most = request.mount.maxLeaseTtlSeconds;
            const explicit = role.token_explicit_max_ttl;
            if (explicit > most) {
              warnings.push(
                `Given explicit max TTL of ${explicit} is greater than system/mount allowed value of ${most} seconds: it has no effect beyond that.`,
              );
            }
            view(unit, request.namespace.id).putJson(name, role);
            return warnings.length === 0 ? undefined : { warnings };
          },
        },
        delete: {
          summary: 'Delete a token role',
          handler: (request, unit) => {
            view(unit, request.namespace.id).delete(request.fields.role_name ?? '');
            return undefined;
          },
        },
      },
    }),
  ];
}
