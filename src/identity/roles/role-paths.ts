/** `identity/role`: sets of policies that are activated when they are needed. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Directory } from '../directory.ts';
import type { Identity } from '../identity.ts';
import { checkedPolicies } from '../records.ts';
import { assertNoConflict } from './exclusions.ts';
import type { EligibleRole } from './records.ts';
import { RoleStore } from './role-store.ts';

const HOUR_SECONDS = 3600;
const TTL_SECONDS_MAX = 30 * 86_400;
/** Entries of each list, and approvals, of a role. */
const LISTED_MAX = 1000;
const APPROVALS_MAX = 20;
const DESCRIPTION_LENGTH_MAX = 1024;

const name = { kind: 'string', description: 'Name of the role.' } as const;

const fields = {
  name,
  description: { kind: 'string', description: 'What the role is for.' },
  policies: { kind: 'comma_string_list', description: 'Policies that an activation gives.' },
  eligible_entity_ids: {
    kind: 'comma_string_list',
    description: 'Ids of entities that may activate it.',
  },
  eligible_group_ids: {
    kind: 'comma_string_list',
    description: 'Ids of groups whose members may activate it, inherited ones included.',
  },
  max_ttl: { kind: 'duration_seconds', description: 'Longest activation; an hour unless said.' },
  default_ttl: {
    kind: 'duration_seconds',
    description: 'Activation when nothing is said; the longest unless said.',
  },
  approvals: { kind: 'int', description: 'Approvals that an activation needs; none unless said.' },
  approver_group_ids: {
    kind: 'comma_string_list',
    description: 'Ids of groups whose members may approve.',
  },
} as const;

interface RoleWish {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly eligible_entity_ids?: readonly string[] | undefined;
  readonly eligible_group_ids?: readonly string[] | undefined;
  readonly max_ttl?: number | undefined;
  readonly default_ttl?: number | undefined;
  readonly approvals?: number | undefined;
  readonly approver_group_ids?: readonly string[] | undefined;
}

export function shownRole(role: EligibleRole): Record<string, unknown> {
  return {
    approvals: role.approvals,
    approver_group_ids: role.approverGroupIds,
    default_ttl: role.defaultTtlSeconds,
    description: role.description,
    eligible_entity_ids: role.entityIds,
    eligible_group_ids: role.groupIds,
    max_ttl: role.maxTtlSeconds,
    name: role.name,
    policies: role.policies,
  };
}

/** @throws {RequestError} */
function roleOf(wish: RoleWish, before: EligibleRole | undefined): EligibleRole {
  const maxTtlSeconds = wish.max_ttl ?? before?.maxTtlSeconds ?? HOUR_SECONDS;
  const role: EligibleRole = {
    name: wish.name ?? '',
    description: wish.description ?? before?.description ?? '',
    policies:
      wish.policies === undefined ? (before?.policies ?? []) : checkedPolicies(wish.policies),
    entityIds: distinct(wish.eligible_entity_ids ?? before?.entityIds ?? []),
    groupIds: distinct(wish.eligible_group_ids ?? before?.groupIds ?? []),
    maxTtlSeconds,
    defaultTtlSeconds: wish.default_ttl ?? before?.defaultTtlSeconds ?? maxTtlSeconds,
    approvals: wish.approvals ?? before?.approvals ?? 0,
    approverGroupIds: distinct(wish.approver_group_ids ?? before?.approverGroupIds ?? []),
  };
  if (role.policies.length === 0) throw invalidRequest('policies are needed');
  if (maxTtlSeconds <= 0 || maxTtlSeconds > TTL_SECONDS_MAX)
    throw invalidRequest(`max_ttl must be between 1 and ${TTL_SECONDS_MAX} seconds`);
  if (role.defaultTtlSeconds <= 0 || role.defaultTtlSeconds > maxTtlSeconds)
    throw invalidRequest('default_ttl must be between 1 second and max_ttl');
  if (role.approvals < 0 || role.approvals > APPROVALS_MAX)
    throw invalidRequest(`approvals must be between 0 and ${APPROVALS_MAX}`);
  if (role.approvals > 0 && role.approverGroupIds.length === 0)
    throw invalidRequest('approvals need approver_group_ids');
  if (role.description.length > DESCRIPTION_LENGTH_MAX)
    throw invalidRequest('the description is too long');
  return role;
}

function distinct(ids: readonly string[]): readonly string[] {
  const each = [...new Set(ids)].sort();
  if (each.length > LISTED_MAX)
    throw invalidRequest(`at most ${LISTED_MAX} entries are allowed in a list`);
  return each;
}

/** @throws {RequestError} when an id is of nobody */
async function assertKnown(directory: Directory, role: EligibleRole): Promise<void> {
  for (const id of role.entityIds) {
    if ((await directory.entity(id)) === undefined)
      throw invalidRequest("one of the provided entity ids doesn't exist");
  }
  for (const id of [...role.groupIds, ...role.approverGroupIds]) {
    if ((await directory.group(id)) === undefined)
      throw invalidRequest("one of the provided group ids doesn't exist");
  }
}

export function rolePaths(identity: Identity): readonly Path<Unit>[] {
  const at = (request: Pick<Request, 'namespace'>, unit: Unit): RoleStore =>
    new RoleStore(unit, request.namespace);

  async function write(request: Request<RoleWish>, unit: Unit): Promise<undefined> {
    const store = at(request, unit);
    const directory = identity.in(unit, request.namespace);
    const role = roleOf(request.fields, await store.role(request.fields.name ?? ''));
    await assertKnown(directory, role);
    await store.putRole(role);
    await assertNoConflict(directory, { entityIds: role.entityIds, groupIds: role.groupIds, role });
    directory.changed();
    return undefined;
  }

  return [
    defineSystemPath({
      pattern: 'role',
      fields: {},
      help: { synopsis: 'Lists the roles that can be activated.' },
      operations: {
        list: {
          summary: 'List roles',
          handler: async (request, unit) => {
            const roles = await at(request, unit).roles();
            if (roles.length === 0) throw notFound();
            return {
              data: {
                key_info: Object.fromEntries(roles.map((role) => [role.name, shownRole(role)])),
                keys: roles.map((role) => role.name),
              },
            };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'role/{name}',
      fields,
      help: { synopsis: 'Creates, reads, changes and deletes a role that can be activated.' },
      operations: {
        read: {
          summary: 'Read a role',
          handler: async (request, unit) => {
            const role = await at(request, unit).role(request.fields.name ?? '');
            if (role === undefined) throw notFound();
            return { data: shownRole(role) };
          },
        },
        update: { summary: 'Create or change a role', handler: write },
        delete: {
          summary: 'Delete a role; its activations end',
          handler: (request, unit) => {
            at(request, unit).deleteRole(request.fields.name ?? '');
            identity.in(unit, request.namespace).changed();
            return undefined;
          },
        },
      },
    }),
  ];
}
