/** Roles: which principals of AWS may log in, and what the login gets. */
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import type { FetchBytes } from '../fetch-json.ts';
import { boundSizes, defineRoles } from '../roles.ts';
import type { Role, Roles } from '../roles.ts';
import { OLD_ROLE_NAMES } from '../token-fields.ts';
import { checkPeriod, longLifeWarnings } from '../token-bounds.ts';
import { parseArn } from './arn.ts';
import { AwsError, resolved } from './aws-client.ts';
import { configOf } from './config.ts';

interface AwsRoleFields {
  readonly auth_type: string;
  readonly role_id: string;
  readonly bound_iam_principal_arn: readonly string[];
  /** Ids of the principals that are named without a wildcard, when they are resolved. */
  readonly bound_iam_principal_id: readonly string[];
  readonly resolve_aws_unique_ids: boolean;
  readonly inferred_entity_type: string;
}

export type AwsRole = Role<AwsRoleFields>;

const FRESH: AwsRoleFields = {
  auth_type: 'iam',
  role_id: '',
  bound_iam_principal_arn: [],
  bound_iam_principal_id: [],
  resolve_aws_unique_ids: true,
  inferred_entity_type: '',
};

const FIELDS = {
  auth_type: { kind: 'string', description: 'Kind of the role: iam.' },
  role_id: { kind: 'string', description: 'Made by the server.' },
  bound_iam_principal_arn: {
    kind: 'comma_string_list',
    description: 'Users and roles that may log in; a * at the end stands for anything.',
  },
  bound_iam_principal_id: { kind: 'comma_string_list', description: 'Found out by the server.' },
  resolve_aws_unique_ids: {
    kind: 'bool',
    description: 'Principals are bound by id, so that another of the same name is not taken.',
  },
  inferred_entity_type: { kind: 'string', description: 'Not supported.' },
} as const;

/** What the server itself sets keeps its value, whatever is sent. */
type Made = Pick<AwsRoleFields, 'role_id' | 'bound_iam_principal_id'>;

async function principalIds(
  role: AwsRole,
  request: Request,
  store: Transaction,
  fetch: FetchBytes,
): Promise<readonly string[]> {
  if (!role.resolve_aws_unique_ids) return [];
  const config = await configOf(store);
  const ids: string[] = [];
  for (const arn of role.bound_iam_principal_arn) {
    const principal = parseArn(arn);
    if (arn.endsWith('*') || principal === undefined || principal.kind === 'root') continue;
    try {
      const { uniqueId } = await resolved(principal, config, { fetch, nowMs: request.nowMs });
      ids.push(uniqueId);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      throw invalidRequest(
        'unable to resolve ARN to internal ID; set resolve_aws_unique_ids=false to bind by name',
        { detail: error.message },
      );
    }
  }
  return ids;
}

function check(role: AwsRole, request: Request): void {
  checkPeriod(role.settings, request);
  if (role.auth_type !== 'iam') throw invalidRequest('only the auth_type "iam" is supported');
  if (role.inferred_entity_type !== '')
    throw invalidRequest('inferred_entity_type is not supported');
  boundSizes([role.bound_iam_principal_arn]);
  if (role.bound_iam_principal_arn.length === 0)
    throw invalidRequest('at least be one bound parameter should be specified on the role');
  for (const arn of role.bound_iam_principal_arn) {
    const text = arn.endsWith('*') ? `${arn.slice(0, -1)}x` : arn;
    const principal = parseArn(text);
    if (principal === undefined || arn.slice(0, -1).includes('*'))
      throw invalidRequest('bound_iam_principal_arn is not the ARN of a user or role');
    if (principal.kind === 'assumed-role' || principal.kind === 'federated-user')
      throw invalidRequest('bound_iam_principal_arn names a session, not the role behind it');
  }
}

export function awsRoles(ports: {
  readonly random: Random;
  readonly fetch: FetchBytes;
}): Roles<AwsRoleFields> {
  const roles: Roles<AwsRoleFields> = defineRoles<AwsRoleFields>({
    folder: 'role',
    parameter: 'role',
    prefix: 'role/',
    one: 'role',
    many: 'roles',
    fields: FIELDS,
    fresh: FRESH,
    oldNames: OLD_ROLE_NAMES,
    async check(role, request, store) {
      check(role, request);
      const before = await roles.find(store, (request.fields['role'] as string | undefined) ?? '');
      const made: Made = {
        role_id: before?.role_id ?? uuid(ports.random),
        bound_iam_principal_id: await principalIds(role, request, store, ports.fetch),
      };
      return { ...role, ...made };
    },
    warnings: (role, request) => longLifeWarnings(role.settings, request),
    outsideEffects: true,
  });
  return roles;
}
