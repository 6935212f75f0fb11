/** `identity/entity-alias`: the names under which auth mounts know an entity. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound, permissionDenied } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Directory } from '../directory.ts';
import { newAlias } from '../identity.ts';
import type { Identity } from '../identity.ts';
import { listEntityAliases } from '../listing.ts';
import {
  ALIAS_NAME_LENGTH_MAX,
  checkMetadata,
  checkName,
  sameTexts,
  settledAlias,
  settledEntity,
  writtenTexts,
} from '../records.ts';
import type { AliasRecord, EntityRecord, Texts } from '../records.ts';
import { shownAlias } from '../shown.ts';
import type { Reply } from '../../model/reply.ts';

const fields = {
  id: { kind: 'string', description: 'Id of the alias.' },
  entity_id: { kind: 'string', description: 'Old name of canonical_id.', deprecated: true },
  canonical_id: { kind: 'string', description: 'Id of the entity; a new one without it.' },
  mount_accessor: { kind: 'string', description: 'Accessor of the auth mount.' },
  name: { kind: 'string', description: 'Name at the auth mount; case does not count.' },
  custom_metadata: { kind: 'string_map', description: 'Metadata of the alias.' },
} as const;

interface AliasWish {
  readonly id?: string | undefined;
  readonly entity_id?: string | undefined;
  readonly canonical_id?: string | undefined;
  readonly mount_accessor?: string | undefined;
  readonly name?: string | undefined;
  readonly custom_metadata?: Texts | undefined;
}

interface Owned {
  readonly entity: EntityRecord;
  readonly alias: AliasRecord;
}

function answer(aliasId: string, entityId: string): Reply {
  return { data: { canonical_id: entityId, id: aliasId } };
}

/** @throws {RequestError} when no mount of this namespace has the accessor */
async function checkMount(directory: Directory, accessor: string): Promise<void> {
  const mount = await directory.mount(accessor);
  if (mount === undefined) throw invalidRequest('invalid mount accessor');
  if (mount.namespaceId !== directory.namespace.id)
    throw permissionDenied('the mount is in another namespace');
}

async function write(
  directory: Directory,
  request: Request<AliasWish>,
): Promise<Reply | undefined> {
  const { id = '', custom_metadata: custom } = request.fields;
  const canonicalId = request.fields.canonical_id || (request.fields.entity_id ?? '');
  const name = request.fields.name ?? '';
  const accessor = request.fields.mount_accessor ?? '';
  checkMetadata(custom, 'custom');
  if (id !== '') {
    const known = await directory.entityByAliasId(id);
    if (known === undefined) throw invalidRequest('invalid alias ID provided');
    if (name === '' && accessor === '' && canonicalId === '' && custom === undefined)
      return undefined;
    return await change(directory, known, {
      name: name || known.alias.name,
      accessor: accessor || known.alias.mountAccessor,
      canonicalId,
      custom: writtenTexts(
        request.data['custom_metadata'],
        custom,
        settledAlias(known.alias).customMetadata,
      ),
      nowMs: request.nowMs,
    });
  }
  if (accessor === '' || name === '')
    throw invalidRequest("'id' or 'mount_accessor' and 'name' must be provided");
  await checkMount(directory, accessor);
  const wish = {
    name,
    accessor,
    canonicalId,
    custom: writtenTexts(request.data['custom_metadata'], custom, {}),
    nowMs: request.nowMs,
  };
  const known = await directory.entityByAlias(accessor, name);
  return known === undefined ? await create(directory, wish) : await change(directory, known, wish);
}

interface Wish {
  readonly name: string;
  readonly accessor: string;
  readonly canonicalId: string;
  readonly custom: Texts | null;
  readonly nowMs: number;
}

async function create(directory: Directory, wish: Wish): Promise<Reply> {
  checkName(wish.name, 'alias name', ALIAS_NAME_LENGTH_MAX);
  const before = wish.canonicalId === '' ? undefined : await directory.entity(wish.canonicalId);
  if (wish.canonicalId !== '' && before === undefined) throw invalidRequest('invalid canonical ID');
  if (before?.aliases.some((alias) => alias.mountAccessor === wish.accessor) === true)
    throw invalidRequest('Alias already exists for requested entity and mount accessor');
  const alias = newAlias(
    directory,
    { name: wish.name, accessor: wish.accessor, metadata: null, customMetadata: wish.custom },
    wish.nowMs,
  );
  const base: EntityRecord =
    before === undefined
      ? {
          id: directory.newId(),
          name: directory.newName('entity'),
          metadata: null,
          policies: [],
          disabled: false,
          createdMs: wish.nowMs,
          updatedMs: wish.nowMs,
          mergedIds: null,
          aliases: [],
          groups: [],
        }
      : settledEntity(before);
  directory.putEntity({ ...base, aliases: [...base.aliases, alias] }, before);
  return answer(alias.id, base.id);
}

