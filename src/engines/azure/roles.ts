/** `roles`: what service principals may do, or the application whose passwords are made. */
import type { LeaseContext, Path } from '../../model/backend.ts';
import { findRole, rolePathsOf } from '../../model/listing/role-paths.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Values } from '../../model/field.ts';
import { member } from '../../model/outgoing.ts';
import type { Reader } from '../../model/transaction.ts';

const GRANTS_MAX = 100;
const TEXT_LENGTH_MAX = 512;
const AUDIENCES = [
  '',
  'AzureADMyOrg',
  'AzureADMultipleOrgs',
  'AzureADandPersonalMicrosoftAccount',
  'PersonalMicrosoftAccount',
];
/** They go into paths of the API. */
const SCOPE = /^(\/[A-Za-z0-9_()-][A-Za-z0-9._()-]*)+$/;
const OBJECT_ID = /^[0-9A-Za-z-]{1,64}$/;

/** A role of Azure in a scope: by its id, or by its name. */
export interface AzureRole {
  readonly roleId: string;
  readonly roleName: string;
  readonly scope: string;
}

export interface AzureGroup {
  readonly objectId: string;
  readonly groupName: string;
}

export interface Role {
  readonly azureRoles: readonly AzureRole[];
  readonly azureGroups: readonly AzureGroup[];
  readonly applicationObjectId: string;
  readonly permanentlyDelete: boolean;
  readonly signInAudience: string;
  readonly tags: readonly string[];
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
  /** The longest that credentials may live, whatever else says so. 0 = nothing of the kind. */
  readonly explicitMaxTtlSeconds?: number;
  /** One application for all credentials of the role, made with the first and kept until the role goes. */
  readonly persistApp?: boolean;
}

const FRESH: Role = {
  azureRoles: [],
  azureGroups: [],
  applicationObjectId: '',
  permanentlyDelete: false,
  signInAudience: '',
  tags: [],
  ttlSeconds: 0,
  maxTtlSeconds: 0,
};

/** The task that brings the application of a role in line with the role; its name is the role’s. */
export const FOLLOW_ROLE = 'follow-role';

export const NAME = { kind: 'string', description: 'Name of the role.', default: '' } as const;

const FIELDS = {
  name: NAME,
  azure_roles: {
    kind: 'string',
    description: 'JSON list of roles: `role_name` or `role_id`, and `scope`.',
  },
  azure_groups: {
    kind: 'string',
    description: 'JSON list of groups: `group_name` or `object_id`.',
  },
  application_object_id: {
    kind: 'string',
    description: 'An application that exists: passwords of it are made.',
  },
  permanently_delete: { kind: 'bool', description: 'Removes applications for good.' },
  sign_in_audience: { kind: 'string', description: 'Who may sign in to the applications.' },
  tags: { kind: 'comma_string_list', description: 'Tags of the applications.' },
  ttl: { kind: 'duration_seconds', description: 'How long credentials live.' },
  max_ttl: { kind: 'duration_seconds', description: 'How long with renewals.' },
  explicit_max_ttl: {
    kind: 'duration_seconds',
    description: 'The longest that credentials may live.',
  },
  persist_app: {
    kind: 'bool',
    description: 'Keeps one application for all credentials of the role; each gets a password.',
  },
} as const;

/** @throws {RequestError} */
export async function roleOf(store: Reader, name: string): Promise<Role> {
  const role = await findRole<Role>(store, name);
  if (role === undefined) throw invalidRequest(`role '${name}' does not exist`);
  return role;
}

/** What the role allows at most; 0 when it says nothing. */
function mostOf({ maxTtlSeconds, explicitMaxTtlSeconds = 0 }: Role): number {
  if (explicitMaxTtlSeconds === 0 || maxTtlSeconds === 0)
    return explicitMaxTtlSeconds || maxTtlSeconds;
  return Math.min(maxTtlSeconds, explicitMaxTtlSeconds);
}

/** The least of what the role and the mount allow. */
export function lifeOf(
  role: Role,
  mount: { readonly defaultLeaseTtlSeconds: number; readonly maxLeaseTtlSeconds: number },
): { readonly ttlSeconds: number; readonly maxTtlSeconds: number } {
  const most = Math.min(mostOf(role) || mount.maxLeaseTtlSeconds, mount.maxLeaseTtlSeconds);
  return {
    ttlSeconds: Math.min(role.ttlSeconds || mount.defaultLeaseTtlSeconds, most),
    maxTtlSeconds: most,
  };
}

/** A renewal follows the role as it is now; leases of a role that is gone end. @throws {RequestError} */
export async function renewal(
  { internal }: LeaseContext,
  store: Reader,
): Promise<Pick<Role, 'ttlSeconds' | 'maxTtlSeconds'>> {
  const { role } = internal as { readonly role: string };
  const current = await roleOf(store, role);
  return { ttlSeconds: current.ttlSeconds, maxTtlSeconds: mostOf(current) };
}

function listOf(text: string, name: string): readonly unknown[] {
  let list: unknown;
  try {
    list = JSON.parse(text === '' ? '[]' : text);
  } catch {
    list = undefined;
  }
  if (!Array.isArray(list)) throw invalidRequest(`error parsing ${name}: it must be a JSON list`);
  if (list.length > GRANTS_MAX) throw invalidRequest(`${name} may have ${GRANTS_MAX} at most`);
  return list as readonly unknown[];
}

