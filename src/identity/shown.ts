/** Entities, aliases and groups as callers see them. */
import { formatTime } from '../base/time-format.ts';
import type { Directory } from './directory.ts';
import type { AliasRecord, EntityRecord, GroupRecord } from './records.ts';

type Shown = Record<string, unknown>;

async function mountShown(directory: Directory, alias: AliasRecord): Promise<Shown> {
  const mount = await directory.mount(alias.mountAccessor);
  return mount === undefined ? {} : { mount_path: mount.path, mount_type: mount.type };
}

/** What every view of an alias has. */
async function aliasCore(
  directory: Directory,
  alias: AliasRecord,
  canonicalId: string,
): Promise<Shown> {
  return {
    canonical_id: canonicalId,
    creation_time: formatTime(alias.createdMs),
    id: alias.id,
    last_update_time: formatTime(alias.updatedMs),
    merged_from_canonical_ids: alias.mergedFrom,
    metadata: alias.metadata,
    mount_accessor: alias.mountAccessor,
    name: alias.name,
    ...(await mountShown(directory, alias)),
  };
}

export async function shownAlias(
  directory: Directory,
  alias: AliasRecord,
  canonicalId: string,
): Promise<Shown> {
  return {
    ...(await aliasCore(directory, alias, canonicalId)),
    custom_metadata: alias.customMetadata,
    local: false,
  };
}

/** An alias in a listing. */
export async function aliasInfo(
  directory: Directory,
  alias: AliasRecord,
  canonicalId: string,
): Promise<Shown> {
  const mount = await directory.mount(alias.mountAccessor);
  return {
    canonical_id: canonicalId,
    custom_metadata: alias.customMetadata,
    local: false,
    metadata: alias.metadata,
    mount_accessor: alias.mountAccessor,
    mount_path: mount?.path ?? '',
    mount_type: mount?.type ?? '',
    name: alias.name,
  };
}

/** An alias beside its owner in a listing. */
export async function ownedAliasInfo(directory: Directory, alias: AliasRecord): Promise<Shown> {
  return {
    id: alias.id,
    name: alias.name,
    mount_accessor: alias.mountAccessor,
    ...(await mountShown(directory, alias)),
  };
}

/** An entity in a listing. */
export async function entityInfo(directory: Directory, entity: EntityRecord): Promise<Shown> {
  if (entity.aliases.length === 0) return { name: entity.name };
  const aliases = [];
  for (const alias of entity.aliases) aliases.push(await ownedAliasInfo(directory, alias));
  return { aliases, name: entity.name };
}

export async function shownEntity(directory: Directory, entity: EntityRecord): Promise<Shown> {
  const aliases = [];
  for (const alias of entity.aliases) aliases.push(await shownAlias(directory, alias, entity.id));
  const { direct, inherited } = await directory.groupsOf(entity);
  const directIds = direct.map((group) => group.id);
  const inheritedIds = inherited.map((group) => group.id);
  return {
    aliases,
    creation_time: formatTime(entity.createdMs),
    direct_group_ids: directIds,
    disabled: entity.disabled,
    group_ids: [...directIds, ...inheritedIds],
    id: entity.id,
    inherited_group_ids: inheritedIds,
    last_update_time: formatTime(entity.updatedMs),
    merged_entity_ids: entity.mergedIds,
    metadata: entity.metadata,
    name: entity.name,
    namespace_id: directory.namespace.id,
    policies: entity.policies,
  };
}

export async function shownGroup(directory: Directory, group: GroupRecord): Promise<Shown> {
  const members = await directory.membersOf(group.id);
  const children = await directory.childrenOf(group.id);
  return {
    alias: group.alias === null ? {} : await aliasCore(directory, group.alias, group.id),
    creation_time: formatTime(group.createdMs),
    id: group.id,
    last_update_time: formatTime(group.updatedMs),
    member_entity_ids: members.length > 0 || group.emptied ? members : null,
    member_group_ids: children.length > 0 ? children : null,
    metadata: group.metadata,
    modify_index: group.modifyIndex,
    name: group.name,
    namespace_id: directory.namespace.id,
    parent_group_ids: group.parents,
    policies: group.policies,
    type: group.type,
  };
}
