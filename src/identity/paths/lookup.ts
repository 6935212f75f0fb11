/** `identity/lookup`: an entity or group by whatever is known of it. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Directory } from '../directory.ts';
import type { Identity } from '../identity.ts';
import type { EntityRecord, GroupRecord } from '../records.ts';
import { shownEntity, shownGroup } from '../shown.ts';
import type { Reply } from '../../model/reply.ts';

const fields = {
  name: { kind: 'string', description: 'Name.' },
  id: { kind: 'string', description: 'Id.' },
  alias_id: { kind: 'string', description: 'Id of an alias.' },
  alias_name: { kind: 'string', description: 'Name of an alias, with alias_mount_accessor.' },
  alias_mount_accessor: { kind: 'string', description: 'Accessor of the mount of the alias.' },
} as const;

interface Question {
  readonly name?: string | undefined;
  readonly id?: string | undefined;
  readonly alias_id?: string | undefined;
  readonly alias_name?: string | undefined;
  readonly alias_mount_accessor?: string | undefined;
}

/** One way to look something up, of those that there are. */
interface Ways<T> {
  byId(id: string): Promise<T | undefined>;
  byName(name: string): Promise<T | undefined>;
  byAliasId(id: string): Promise<T | undefined>;
  byAlias(accessor: string, name: string): Promise<T | undefined>;
}

/** @throws {RequestError} unless exactly one thing is asked for */
async function find<T>(question: Question, ways: Ways<T>): Promise<T | undefined> {
  const { id, name, alias_id: aliasId, alias_name: alias, alias_mount_accessor: mount } = question;
  const count = [id, name, aliasId, alias, mount].filter((value) => value !== undefined).length;
  if (count === 0) throw invalidRequest('query parameter not supplied');
  const byAlias = alias !== undefined && alias !== '' && mount !== undefined && mount !== '';
  if (count > 1 && !(count === 2 && byAlias)) {
    throw invalidRequest(
      'query parameter conflict; please supply distinct set of query parameters',
    );
  }
  if (count === 1 && (alias !== undefined || mount !== undefined))
    throw invalidRequest("both 'alias_name' and 'alias_mount_accessor' needs to be set");
  if (id !== undefined) return await ways.byId(id);
  if (name !== undefined) return await ways.byName(name);
  if (aliasId !== undefined) return await ways.byAliasId(aliasId);
  return byAlias ? await ways.byAlias(mount, alias) : undefined;
}

function entityWays(directory: Directory): Ways<EntityRecord> {
  return {
    byId: (id) => directory.entity(id),
    byName: (name) => directory.entityByName(name),
    byAliasId: async (id) => (await directory.entityByAliasId(id))?.entity,
    byAlias: async (accessor, name) => (await directory.entityByAlias(accessor, name))?.entity,
  };
}

function groupWays(directory: Directory): Ways<GroupRecord> {
  return {
    byId: (id) => directory.group(id),
    byName: (name) => directory.groupByName(name),
    byAliasId: (id) => directory.groupByAliasId(id),
    byAlias: (accessor, name) => directory.groupByAlias(accessor, name),
  };
}

export function lookupPaths(identity: Identity): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'lookup/entity',
      fields,
      help: { synopsis: 'Looks an entity up by id, name or alias.' },
      operations: {
        update: {
          summary: 'Look an entity up',
          handler: async (request, unit): Promise<Reply | undefined> => {
            const directory = identity.in(unit, request.namespace);
            const entity = await find(request.fields, entityWays(directory));
            if (entity === undefined) return undefined;
            return { data: await shownEntity(directory, entity) };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'lookup/group',
      fields,
      help: { synopsis: 'Looks a group up by id, name or alias.' },
      operations: {
        update: {
          summary: 'Look a group up',
          handler: async (request, unit): Promise<Reply | undefined> => {
            const directory = identity.in(unit, request.namespace);
            const group = await find(request.fields, groupWays(directory));
            if (group === undefined) return undefined;
            return { data: await shownGroup(directory, group) };
          },
        },
      },
    }),
  ];
}
