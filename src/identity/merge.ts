/** Several entities become one: its aliases, groups and tokens are theirs together. Policies are not merged. */
import { RequestError, invalidRequest } from '../model/errors.ts';
import type { Directory } from './directory.ts';
import { joinGroups, leaveGroups } from './membership.ts';
import { MfaStore } from './mfa/mfa-store.ts';
import { MEMBERS_AT_ONCE_MAX, listed, settledAlias, settledEntity } from './records.ts';
import type { AliasRecord, EntityRecord } from './records.ts';

export interface MergeWish {
  readonly toId: string;
  readonly fromIds: readonly string[];
  /** Aliases to keep where both entities have one at the same mount. */
  readonly keepAliasIds: readonly string[];
  /** Where both have a secret for a method of the second factor, the destination's stays. */
  readonly force: boolean;
}

interface Clash {
  readonly from: EntityRecord;
  readonly fromAlias: AliasRecord;
  readonly toAlias: AliasRecord;
}

/** @throws {RequestError} invalid_request */
export async function mergeEntities(
  directory: Directory,
  wish: MergeWish,
  nowMs: number,
): Promise<void> {
  const to = await directory.entity(wish.toId);
  if (to === undefined) throw invalidRequest('entity id to merge to is invalid');
  const fromIds = [...new Set(wish.fromIds)];
  if (fromIds.length > MEMBERS_AT_ONCE_MAX)
    throw invalidRequest(`at most ${MEMBERS_AT_ONCE_MAX} entities can be merged at once`);
  if (fromIds.length > 1 && wish.keepAliasIds.length > 1) {
    throw invalidRequest(
      'aliases conflicts cannot be resolved with multiple from entity ids - merge one entity at a time',
    );
  }
  const from: EntityRecord[] = [];
  for (const id of fromIds) {
    if (id === to.id) throw invalidRequest('to_entity_id should not be present in from_entity_ids');
    const entity = await directory.entity(id);
    if (entity === undefined) throw invalidRequest('entity id to merge from is invalid');
    from.push(entity);
  }
  const clashes = clashesOf(to, from);
  if (clashes.length > 0 && wish.keepAliasIds.length === 0)
    throw await clashError(directory, to, clashes);
  await merge(directory, to, from, wish, nowMs);
}

/** Moves the secrets of the second factor, and says which methods the destination has secrets for then. @throws {RequestError} */
async function mergeSecondFactors(
  directory: Directory,
  to: Pick<EntityRecord, 'id' | 'mfaMethods'>,
  from: EntityRecord,
  force: boolean,
): Promise<readonly string[]> {
  const store = new MfaStore(directory.unit, directory.namespace);
  const held = new Set(to.mfaMethods);
  for (const id of from.mfaMethods ?? []) {
    if (held.has(id)) {
      if (force) continue;
      const conflict = `conflicting MFA config ID "${id}" in entity ID "${from.id}"`;
      throw invalidRequest(listed(conflict), { vaultStatus: 500 });
    }
    const secret = await store.secret(id, from.id);
    if (secret === undefined) continue;
    store.putSecret(id, to.id, secret);
    // What was used up stays used up.
    store.putUsedSteps(id, to.id, await store.usedSteps(id, from.id));
    held.add(id);
  }
  return [...held];
}

function clashesOf(to: EntityRecord, from: readonly EntityRecord[]): Clash[] {
  const clashes: Clash[] = [];
  const owners = new Map<string, string>();
  for (const entity of from) {
    for (const fromAlias of entity.aliases) {
      const { mountAccessor } = fromAlias;
      if (owners.has(mountAccessor)) {
        throw invalidRequest(
          `mount accessor ${mountAccessor} found in multiple fromEntities, merge should be done with one fromEntity at a time`,
        );
      }
      owners.set(mountAccessor, entity.id);
      const toAlias = to.aliases.find((alias) => alias.mountAccessor === mountAccessor);
      if (toAlias !== undefined) clashes.push({ from: entity, fromAlias, toAlias });
    }
  }
  return clashes;
}

async function clashError(
  directory: Directory,
  to: EntityRecord,
  clashes: readonly Clash[],
): Promise<RequestError> {
  const lines = [
    'toEntity and at least one fromEntity have aliases with the same mount accessor, repeat the merge request specifying exactly one fromEntity, clashes: ',
  ];
  const data: Record<string, unknown>[] = [];
  for (const { from, fromAlias, toAlias } of clashes) {
    lines.push(
      `mountAccessor: ${toAlias.mountAccessor}, toEntity ID: ${to.id}, fromEntity ID: ${from.id}, conflicting toEntity alias ID: ${toAlias.id}, conflicting fromEntity alias ID: ${fromAlias.id}`,
    );
    for (const [entity, alias] of [
      [to, toAlias],
      [from, fromAlias],
    ] as const) {
      const mount = await directory.mount(alias.mountAccessor);
      data.push({
        alias: alias.name,
        entity: entity.name,
        entity_id: entity.id,
        mount: mount?.type ?? '',
        mount_path: mount?.path ?? '',
      });
    }
  }
  const message = `${lines.length} errors occurred:\n${lines.map((line) => `\t* ${line}\n`).join('')}\n`;
  return invalidRequest(message, { data });
}

async function merge(
  directory: Directory,
  to: EntityRecord,
  from: readonly EntityRecord[],
  { keepAliasIds: keep, force }: Pick<MergeWish, 'keepAliasIds' | 'force'>,
  nowMs: number,
): Promise<void> {
  const settled = settledEntity(to);
  let { aliases, groups, mfaMethods = [] } = settled;
  const mergedIds = [...(settled.mergedIds ?? [])];
  for (const entity of from) {
    for (const alias of entity.aliases) {
      const own = aliases.find((each) => each.mountAccessor === alias.mountAccessor);
      if (own !== undefined) {
        if (keep.includes(own.id)) continue;
        if (!keep.includes(alias.id)) {
          throw invalidRequest(
            `conflicting mount accessors in following alias IDs and neither were present in conflicting_alias_ids_to_keep: ${alias.id}, ${own.id}`,
          );
        }
        aliases = aliases.filter((each) => each !== own);
      }
      const moved: AliasRecord = {
        ...settledAlias(alias),
        mergedFrom: [...(alias.mergedFrom ?? []), entity.id],
      };
      aliases = [...aliases, moved];
    }
    mergedIds.push(...(entity.mergedIds ?? []), entity.id);
    const joined = await directory.groups(entity.groups);
    await leaveGroups(directory, entity, joined, nowMs);
    const held = new Set(groups);
    const fresh = await directory.groups(
      joined.map((group) => group.id).filter((id) => !held.has(id)),
    );
    groups = await joinGroups(directory, { ...settled, groups }, fresh, nowMs);
    mfaMethods = await mergeSecondFactors(directory, { id: to.id, mfaMethods }, entity, force);
    directory.removeEntity(entity);
  }
  for (const id of mergedIds) directory.putMerged(id, to.id);
  directory.putEntity({ ...settled, aliases, groups, mfaMethods, mergedIds, updatedMs: nowMs }, to);
}
