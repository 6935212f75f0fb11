/** Roles: which service accounts or machines of Google may log in, and what the login gets. */
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import { invalidRequest } from '../../model/errors.ts';
import { boundSizes, defineRoles } from '../roles.ts';
import type { Role, Roles } from '../roles.ts';
import { OLD_ROLE_NAMES } from '../token-fields.ts';
import { checkPeriod, longLifeWarnings } from '../token-bounds.ts';

interface GcpRoleFields {
  readonly type: string;
  readonly role_id: string;
  readonly bound_service_accounts: readonly string[];
  readonly bound_projects: readonly string[];
  readonly bound_zones: readonly string[];
  readonly bound_regions: readonly string[];
  readonly bound_labels: readonly string[];
  readonly bound_instance_groups: readonly string[];
  readonly add_group_aliases: boolean;
  readonly allow_gce_inference: boolean;
  /** Seconds. */
  readonly max_jwt_exp: number;
}

export type GcpRole = Role<GcpRoleFields>;

const FRESH: GcpRoleFields = {
  type: '',
  role_id: '',
  bound_service_accounts: [],
  bound_projects: [],
  bound_zones: [],
  bound_regions: [],
  bound_labels: [],
  bound_instance_groups: [],
  add_group_aliases: false,
  allow_gce_inference: true,
  max_jwt_exp: 900,
};

/** Longest life of a token that a service account signs for itself. */
const JWT_EXP_MAX_SECONDS = 3600;

const list = (description: string): { kind: 'comma_string_list'; description: string } => ({
  kind: 'comma_string_list',
  description,
});

const FIELDS = {
  type: {
    kind: 'string',
    description: 'Kind of the role: iam for service accounts, gce for machines.',
  },
  role_id: { kind: 'string', description: 'Made by the server.' },
  bound_service_accounts: list('E-mail addresses or ids of service accounts; * = any.'),
  bound_projects: list('Projects, one of which the caller must be in.'),
  bound_zones: list('Zones, one of which the machine must be in.'),
  bound_regions: list('Regions, one of which the machine must be in.'),
  bound_labels: list('Not supported: tokens do not tell labels.'),
  bound_instance_groups: list('Not supported: tokens do not tell groups.'),
  add_group_aliases: { kind: 'bool', description: 'The project becomes a group alias.' },
  allow_gce_inference: {
    kind: 'bool',
    description: 'A machine may log in as its service account.',
  },
  max_jwt_exp: { kind: 'duration_seconds', description: 'Longest life of a token that is signed.' },
} as const;

function check(role: GcpRole): void {
  if (role.type !== 'iam' && role.type !== 'gce')
    throw invalidRequest('role type must be one of: iam, gce');
  if (role.bound_labels.length > 0 || role.bound_instance_groups.length > 0)
    throw invalidRequest('bound_labels and bound_instance_groups are not supported');
  const lists = [
    role.bound_service_accounts,
    role.bound_projects,
    role.bound_zones,
    role.bound_regions,
  ];
  boundSizes(lists);
  if (role.max_jwt_exp > JWT_EXP_MAX_SECONDS)
    throw invalidRequest('max_jwt_exp cannot be more than one hour');
  if (role.type === 'iam') {
    if (role.bound_service_accounts.length === 0)
      throw invalidRequest('IAM role type must have at least one service account');
    if (role.bound_zones.length > 0 || role.bound_regions.length > 0)
      throw invalidRequest('bound_zones and bound_regions are for the role type gce');
  } else if (lists.every((each) => each.length === 0))
    throw invalidRequest('must have at least one bound constraint on the role');
  if (role.bound_service_accounts.includes('*') && role.bound_projects.length === 0)
    throw invalidRequest('bound_projects must be set when any service account may log in');
}

export function gcpRoles(random: Random): Roles<GcpRoleFields> {
  const roles: Roles<GcpRoleFields> = defineRoles<GcpRoleFields>({
    folder: 'role',
    prefix: 'role/',
    one: 'role',
    many: 'roles',
    fields: FIELDS,
    fresh: FRESH,
    oldNames: OLD_ROLE_NAMES,
    async check(role, request, store) {
      checkPeriod(role.settings, request);
      check(role);
      const before = await roles.find(store, (request.fields['name'] as string | undefined) ?? '');
      if (before !== undefined && before.type !== role.type)
        throw invalidRequest('role type cannot be changed for an existing role');
      return { ...role, role_id: before?.role_id ?? uuid(random) };
    },
    warnings: (role, request) => longLifeWarnings(role.settings, request),
  });
  return roles;
}
