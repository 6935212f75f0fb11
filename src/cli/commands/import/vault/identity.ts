/** Entities with their aliases, and groups with their members: by name, for ids are each server's own. */
import { isJsonObject } from '../../../../client/json.ts';
import type { JsonObject, JsonValue } from '../../../../client/json.ts';
import { holds } from '../compare.ts';
import { mountTable, textOf } from './mounts.ts';
import { guarded, namesOf, readMaybe, settle, settleAt } from './place.ts';
import type { Place, Settled } from './place.ts';
import { faultOfPath } from '../names.ts';

const SECTION = 'identity';

interface Found {
  readonly id: string;
  readonly name: string;
  readonly data: JsonObject;
}

export async function carryIdentity(place: Place): Promise<void> {
  const entities = await carried(place, 'entity');
  for (const [index, entity] of entities.entries()) {
    place.progress('entities', index, entities.length);
    const { data, name } = entity;
    const { metadata = {}, policies = [], disabled = false } = data;
    const made = await carryNamed(place, 'entity', name, {
      metadata: metadata ?? {},
      policies: policies ?? [],
      disabled,
    });
    if (made !== 'no')
      for (const alias of objects(data['aliases'])) await carryAlias(place, 'entity', name, alias);
  }
  const groups = await carried(place, 'group');
  const names = new Map([...entities, ...groups].map(({ id, name }) => [id, name]));
  for (const [index, group] of membersFirst(groups).entries()) {
    place.progress('groups', index, groups.length);
    await carryGroup(place, group, names);
  }
}

/** Groups in an order in which those that are members of others come before them. */
function membersFirst(groups: readonly Found[]): Found[] {
  const byId = new Map(groups.map((group) => [group.id, group]));
  const ordered = new Set<Found>();
  const entered = new Set<Found>();
  const open: { readonly group: Found; readonly members: string[] }[] = [];
  const enter = (group: Found): void => {
    entered.add(group);
    open.push({ group, members: strings(group.data['member_group_ids']) });
  };
  for (const group of groups) {
    if (!entered.has(group)) enter(group);
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const member = byId.get(top.members.pop() ?? '');
      if (member !== undefined && !entered.has(member)) enter(member);
      else if (top.members.length === 0) {
        open.pop();
        ordered.add(top.group);
      }
    }
  }
  return [...ordered];
}

async function carried(place: Place, kind: 'entity' | 'group'): Promise<Found[]> {
  const found: Found[] = [];
  for (const id of await namesOf(place, SECTION, `identity/${kind}/id`)) {
    await guarded(place, SECTION, `${kind}/${id}`, async () => {
      const data = await place.source.read(`identity/${kind}/id/${id}`);
      const name = textOf(data?.['name']);
      const fault = faultOfPath(name);
      if (data === undefined) return;
      if (fault !== undefined) throw new Error(`the name is refused: ${fault}`);
      found.push({ id, name, data });
    });
  }
  return found;
}

async function carryNamed(
  place: Place,
  kind: 'entity' | 'group',
  name: string,
  wanted: JsonObject,
): Promise<Settled> {
  const path = `identity/${kind}/name/${name}`;
  return await settleAt(place, path, {
    section: SECTION,
    name: `${kind} ${name}`,
    wanted,
  });
}

async function carryAlias(
  place: Place,
  kind: 'entity' | 'group',
  owner: string,
  alias: JsonObject,
): Promise<void> {
  const [name, mountPath] = [textOf(alias['name']), textOf(alias['mount_path'])];
  const label = `alias ${name} of ${kind} ${owner}`;
  await guarded(place, SECTION, label, async () => {
    const table = await mountTable(place, 'auth');
    const mount = table[mountPath.replace(/^auth\//, '')];
    const accessor = isJsonObject(mount) ? textOf(mount['accessor']) : '';
    if (accessor === '' && !place.ledger.dryRun) {
      place.ledger.lost(
        `${place.namespace}${label}`,
        `there is no auth method at ${mountPath} here`,
      );
      return;
    }
    const custom = alias['custom_metadata'];
    const notes = isJsonObject(custom) ? { custom_metadata: custom } : {};
    const ownerPath = `identity/${kind}/name/${owner}`;
    await settle(place, {
      section: SECTION,
      name: label,
      wanted: { name, mount_accessor: accessor, ...notes },
      read: async () => {
        const here = await readMaybe(place, ownerPath);
        const all =
          kind === 'entity' ? objects(here?.['aliases']) : objects([here?.['alias'] ?? null]);
        return all.find((one) => one['mount_accessor'] === accessor);
      },
      write: async () => {
        const canonical_id = textOf((await readMaybe(place, ownerPath))?.['id']);
        await place.target.post(`identity/${kind}-alias`, {
          name,
          mount_accessor: accessor,
          canonical_id,
          ...(kind === 'entity' ? notes : {}),
        });
      },
    });
  });
}

async function carryGroup(
  place: Place,
  group: Found,
  names: ReadonlyMap<string, string>,
): Promise<void> {
  const { name, data } = group;
  const type = textOf(data['type']) || 'internal';
  const label = `group ${name}`;
  await guarded(place, SECTION, label, async () => {
    const idsHere = async (kind: 'entity' | 'group', ids: readonly string[]): Promise<string[]> => {
      const here: string[] = [];
      for (const id of ids) {
        const member = names.get(id);
        if (member === undefined) continue;
        const found = await readMaybe(place, `identity/${kind}/name/${member}`);
        // In a dry run a member may be one that would be made.
        here.push(textOf(found?.['id']) || `new ${member}`);
      }
      return here.sort();
    };
    const members = await idsHere('entity', strings(data['member_entity_ids']));
    const inner = await idsHere('group', strings(data['member_group_ids']));
    const wanted: JsonObject = {
      type,
      metadata: data['metadata'] ?? {},
      policies: data['policies'] ?? [],
      ...(type === 'internal' ? { member_entity_ids: members, member_group_ids: inner } : {}),
    };
    const path = `identity/group/name/${name}`;
    const made = await settle(place, {
      section: SECTION,
      name: label,
      wanted,
      read: async () => await readMaybe(place, path),
      same: (here) =>
        holds(
          { ...here, ...sorted(here, 'member_entity_ids'), ...sorted(here, 'member_group_ids') },
          wanted,
        ),
      write: async () => await place.target.post(path, wanted),
    });
    const alias = data['alias'];
    if (made !== 'no' && isJsonObject(alias) && textOf(alias['name']) !== '') {
      await carryAlias(place, 'group', name, alias);
    }
  });
}

function sorted(data: JsonObject, name: string): JsonObject {
  return { [name]: strings(data[name]).sort() };
}

function strings(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function objects(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
