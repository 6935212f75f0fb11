/** `identity/entity`: entities by id and by name, merging and deleting many. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Directory } from '../directory.ts';
import { newEntity } from '../identity.ts';
import type { Identity } from '../identity.ts';
import { listEntities } from '../listing.ts';
import { leaveGroups } from '../membership.ts';
import { mergeEntities } from '../merge.ts';
import { assertNoConflict } from '../roles/exclusions.ts';
import {
  MEMBERS_AT_ONCE_MAX,
  checkMetadata,
  checkName,
  checkedPolicies,
  settledEntity,
  writtenTexts,
} from '../records.ts';
import type { EntityRecord, Texts } from '../records.ts';
import { shownEntity } from '../shown.ts';
import type { Reply } from '../../model/reply.ts';

const writeFields = {
  id: { kind: 'string', description: 'Id of the entity.' },
  name: { kind: 'string', description: 'Name of the entity; case does not count.' },
  metadata: { kind: 'string_map', description: 'Metadata of the entity.' },
  policies: { kind: 'comma_string_list', description: 'Policies of the entity.' },
  disabled: { kind: 'bool', description: 'Tokens of a disabled entity cannot be used.' },
} as const;

interface EntityWish {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly metadata?: Texts | undefined;
  readonly policies?: readonly string[] | undefined;
  readonly disabled?: boolean | undefined;
}

async function write(
  directory: Directory,
  request: Request<EntityWish>,
): Promise<Reply | undefined> {
  const { id = '', name = '', metadata, policies, disabled } = request.fields;
  let before: EntityRecord | undefined;
  if (id !== '') {
    before = await directory.entity(id);
    if (before === undefined) throw invalidRequest('entity not found from id');
  }
  if (name !== '') {
    checkName(name, 'entity name');
    const named = await directory.entityByName(name);
    if (named !== undefined && before !== undefined && named.id !== before.id)
      throw invalidRequest('entity name is already in use');
    before ??= named;
  }
  checkMetadata(metadata, 'entity');
  const base = before === undefined ? newEntity(directory, request.nowMs) : settledEntity(before);
  const entity: EntityRecord = {
    ...base,
    name: name === '' ? base.name : name,
    metadata: writtenTexts(request.data['metadata'], metadata, base.metadata),
    policies: policies === undefined ? base.policies : checkedPolicies(policies),
    disabled: disabled ?? base.disabled,
    updatedMs: request.nowMs,
  };
  directory.putEntity(entity, before);
  if (policies !== undefined) await assertNoConflict(directory, { entityIds: [entity.id] });
  if (before !== undefined) return undefined;
  return { data: { aliases: null, id: entity.id, name: entity.name } };
}

async function remove(
  directory: Directory,
  entity: EntityRecord | undefined,
  nowMs: number,
): Promise<void> {
  if (entity === undefined) return;
  await leaveGroups(directory, entity, await directory.groups(entity.groups), nowMs);
  for (const id of entity.mergedIds ?? []) directory.removeMerged(id);
  directory.removeEntity(entity);
}

async function shown(directory: Directory, entity: EntityRecord | undefined): Promise<Reply> {
  if (entity === undefined) throw notFound();
  return { data: await shownEntity(directory, entity) };
}

export function entityPaths(identity: Identity): Path<Unit>[] {
  const at = (request: Pick<Request, 'namespace'>, unit: Unit): Directory =>
    identity.in(unit, request.namespace);
  return [
    defineSystemPath({
      pattern: 'entity',
      fields: writeFields,
      help: { synopsis: 'Creates an entity, or changes the one of that id or name.' },
      operations: {
        update: {
          summary: 'Create or change an entity',
          handler: (request, unit) => write(at(request, unit), request),
        },
      },
    }),
    defineSystemPath({
      pattern: 'entity/batch-delete',
      fields: {
        entity_ids: { kind: 'comma_string_list', description: 'Ids of the entities.', default: [] },
      },
      help: { synopsis: 'Deletes several entities.' },
      operations: {
        update: {
          summary: 'Delete entities',
          handler: async (request, unit) => {
            const ids = [...new Set(request.fields.entity_ids)];
            if (ids.length === 0) throw invalidRequest('missing entity ids to delete');
            if (ids.includes('')) throw invalidRequest('missing entity id');
            if (ids.length > MEMBERS_AT_ONCE_MAX)
              throw invalidRequest(`at most ${MEMBERS_AT_ONCE_MAX} entities at once`);
            const directory = at(request, unit);
            for (const id of ids)
              await remove(directory, await directory.entity(id), request.nowMs);
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'entity/merge[/]',
      fields: {
        from_entity_ids: {
          kind: 'comma_string_list',
          description: 'Ids of the entities that go.',
          default: [],
        },
        to_entity_id: { kind: 'string', description: 'Id of the entity that stays.', default: '' },
        force: {
          kind: 'bool',
          description: 'Where both have a second factor, that of the entity that stays is kept.',
        },
        conflicting_alias_ids_to_keep: {
          kind: 'comma_string_list',
          description: 'Aliases to keep where both have one at the same mount.',
          default: [],
        },
      },
      help: { synopsis: 'Merges entities into one, with their aliases, groups and tokens.' },
      operations: {
        update: {
          summary: 'Merge entities',
          handler: async (request, unit) => {
            const { fields } = request;
            if (fields.from_entity_ids.length === 0)
              throw invalidRequest('missing entity ids to merge from');
            if (fields.to_entity_id === '') throw invalidRequest('missing entity id to merge to');
            const wish = {
              toId: fields.to_entity_id,
              fromIds: fields.from_entity_ids,
              keepAliasIds: fields.conflicting_alias_ids_to_keep,
              force: fields.force ?? false,
            };
            const directory = at(request, unit);
            await mergeEntities(directory, wish, request.nowMs);
            await assertNoConflict(directory, { entityIds: [wish.toId] });
            return undefined;
          },
        },
      },
    }),
    ...(['id', 'name'] as const).map((by) =>
      defineSystemPath({
        pattern: `entity/${by}`,
        fields: {},
        help: { synopsis: `Lists the entities by ${by}.` },
        operations: {
          list: {
            summary: `List entities by ${by}`,
            handler: (request, unit) => listEntities(at(request, unit), by),
          },
        },
      }),
    ),
    defineSystemPath({
      pattern: 'entity/id/{id}',
      fields: writeFields,
      help: { synopsis: 'Reads, changes and deletes the entity of an id.' },
      operations: {
        read: {
          summary: 'Read an entity',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            return await shown(directory, await directory.entity(request.fields.id ?? ''));
          },
        },
        update: {
          summary: 'Change an entity',
          handler: (request, unit) => write(at(request, unit), request),
        },
        delete: {
          summary: 'Delete an entity',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            const entity = await directory.entity(request.fields.id ?? '');
            await remove(directory, entity, request.nowMs);
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'entity/name/{name..+}',
      fields: writeFields,
      help: { synopsis: 'Creates, reads, changes and deletes the entity of a name.' },
      operations: {
        read: {
          summary: 'Read an entity by name',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            return await shown(directory, await directory.entityByName(request.fields.name ?? ''));
          },
        },
        update: {
          summary: 'Create or change an entity by name',
          handler: (request, unit) => write(at(request, unit), request),
        },
        delete: {
          summary: 'Delete an entity by name',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            const entity = await directory.entityByName(request.fields.name ?? '');
            await remove(directory, entity, request.nowMs);
            return undefined;
          },
        },
      },
    }),
  ];
}
