/**
 * Policies that exclude each other. An assignment that would give somebody two of them is refused; where it could not be seen
 * beforehand (a token from before, a constraint that came later), none of them is in force.
 */
import { invalidRequest } from '../../model/errors.ts';
import type { Directory } from '../directory.ts';
import type { EntityRecord, GroupRecord } from '../records.ts';
import type { EligibleRole, Exclusion } from './records.ts';
import { RoleStore } from './role-store.ts';

/** Entities that one request may have checked. */
const CHECKED_MAX = 10_000;

interface Holder {
  readonly entity: EntityRecord;
  readonly groups: readonly GroupRecord[];
}

/** The first exclusion of which somebody with these policies has more than one. */
export function conflictIn(
  exclusions: readonly Exclusion[],
  policies: Iterable<string>,
): { readonly exclusion: Exclusion; readonly held: readonly string[] } | undefined {
  const all = new Set(policies);
  for (const exclusion of exclusions) {
    const held = exclusion.policies.filter((name) => all.has(name));
    if (held.length > 1) return { exclusion, held };
  }
  return undefined;
}

/** The policies without those that exclude each other; the same array when there are none. */
export function withoutConflicts(
  exclusions: readonly Exclusion[],
  policies: readonly string[],
): readonly string[] {
  const dropped = new Set<string>();
  for (const exclusion of exclusions) {
    const held = policies.filter((name) => exclusion.policies.includes(name));
    if (held.length > 1) for (const name of held) dropped.add(name);
  }
  return dropped.size === 0 ? policies : policies.filter((name) => !dropped.has(name));
}

export function isEligible(role: EligibleRole, { entity, groups }: Holder): boolean {
  return (
    role.entityIds.includes(entity.id) || groups.some((group) => role.groupIds.includes(group.id))
  );
}

/** Every policy that somebody has or may activate. */
function reachable(holder: Holder, roles: readonly EligibleRole[]): Set<string> {
  const names = new Set(holder.entity.policies);
  for (const group of holder.groups) for (const name of group.policies ?? []) names.add(name);
  for (const role of roles) {
    if (isEligible(role, holder)) for (const name of role.policies) names.add(name);
  }
  return names;
}

/** Whose policies a unit has changed. */
export interface Touched {
  readonly entityIds: readonly string[];
  /** Groups whose members, and those of the groups in them, are touched too. */
  readonly groupIds?: readonly string[];
  /** A role that the unit writes: listings do not show it yet. */
  readonly role?: EligibleRole;
}

/**
 * Refuses what the unit has written so far when one of these entities could then have policies that exclude each other.
 * @throws {RequestError} invalid_request
 */
export async function assertNoConflict(directory: Directory, touched: Touched): Promise<void> {
  const { entityIds, groupIds = [], role: written } = touched;
  const store = new RoleStore(directory.unit, directory.namespace);
  const exclusions = await store.exclusions();
  if (exclusions.length === 0) return;
  // Of two assignments at once, each fine by itself, the later one has to see the other.
  await directory.holdStill();
  const ids = [...new Set([...(await membersBelow(directory, groupIds)), ...entityIds])];
  if (ids.length > CHECKED_MAX)
    throw invalidRequest(`more than ${CHECKED_MAX} entities would have to be checked`);
  const others = (await store.roles()).filter((role) => role.name !== written?.name);
  const roles = written === undefined ? others : [...others, written];
  for (const id of ids) {
    const entity = await directory.entity(id);
    if (entity === undefined) continue;
    const { direct, inherited } = await directory.groupsOf(entity);
    const policies = reachable({ entity, groups: [...direct, ...inherited] }, roles);
    const conflict = conflictIn(exclusions, policies);
    if (conflict === undefined) continue;
    throw invalidRequest(
      `the policies ${conflict.held.join(' and ')} exclude each other (exclusion "${conflict.exclusion.name}"), and entity ${entity.id} would have both`,
    );
  }
}

/** Members of groups and of the groups in them, as they were before this unit. */
async function membersBelow(
  directory: Directory,
  groupIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const members = new Set<string>();
  const seen = new Set(groupIds);
  for (let level = [...seen]; level.length > 0;) {
    const below: string[] = [];
    for (const id of level) {
      for (const member of await directory.membersOf(id)) members.add(member);
      if (members.size > CHECKED_MAX) return members;
      for (const child of await directory.childrenOf(id)) {
        if (!seen.has(child)) below.push(child);
        seen.add(child);
      }
    }
    level = below;
  }
  return members;
}
