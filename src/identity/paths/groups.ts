/** `identity/group`: groups by id and by name, their members and the groups in them. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Directory } from '../directory.ts';
import { freshGroup, removeGroup, setChildren, setMembers } from '../groups.ts';
import type { Identity } from '../identity.ts';
import { listGroups } from '../listing.ts';
import { assertNoConflict } from '../roles/exclusions.ts';
import {
  checkMetadata,
  checkName,
  checkedPolicies,
  settledGroup,
  writtenTexts,
} from '../records.ts';
import type { GroupRecord, GroupType, Texts } from '../records.ts';
import { shownGroup } from '../shown.ts';
import type { Reply } from '../../model/reply.ts';

const writeFields = {
  id: { kind: 'string', description: 'Id of the group.' },
  type: { kind: 'string', description: 'Kind of the group: internal or external.' },
  name: { kind: 'string', description: 'Name of the group; case does not count.' },
  metadata: { kind: 'string_map', description: 'Metadata of the group.' },
  policies: { kind: 'comma_string_list', description: 'Policies of the members.' },
  member_group_ids: { kind: 'comma_string_list', description: 'Ids of the groups in it.' },
  member_entity_ids: { kind: 'comma_string_list', description: 'Ids of the entities in it.' },
} as const;

interface GroupWish {
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  readonly name?: string | undefined;
  readonly metadata?: Texts | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly member_group_ids?: readonly string[] | undefined;
  readonly member_entity_ids?: readonly string[] | undefined;
}

function typeOf(before: GroupRecord | undefined, wanted: string | undefined): GroupType {
  if (before !== undefined) {
    if (wanted !== undefined && wanted !== before.type)
      throw invalidRequest('group type cannot be changed');
    return before.type;
  }
  const type = wanted === undefined || wanted === '' ? 'internal' : wanted;
  if (type !== 'internal' && type !== 'external') throw invalidRequest('invalid group type');
  return type;
}

async function write(
  directory: Directory,
  request: Request<GroupWish>,
  before: GroupRecord | undefined,
): Promise<Reply | undefined> {
  const { fields, nowMs } = request;
  const type = typeOf(before, fields.type);
  const { name = '' } = fields;
  if (name === '' && request.data['name'] !== undefined) throw invalidRequest('empty group name');
  if (name !== '') {
    checkName(name, 'group name');
    const named = await directory.groupByName(name);
    if (named !== undefined && named.id !== before?.id)
      throw invalidRequest('group name is already in use');
  }
  if (type === 'external') {
    if (fields.member_entity_ids !== undefined)
      throw invalidRequest("member entities can't be set manually for external groups");
    if (fields.member_group_ids !== undefined)
      throw invalidRequest("member groups can't be set for external groups");
  }
  checkMetadata(fields.metadata, 'group');
  const base = before === undefined ? freshGroup(directory, type, nowMs) : settledGroup(before);
  let group: GroupRecord = {
    ...base,
    name: name === '' ? base.name : name,
    policies: fields.policies === undefined ? base.policies : checkedPolicies(fields.policies),
    metadata: writtenTexts(request.data['metadata'], fields.metadata, base.metadata),
    modifyIndex: base.modifyIndex + 1,
    updatedMs: nowMs,
  };
  if (fields.member_entity_ids !== undefined) {
    const count = await setMembers(directory, group, fields.member_entity_ids);
    group = { ...group, emptied: count === 0 };
  }
  if (fields.member_group_ids !== undefined)
    await setChildren(directory, group, fields.member_group_ids, nowMs);
  directory.putGroup(group, before);
  // As they were before, and those that have come.
  await assertNoConflict(directory, {
    entityIds: fields.member_entity_ids ?? [],
    groupIds: [group.id, ...(fields.member_group_ids ?? [])],
  });
  if (before !== undefined) return undefined;
  return { data: { id: group.id, name: group.name } };
}

async function writeById(
  directory: Directory,
  request: Request<GroupWish>,
): Promise<Reply | undefined> {
  const before = await directory.group(request.fields.id ?? '');
  if (before === undefined) throw invalidRequest('invalid group ID');
  return await write(directory, request, before);
}

async function writeByName(
  directory: Directory,
  request: Request<GroupWish>,
): Promise<Reply | undefined> {
  const { name = '' } = request.fields;
  const before = name === '' ? undefined : await directory.groupByName(name);
  return await write(directory, request, before);
}

async function shown(directory: Directory, group: GroupRecord | undefined): Promise<Reply> {
  if (group === undefined) throw notFound();
  return { data: await shownGroup(directory, group) };
}

export function groupPaths(identity: Identity): Path<Unit>[] {
  const at = (request: Pick<Request, 'namespace'>, unit: Unit): Directory =>
    identity.in(unit, request.namespace);
  return [
    defineSystemPath({
      pattern: 'group',
      fields: writeFields,
      help: { synopsis: 'Creates a group, or changes the one of that id or name.' },
      operations: {
        update: {
          summary: 'Create or change a group',
          handler: (request, unit) =>
            request.fields.id === undefined
              ? writeByName(at(request, unit), request)
              : writeById(at(request, unit), request),
        },
      },
    }),
    ...(['id', 'name'] as const).map((by) =>
      defineSystemPath({
        pattern: `group/${by}`,
        fields: {},
        help: { synopsis: `Lists the groups by ${by}.` },
        operations: {
          list: {
            summary: `List groups by ${by}`,
            handler: (request, unit) => listGroups(at(request, unit), by),
          },
        },
      }),
    ),
    defineSystemPath({
      pattern: 'group/id/{id}',
      fields: writeFields,
      help: { synopsis: 'Reads, changes and deletes the group of an id.' },
      operations: {
        read: {
          summary: 'Read a group',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            return await shown(directory, await directory.group(request.fields.id ?? ''));
          },
        },
        update: {
          summary: 'Change a group',
          handler: (request, unit) => writeById(at(request, unit), request),
        },
        delete: {
          summary: 'Delete a group',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            const group = await directory.group(request.fields.id ?? '');
            await removeGroup(directory, group, request.nowMs);
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'group/name/{name..+}',
      fields: writeFields,
      help: { synopsis: 'Creates, reads, changes and deletes the group of a name.' },
      operations: {
        read: {
          summary: 'Read a group by name',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            return await shown(directory, await directory.groupByName(request.fields.name ?? ''));
          },
        },
        update: {
          summary: 'Create or change a group by name',
          handler: (request, unit) => writeByName(at(request, unit), request),
        },
        delete: {
          summary: 'Delete a group by name',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            const group = await directory.groupByName(request.fields.name ?? '');
            await removeGroup(directory, group, request.nowMs);
            return undefined;
          },
        },
      },
    }),
  ];
}
