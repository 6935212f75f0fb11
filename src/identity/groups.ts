/** Changes of groups: who is in them, which groups are in them, and taking them away. */
import { invalidRequest } from '../model/errors.ts';
import type { Directory } from './directory.ts';
import { MEMBERS_AT_ONCE_MAX, listed, settledGroup } from './records.ts';
import type { GroupRecord, GroupType } from './records.ts';

export function freshGroup(directory: Directory, type: GroupType, nowMs: number): GroupRecord {
  return {
    id: directory.newId(),
    name: directory.newName('group'),
    type,
    policies: null,
    metadata: null,
    createdMs: nowMs,
    updatedMs: nowMs,
    modifyIndex: 0,
    parents: null,
    alias: null,
    emptied: false,
  };
}

function difference(
  wanted: readonly string[],
  held: readonly string[],
): { added: string[]; removed: string[] } {
  const target = new Set(wanted);
  const now = new Set(held);
  const added = [...target].filter((id) => !now.has(id));
  const removed = held.filter((id) => !target.has(id));
  if (added.length + removed.length > MEMBERS_AT_ONCE_MAX)
    throw invalidRequest(`at most ${MEMBERS_AT_ONCE_MAX} members can change at once`);
  return { added, removed };
}

/** Makes exactly these entities the members of a group, and says how many they are. @throws {RequestError} */
export async function setMembers(
  directory: Directory,
  group: GroupRecord,
  wanted: readonly string[],
): Promise<number> {
  const { added, removed } = difference(wanted, await directory.membersOf(group.id));
  for (const id of added) {
    const entity = await directory.entity(id);
    if (entity === undefined)
      throw invalidRequest(listed('invalid entity ID'), { vaultStatus: 500 });
    directory.putMember(group.id, id);
    const groups = [...new Set([...entity.groups, group.id])];
    directory.putEntity({ ...entity, groups }, entity);
  }
  for (const id of removed) await dropMember(directory, group.id, id);
  return new Set(wanted).size;
}

async function dropMember(directory: Directory, groupId: string, entityId: string): Promise<void> {
  directory.removeMember(groupId, entityId);
  const entity = await directory.entity(entityId);
  if (entity === undefined) return;
  directory.putEntity({ ...entity, groups: entity.groups.filter((id) => id !== groupId) }, entity);
}

/** Makes exactly these groups the groups in a group. @throws {RequestError} also when that would make a circle */
export async function setChildren(
  directory: Directory,
  group: GroupRecord,
  wanted: readonly string[],
  nowMs: number,
): Promise<void> {
  const { added, removed } = difference(wanted, await directory.childrenOf(group.id));
  const above = new Set(
    added.length === 0 ? [] : (await directory.ancestorsOf([group])).map(({ id }) => id),
  );
  for (const id of added) {
    if (id === group.id) {
      throw invalidRequest(listed('member group ID is same as the ID of the group'), {
        vaultStatus: 500,
      });
    }
    const child = await directory.group(id);
    if (child === undefined)
      throw invalidRequest(listed('invalid member group ID'), { vaultStatus: 500 });
    if (above.has(id)) {
      throw invalidRequest(`cyclic relationship detected for member group ID "${id}"`);
    }
    directory.putChild(group.id, id);
    putParents(directory, child, [...(child.parents ?? []), group.id], nowMs);
  }
  for (const id of removed) await dropChild(directory, group.id, id, nowMs);
}

async function dropChild(
  directory: Directory,
  groupId: string,
  childId: string,
  nowMs: number,
): Promise<void> {
  directory.removeChild(groupId, childId);
  const child = await directory.group(childId);
  if (child === undefined) return;
  const parents = (child.parents ?? []).filter((id) => id !== groupId);
  putParents(directory, child, parents, nowMs);
}

function putParents(
  directory: Directory,
  group: GroupRecord,
  parents: readonly string[],
  nowMs: number,
): void {
  const settled = settledGroup(group);
  directory.putGroup(
    { ...settled, parents, modifyIndex: settled.modifyIndex + 1, updatedMs: nowMs },
    group,
  );
}

/**
 * Deletes a group; its policies are gone for everyone with the commit. Of a very large group some members keep its id, which
 * never comes again and then means nothing.
 * @throws {RequestError}
 */
export async function removeGroup(
  directory: Directory,
  group: GroupRecord | undefined,
  nowMs: number,
): Promise<void> {
  if (group === undefined) return;
  const members = await directory.membersOf(group.id);
  for (const id of members.slice(0, MEMBERS_AT_ONCE_MAX)) await dropMember(directory, group.id, id);
  await setChildren(directory, group, [], nowMs);
  for (const parent of group.parents ?? []) directory.removeChild(parent, group.id);
  directory.removeGroup(group);
}