/** Never takes an alias that is somebody else's: same mount and name as another one is refused (CVE-2021-41802). */
async function change(directory: Directory, known: Owned, wish: Wish): Promise<Reply | undefined> {
  const { entity, alias } = known;
  const moves = wish.canonicalId !== '' && wish.canonicalId !== entity.id;
  const renamed = wish.name !== alias.name || wish.accessor !== alias.mountAccessor;
  if (!moves && !renamed && sameTexts(wish.custom, alias.customMetadata)) return undefined;
  if (renamed) {
    checkName(wish.name, 'alias name', ALIAS_NAME_LENGTH_MAX);
    await checkMount(directory, wish.accessor);
    const taken = await directory.entityByAlias(wish.accessor, wish.name);
    if (taken !== undefined && taken.alias.id !== alias.id)
      throw invalidRequest('alias with combination of mount accessor and name already exists');
  }
  const holder = moves ? await directory.entity(wish.canonicalId) : entity;
  if (holder === undefined)
    throw invalidRequest("given 'canonical_id' is not associated with an entity");
  const others = holder.aliases.filter((each) => each.id !== alias.id);
  if (others.some((each) => each.mountAccessor === wish.accessor)) {
    throw invalidRequest(
      moves
        ? 'Alias cannot be updated as the given entity already has an alias for this mount '
        : "Alias cannot be updated as the entity already has an alias for the given 'mount_accessor' ",
    );
  }
  const next: AliasRecord = {
    ...settledAlias(alias),
    name: wish.name,
    mountAccessor: wish.accessor,
    customMetadata: wish.custom,
    updatedMs: wish.nowMs,
  };
  const settled = settledEntity(holder);
  if (moves) {
    const left = settledEntity(entity);
    directory.putEntity(
      { ...left, aliases: left.aliases.filter((each) => each.id !== alias.id) },
      entity,
    );
    directory.putEntity({ ...settled, aliases: [...settled.aliases, next] }, holder);
  } else {
    const aliases = settled.aliases.map((each) => (each.id === alias.id ? next : each));
    directory.putEntity({ ...settled, aliases }, holder);
  }
  return answer(alias.id, holder.id);
}

async function remove(directory: Directory, id: string): Promise<void> {
  const known = await directory.entityByAliasId(id);
  if (known === undefined) return;
  const settled = settledEntity(known.entity);
  const aliases = settled.aliases.filter((alias) => alias.id !== id);
  directory.putEntity({ ...settled, aliases }, known.entity);
}

/** What they are called, and were before Vault 0.9.0: clients of that age still ask so. */
const NAMES = ['entity-alias', 'alias', 'persona'] as const;

export function entityAliasPaths(identity: Identity): Path<Unit>[] {
  return NAMES.flatMap((name) => pathsAt(name, identity));
}

function pathsAt(name: (typeof NAMES)[number], identity: Identity): Path<Unit>[] {
  const at = (request: Pick<Request, 'namespace'>, unit: Unit): Directory =>
    identity.in(unit, request.namespace);
  return [
    defineSystemPath({
      pattern: name,
      fields,
      help: { synopsis: 'Creates an alias of an entity, or changes it.' },
      operations: {
        update: {
          summary: 'Create or change an entity alias',
          handler: (request, unit) => write(at(request, unit), request),
        },
      },
    }),
    defineSystemPath({
      pattern: `${name}/id`,
      fields: {},
      help: { synopsis: 'Lists the entity aliases by id.' },
      operations: {
        list: {
          summary: 'List entity aliases',
          handler: (request, unit) => listEntityAliases(at(request, unit)),
        },
      },
    }),
    defineSystemPath({
      pattern: `${name}/id/{id}`,
      fields,
      help: { synopsis: 'Reads, changes and deletes the entity alias of an id.' },
      operations: {
        read: {
          summary: 'Read an entity alias',
          handler: async (request, unit) => {
            const directory = at(request, unit);
            const known = await directory.entityByAliasId(request.fields.id ?? '');
            if (known === undefined) throw notFound();
            const shown = await shownAlias(directory, known.alias, known.entity.id);
            return { data: { ...shown, namespace_id: request.namespace.id } };
          },
        },
        update: {
          summary: 'Change an entity alias',
          handler: (request, unit) => write(at(request, unit), request),
        },
        delete: {
          summary: 'Delete an entity alias',
          handler: async (request, unit) => {
            await remove(at(request, unit), request.fields.id ?? '');
            return undefined;
          },
        },
      },
    }),
  ];
}
