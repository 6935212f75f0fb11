/** Listings of identities: a page of ids at a time, each page read in a unit of its own. */
import { invalidRequest, notFound } from '../model/errors.ts';
import type { Directory, Listed } from './directory.ts';
import { LISTED_MAX } from './records.ts';
import type { AliasRecord, EntityRecord, GroupRecord } from './records.ts';
import { aliasInfo, entityInfo, ownedAliasInfo } from './shown.ts';
import type { Reply } from '../model/reply.ts';

/** Hands every page to `take`. @throws {RequestError} when there are too many, or none */
async function eachPage(
  directory: Directory,
  what: Listed,
  take: (aside: Directory, ids: readonly string[]) => Promise<void>,
): Promise<void> {
  let count = 0;
  for (let after = ''; ;) {
    const aside = directory.aside();
    const ids = await aside.ids(what, after);
    const last = ids.at(-1);
    if (last === undefined) break;
    count += ids.length;
    if (count > LISTED_MAX)
      throw invalidRequest(`there are more than ${LISTED_MAX}: look them up instead`);
    await take(aside, ids);
    after = last;
  }
  if (count === 0) throw notFound();
}

type Info = Record<string, unknown>;

export async function listEntities(directory: Directory, by: 'id' | 'name'): Promise<Reply> {
  const keys: string[] = [];
  const info: [string, Info][] = [];
  await eachPage(directory, 'entity', async (aside, ids) => {
    for (const entity of await aside.entities(ids)) {
      if (entity === undefined) continue;
      keys.push(by === 'id' ? entity.id : entity.name);
      if (by === 'id') info.push([entity.id, await entityInfo(aside, entity)]);
    }
  });
  return { data: by === 'id' ? { key_info: Object.fromEntries(info), keys } : { keys } };
}

async function groupInfo(directory: Directory, group: GroupRecord): Promise<Info> {
  return {
    name: group.name,
    num_member_entities: (await directory.membersOf(group.id)).length,
    num_parent_groups: group.parents?.length ?? 0,
    ...(group.alias === null ? {} : { alias: await ownedAliasInfo(directory, group.alias) }),
  };
}

export async function listGroups(directory: Directory, by: 'id' | 'name'): Promise<Reply> {
  const keys: string[] = [];
  const info: [string, Info][] = [];
  await eachPage(directory, 'group', async (aside, ids) => {
    for (const group of await aside.groups(ids)) {
      keys.push(by === 'id' ? group.id : group.name);
      if (by === 'id') info.push([group.id, await groupInfo(aside, group)]);
    }
  });
  return { data: by === 'id' ? { key_info: Object.fromEntries(info), keys } : { keys } };
}

async function listAliases(
  directory: Directory,
  what: 'entityAlias' | 'groupAlias',
  aliasesOf: (
    aside: Directory,
    owners: readonly string[],
  ) => Promise<readonly { readonly ownerId: string; readonly alias: AliasRecord }[]>,
): Promise<Reply> {
  const info = new Map<string, Info>();
  await eachPage(directory, what, async (aside, ids) => {
    const page = new Set(ids);
    const owners = await aside.ownersOf(what, ids);
    for (const { ownerId, alias } of await aliasesOf(aside, [...new Set(owners)])) {
      if (page.has(alias.id)) info.set(alias.id, await aliasInfo(aside, alias, ownerId));
    }
  });
  return { data: { key_info: Object.fromEntries(info), keys: [...info.keys()] } };
}

export async function listEntityAliases(directory: Directory): Promise<Reply> {
  return await listAliases(directory, 'entityAlias', async (aside, owners) =>
    (await aside.entities(owners))
      .filter((entity): entity is EntityRecord => entity !== undefined)
      .flatMap((entity) => entity.aliases.map((alias) => ({ ownerId: entity.id, alias }))),
  );
}

export async function listGroupAliases(directory: Directory): Promise<Reply> {
  return await listAliases(directory, 'groupAlias', async (aside, owners) =>
    (await aside.groups(owners)).flatMap((group) =>
      group.alias === null ? [] : [{ ownerId: group.id, alias: group.alias }],
    ),
  );
}
