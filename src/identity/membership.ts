/** Who is in which group: changes of an entity's direct groups, kept the same on both sides. */
import type { Directory } from './directory.ts';
import { settledGroup } from './records.ts';
import type { EntityRecord, GroupRecord } from './records.ts';

/** A group after members came or went. */
export async function touchedGroup(
  directory: Directory,
  group: GroupRecord,
  change: { readonly added: number; readonly removed: number },
  nowMs: number,
): Promise<GroupRecord> {
  const emptied =
    change.added === 0 &&
    change.removed > 0 &&
    (await directory.membersOf(group.id)).length <= change.removed;
  return {
    ...settledGroup(group),
    modifyIndex: group.modifyIndex + 1,
    updatedMs: nowMs,
    emptied,
  };
}

/** Takes an entity out of groups, and says what its `groups` are then. */
export async function leaveGroups(
  directory: Directory,
  entity: EntityRecord,
  groups: readonly GroupRecord[],
  nowMs: number,
): Promise<readonly string[]> {
  const left = new Set(groups.map((group) => group.id));
  for (const group of groups) {
    directory.removeMember(group.id, entity.id);
    const next = await touchedGroup(directory, group, { added: 0, removed: 1 }, nowMs);
    directory.putGroup(next, group);
  }
  return entity.groups.filter((id) => !left.has(id));
}

/** Puts an entity into groups of which it is no member yet, and says what its `groups` are then. */
export async function joinGroups(
  directory: Directory,
  entity: EntityRecord,
  groups: readonly GroupRecord[],
  nowMs: number,
): Promise<readonly string[]> {
  for (const group of groups) {
    directory.putMember(group.id, entity.id);
    const next = await touchedGroup(directory, group, { added: 1, removed: 0 }, nowMs);
    directory.putGroup(next, group);
  }
  return [...new Set([...entity.groups, ...groups.map((group) => group.id)])];
}

/**
 * Makes an entity a member of exactly those external groups of one auth mount that the mount has just named, whatever it
 * named before (CVE-2020-10660). Returns the entity's groups, the same array when nothing changed.
 */
export async function refreshExternalGroups(
  directory: Directory,
  entity: EntityRecord,
  accessor: string,
  names: readonly string[],
  nowMs: number,
): Promise<readonly string[]> {
  const named = names.length === 0 ? [] : await directory.groupsByAliases(accessor, names);
  const current =
    entity.groups.length === 0
      ? []
      : (await directory.groups(entity.groups)).filter(
          (group) => group.alias?.mountAccessor === accessor,
        );
  const wanted = new Set(named.map((group) => group.id));
  const held = new Set(entity.groups);
  const joining = named.filter((group) => !held.has(group.id));
  const leaving = current.filter((group) => !wanted.has(group.id));
  let groups = entity.groups;
  if (leaving.length > 0) groups = await leaveGroups(directory, entity, leaving, nowMs);
  if (joining.length > 0)
    groups = await joinGroups(directory, { ...entity, groups }, joining, nowMs);
  return groups;
}

/** An entity with all its groups. */
export interface Membership {
  readonly entity: EntityRecord;
  readonly groups: readonly GroupRecord[];
}

/** Somebody by an id of now, or from before a merge; undefined when nobody is left. */
export async function membershipOf(
  directory: Directory,
  entityId: string,
): Promise<Membership | undefined> {
  const entity = (await directory.entity(entityId)) ?? (await directory.entityMergedFrom(entityId));
  if (entity === undefined) return undefined;
  const { direct, inherited } = await directory.groupsOf(entity);
  return { entity, groups: [...direct, ...inherited] };
}
