/** `identity/group-alias`: under which name an auth mount knows an external group. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound, permissionDenied } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Directory } from '../directory.ts';
import { freshGroup, setMembers } from '../groups.ts';
import { newAlias } from '../identity.ts';
import type { Identity } from '../identity.ts';
import { listGroupAliases } from '../listing.ts';
import { ALIAS_NAME_LENGTH_MAX, checkName, settledAlias, settledGroup } from '../records.ts';
import type { AliasRecord, GroupRecord } from '../records.ts';
import { shownAlias } from '../shown.ts';
import type { Reply } from '../../model/reply.ts';

const fields = {
  id: { kind: 'string', description: 'Id of the group alias.' },
  name: { kind: 'string', description: 'Name of the group at the auth mount.', default: '' },
  mount_accessor: { kind: 'string', description: 'Accessor of the auth mount.', default: '' },
  canonical_id: { kind: 'string', description: 'Id of the external group.', default: '' },
} as const;

interface AliasWish {
  readonly id?: string | undefined;
  readonly name: string;
  readonly mount_accessor: string;
  readonly canonical_id: string;
}

/** The external group that an alias is to belong to. @throws {RequestError} */
async function target(directory: Directory, id: string): Promise<GroupRecord> {
  const group = await directory.group(id);
  if (group === undefined) throw invalidRequest("invalid group ID given in 'canonical_id'");
  if (group.type !== 'external') throw invalidRequest("alias can't be set on an internal group");
  return group;
}

async function write(
  directory: Directory,
  request: Request<AliasWish>,
  previous: GroupRecord | undefined,
): Promise<Reply | undefined> {
  const { name, mount_accessor: accessor, canonical_id: canonicalId } = request.fields;
  const { nowMs } = request;
  if (name === '') throw invalidRequest('missing alias name');
  if (accessor === '') throw invalidRequest('missing mount_accessor');
  const known = previous?.alias ?? undefined;
  if (
    known?.name === name &&
    known.mountAccessor === accessor &&
    (canonicalId === '' || canonicalId === previous?.id)
  )
    return undefined;
  checkName(name, 'alias name', ALIAS_NAME_LENGTH_MAX);
  const chosen = canonicalId === '' ? previous : await target(directory, canonicalId);
  const mount = await directory.mount(accessor);
  if (mount === undefined) throw invalidRequest('invalid mount accessor');
  if (mount.namespaceId !== directory.namespace.id)
    throw permissionDenied('the mount is in another namespace');
  const taken = await directory.groupByAlias(accessor, name);
  if (taken !== undefined && taken.alias?.id !== known?.id)
    throw invalidRequest('combination of mount and group alias name is already in use');
  const alias: AliasRecord =
    known === undefined
      ? newAlias(directory, { name, accessor, metadata: null, customMetadata: null }, nowMs)
      : { ...settledAlias(known), name, mountAccessor: accessor, updatedMs: nowMs };
  const base =
    chosen === undefined ? freshGroup(directory, 'external', nowMs) : settledGroup(chosen);
  if (previous !== undefined && previous.id !== base.id) await take(directory, previous, nowMs);
  // Members came by the alias that the group had: under another one they are members no more (CVE-2020-10660).
  const replaced = chosen !== undefined && chosen.alias !== null && chosen.alias.id !== alias.id;
  if (replaced) await setMembers(directory, chosen, []);
  directory.putGroup(
    { ...base, alias, modifyIndex: base.modifyIndex + 1, updatedMs: nowMs },
    chosen,
  );
  return { data: { canonical_id: base.id, id: alias.id } };
}

/** Takes the alias from a group, and with it the members that it brought. */
async function take(directory: Directory, group: GroupRecord, nowMs: number): Promise<void> {
  await setMembers(directory, group, []);
  const settled = settledGroup(group);
  directory.putGroup(
    { ...settled, alias: null, modifyIndex: settled.modifyIndex + 1, updatedMs: nowMs },
    group,
  );
}

async function writeById(
  directory: Directory,
  request: Request<AliasWish>,
): Promise<Reply | undefined> {
  const group = await directory.groupByAliasId(request.fields.id ?? '');
  if (group === undefined) throw invalidRequest('invalid group alias ID');
  return await write(directory, request, group);
}

export function groupAliasPaths(identity: Identity): Path<Unit>[] {
  const at = (request: Pick<Request, 'namespace'>, unit: Unit): Directory =>
    identity.in(unit, request.namespace);
  return [
    defineSystemPath({
      pattern: 'group-alias',
      fields,
      help: { synopsis: 'Creates the alias of an external group, or changes it.' },
      operations: {
        update: {
          summary: 'Create or change a group alias',
          handler: (request, unit) =>
            request.fields.id === undefined
              ? write(at(request, unit), request, undefined)
              : writeById(at(request, unit), request),
        },
      },
    }),
    defineSystemPath({
      pattern: 'group-alias/id',
      fields: {},
      help: { synopsis: 'Lists the group aliases by id.' },
      operations: {
        list: {
          summary: 'List group aliases',
          handler: (request, unit) => listGroupAliases(at(request, unit)),
        },
      },
    }),
    defineSystemPath({
      pattern: 'group-alias/id/{id}',
      fields,
      help: { synopsis: 'Reads, changes and deletes the group alias of an id.' },
      operations: {
        read: {
          summary: 'Read a group alias',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            const group = await directory.groupByAliasId(request.fields.id ?? '');
            if (group === undefined || group.alias === null) throw notFound();
            const shown = await shownAlias(directory, group.alias, group.id);
            return { data: { ...shown, namespace_id: request.namespace.id } };
          },
        },
        update: {
          summary: 'Change a group alias',
          handler: (request, unit) => writeById(at(request, unit), request),
        },
        delete: {
          summary: 'Delete a group alias',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            const group = await directory.groupByAliasId(request.fields.id ?? '');
            if (group !== undefined) await take(directory, group, request.nowMs);
            return undefined;
          },
        },
      },
    }),
  ];
}