function textIn(entry: unknown, name: string): string {
  const value = member(entry, name) ?? '';
  if (typeof value === 'string' && value.length <= TEXT_LENGTH_MAX) return value;
  throw invalidRequest(`${name} must be a text of at most ${TEXT_LENGTH_MAX} characters`);
}

function rolesOf(text: string): readonly AzureRole[] {
  return listOf(text, 'azure_roles').map((entry) => {
    const role: AzureRole = {
      roleId: textIn(entry, 'role_id'),
      roleName: textIn(entry, 'role_name'),
      scope: textIn(entry, 'scope'),
    };
    if (!SCOPE.test(role.scope)) throw invalidRequest('an entry of azure_roles needs a scope');
    if (role.roleId === '' && role.roleName === '') {
      throw invalidRequest('an entry of azure_roles needs role_name or role_id');
    }
    return role;
  });
}

function groupsOf(text: string): readonly AzureGroup[] {
  return listOf(text, 'azure_groups').map((entry) => {
    const group: AzureGroup = {
      objectId: textIn(entry, 'object_id'),
      groupName: textIn(entry, 'group_name'),
    };
    if (group.objectId !== '' && !OBJECT_ID.test(group.objectId)) {
      throw invalidRequest('object_id is none');
    }
    if (group.objectId === '' && group.groupName === '') {
      throw invalidRequest('an entry of azure_groups needs group_name or object_id');
    }
    return group;
  });
}

/** @throws {RequestError} */
function check(role: Role): void {
  const grants = role.azureRoles.length + role.azureGroups.length;
  if (role.applicationObjectId === '') {
    if (grants === 0) {
      throw invalidRequest(
        'either Azure role definitions, group definitions, or an Application Object ID must be provided',
      );
    }
  } else if (!OBJECT_ID.test(role.applicationObjectId)) {
    throw invalidRequest('application_object_id is none');
  } else if (grants > 0) {
    throw invalidRequest('what an application that exists may do is given in Azure');
  }
  if (!AUDIENCES.includes(role.signInAudience)) throw invalidRequest('sign_in_audience is none');
  if (role.tags.some((tag) => tag.length > TEXT_LENGTH_MAX) || role.tags.length > GRANTS_MAX) {
    throw invalidRequest('tags are too long');
  }
  if (role.persistApp === true && role.applicationObjectId !== '') {
    throw invalidRequest('persist_app is for applications that are made here');
  }
  if (role.maxTtlSeconds !== 0 && role.ttlSeconds > role.maxTtlSeconds) {
    throw invalidRequest('ttl cannot be greater than max_ttl');
  }
  const longest = role.explicitMaxTtlSeconds ?? 0;
  if (longest !== 0 && role.ttlSeconds > longest) {
    throw invalidRequest('ttl cannot be greater than explicit_max_ttl');
  }
  if (longest !== 0 && role.maxTtlSeconds > longest) {
    throw invalidRequest('max_ttl cannot be greater than explicit_max_ttl');
  }
}

function madeOf(before: Role = FRESH, fields: Values<typeof FIELDS>): Role {
  const { azure_roles: roles, azure_groups: groups } = fields;
  const role: Role = {
    azureRoles: roles === undefined ? before.azureRoles : rolesOf(roles),
    azureGroups: groups === undefined ? before.azureGroups : groupsOf(groups),
    applicationObjectId: fields.application_object_id ?? before.applicationObjectId,
    permanentlyDelete: fields.permanently_delete ?? before.permanentlyDelete,
    signInAudience: fields.sign_in_audience ?? before.signInAudience,
    tags: fields.tags ?? before.tags,
    ttlSeconds: fields.ttl ?? before.ttlSeconds,
    maxTtlSeconds: fields.max_ttl ?? before.maxTtlSeconds,
    explicitMaxTtlSeconds: fields.explicit_max_ttl ?? before.explicitMaxTtlSeconds ?? 0,
    persistApp: fields.persist_app ?? before.persistApp ?? false,
  };
  check(role);
  return role;
}

export function rolePaths(): readonly Path[] {
  return rolePathsOf({
    fields: FIELDS,
    description:
      'It says what service principals may do, or whose passwords are made. Credentials end with their leases, not with the role.',
    make: madeOf,
    shown,
    // The application that a role keeps follows it.
    changed: ({ schedule, nowMs }, name) => schedule(FOLLOW_ROLE, name, nowMs),
  });
}

function shown(role: Role): Readonly<Record<string, unknown>> {
  return {
    azure_roles: role.azureRoles.map(({ roleId, roleName, scope }) => ({
      role_id: roleId,
      role_name: roleName,
      scope,
    })),
    azure_groups: role.azureGroups.map(({ objectId, groupName }) => ({
      object_id: objectId,
      group_name: groupName,
    })),
    application_object_id: role.applicationObjectId,
    permanently_delete: role.permanentlyDelete,
    sign_in_audience: role.signInAudience,
    tags: role.tags,
    ttl: role.ttlSeconds,
    max_ttl: role.maxTtlSeconds,
    explicit_max_ttl: role.explicitMaxTtlSeconds ?? 0,
    persist_app: role.persistApp ?? false,
  };
}
