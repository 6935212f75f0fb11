/**
 * The identities of one namespace as one unit sees them. Every look-up is a point read: by id, by name and by alias, the
 * last two over hashes, so that keys have a fixed length and tell no names. Nothing is ever loaded as a whole.
 */
import { uuid } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import { invalidRequest } from '../model/errors.ts';
import { namesBelow } from '../model/listing/list-names.ts';
import type { Transaction, Unit } from '../model/transaction.ts';
import { MfaStore } from './mfa/mfa-store.ts';
import { RoleStore } from './roles/role-store.ts';
import { GROUPS_OF_ENTITY_MAX, isId } from './records.ts';
import type { AliasRecord, EntityRecord, GroupRecord } from './records.ts';
import type { NamespaceRef } from '../model/principal.ts';

/** What is shown of the auth mount behind an alias. */
export interface AliasMount {
  readonly type: string;
  /** `auth/userpass/`. */
  readonly path: string;
  readonly namespaceId: string;
}

export interface IdentityPorts {
  readonly random: Random;
  /** Keyed hash, hex. */
  readonly hash: (text: string) => string;
  /** The caches of this namespace's identities are out of date with this unit's commit. */
  readonly changed: (unit: Unit, namespaceId: string) => void;
  /** The unit's commit depends on that no identity of this namespace changes from here on, listed or not. */
  readonly holdStill: (unit: Unit, namespaceId: string) => Promise<void>;
  /** The mount of an accessor, undefined when there is none (any more). */
  readonly mount: (unit: Unit, accessor: string) => Promise<AliasMount | undefined>;
  /** A unit that only reads: for listings. */
  readonly begin: () => Unit;
}

interface AliasPlace {
  readonly ownerId: string;
  readonly aliasId: string;
}

const ENTITY = 'entity/';
const ENTITY_NAME = 'entity-name/';
const ENTITY_ALIAS = 'alias/';
const ENTITY_ALIAS_ID = 'alias-id/';
const MERGED = 'merged/';
const GROUP = 'group/';
const GROUP_NAME = 'group-name/';
const GROUP_ALIAS = 'group-alias/';
const GROUP_ALIAS_ID = 'group-alias-id/';
const MEMBER = 'group-member/';
const CHILD = 'group-child/';
const PRESENT = '1';
/** Ids that a listing reads at a time. */
const IDS_AT_ONCE = 500;
const ROOT_NAMESPACE = 'root';

/** What can be listed, and below which prefix its ids lie. */
export type Listed = 'entity' | 'group' | 'entityAlias' | 'groupAlias';

const LISTED_PREFIXES: Readonly<Record<Listed, string>> = {
  entity: ENTITY,
  group: GROUP,
  entityAlias: ENTITY_ALIAS_ID,
  groupAlias: GROUP_ALIAS_ID,
};

export class Directory {
  readonly namespace: Pick<NamespaceRef, 'id'>;
  readonly unit: Unit;
  readonly #ports: IdentityPorts;
  readonly #view: Transaction;

  constructor(ports: IdentityPorts, unit: Unit, namespace: Pick<NamespaceRef, 'id'>) {
    this.#ports = ports;
    this.unit = unit;
    this.namespace = namespace;
    this.#view = unit.view(namespace.id, 'identity/');
  }

  /** A new id; outside the root namespace it ends in the namespace's. */
  newId(): string {
    const id = uuid(this.#ports.random);
    return this.namespace.id === ROOT_NAMESPACE ? id : `${id}.${this.namespace.id}`;
  }

  /** A name for something that was given none: `entity_1a2b3c4d.root`. */
  newName(kind: 'entity' | 'group'): string {
    return `${kind}_${this.#ports.random.bytes(4).toString('hex')}.${this.namespace.id}`;
  }

  async mount(accessor: string): Promise<AliasMount | undefined> {
    return await this.#ports.mount(this.unit, accessor);
  }

  async entity(id: string): Promise<EntityRecord | undefined> {
    if (!isId(id)) return undefined;
    return await this.#view.getRecord<EntityRecord>(ENTITY + id);
  }

  async entities(ids: readonly string[]): Promise<(EntityRecord | undefined)[]> {
    return await this.#view.getRecords<EntityRecord>(ids.map((id) => ENTITY + id));
  }

  async entityByName(name: string): Promise<EntityRecord | undefined> {
    const id = await this.#view.getRecord<string>(ENTITY_NAME + this.#nameHash(name));
    return id === undefined ? undefined : await this.entity(id);
  }

  /** The entity that an auth mount knows under a name; case does not count. */
  async entityByAlias(
    accessor: string,
    name: string,
  ): Promise<{ entity: EntityRecord; alias: AliasRecord } | undefined> {
    const place = await this.#view.getRecord<AliasPlace>(
      ENTITY_ALIAS + this.#aliasHash(accessor, name),
    );
    return place === undefined ? undefined : await this.#aliasOf(place.ownerId, place.aliasId);
  }

  async entityByAliasId(
    aliasId: string,
  ): Promise<{ entity: EntityRecord; alias: AliasRecord } | undefined> {
    if (!isId(aliasId)) return undefined;
    const ownerId = await this.#view.getRecord<string>(ENTITY_ALIAS_ID + aliasId);
    return ownerId === undefined ? undefined : await this.#aliasOf(ownerId, aliasId);
  }

  /** The entity that a token's entity was merged into, through all merges. */
  async entityMergedFrom(id: string): Promise<EntityRecord | undefined> {
    if (!isId(id)) return undefined;
    const into = await this.#view.getRecord<string>(MERGED + id);
    return into === undefined ? undefined : await this.entity(into);
  }

  /** Writes a new or changed entity and its indexes. */
  putEntity(entity: EntityRecord, before: EntityRecord | undefined): void {
    this.#view.putJson(ENTITY + entity.id, entity);
    const nameHash = this.#nameHash(entity.name);
    if (before !== undefined && this.#nameHash(before.name) !== nameHash)
      this.#view.delete(ENTITY_NAME + this.#nameHash(before.name));
    if (before?.name !== entity.name) this.#view.putJson(ENTITY_NAME + nameHash, entity.id);
    const kept = new Set(entity.aliases);
    for (const alias of before?.aliases ?? []) if (!kept.has(alias)) this.#dropAlias(alias);
    const had = new Set(before?.aliases);
    for (const alias of entity.aliases) if (!had.has(alias)) this.#indexAlias(alias, entity.id);
    // Nobody can have cached an entity that did not exist.
    if (before !== undefined) this.changed();
  }

  /** Removes an entity and its indexes; its groups are the caller's business. */
  removeEntity(entity: EntityRecord): void {
    this.#view.delete(ENTITY + entity.id);
    this.#view.delete(ENTITY_NAME + this.#nameHash(entity.name));
    for (const alias of entity.aliases) this.#dropAlias(alias);
    const secondFactors = new MfaStore(this.unit, this.namespace);
    for (const id of entity.mfaMethods ?? []) secondFactors.deleteSecret(id, entity.id);
    const roles = new RoleStore(this.unit, this.namespace);
    for (const { id } of entity.activations ?? []) roles.deleteHolder(id);
    this.changed();
  }

  /** Tokens of `fromId` belong to `intoId` from now on. */
  putMerged(fromId: string, intoId: string): void {
    this.#view.putJson(MERGED + fromId, intoId);
  }

  removeMerged(fromId: string): void {
    this.#view.delete(MERGED + fromId);
  }

  async group(id: string): Promise<GroupRecord | undefined> {
    if (!isId(id)) return undefined;
    return await this.#view.getRecord<GroupRecord>(GROUP + id);
  }

  async groups(ids: readonly string[]): Promise<GroupRecord[]> {
    const found = await this.#view.getRecords<GroupRecord>(ids.map((id) => GROUP + id));
    return found.filter((group) => group !== undefined);
  }

  async groupByName(name: string): Promise<GroupRecord | undefined> {
    const id = await this.#view.getRecord<string>(GROUP_NAME + this.#nameHash(name));
    return id === undefined ? undefined : await this.group(id);
  }

  async groupByAlias(accessor: string, name: string): Promise<GroupRecord | undefined> {
    const id = await this.#view.getRecord<string>(GROUP_ALIAS + this.#aliasHash(accessor, name));
    return id === undefined ? undefined : await this.group(id);
  }

  async groupByAliasId(aliasId: string): Promise<GroupRecord | undefined> {
    if (!isId(aliasId)) return undefined;
    const id = await this.#view.getRecord<string>(GROUP_ALIAS_ID + aliasId);
    return id === undefined ? undefined : await this.group(id);
  }

  /** Groups that have one of these names at an auth mount. */
  async groupsByAliases(accessor: string, names: readonly string[]): Promise<GroupRecord[]> {
    const keys = [...new Set(names.map((name) => this.#aliasHash(accessor, name)))];
    const ids = await this.#view.getRecords<string>(keys.map((key) => GROUP_ALIAS + key));
    return await this.groups(ids.filter((id) => id !== undefined));
  }

  putGroup(group: GroupRecord, before: GroupRecord | undefined): void {
    this.#view.putJson(GROUP + group.id, group);
    const nameHash = this.#nameHash(group.name);
    if (before !== undefined && this.#nameHash(before.name) !== nameHash)
      this.#view.delete(GROUP_NAME + this.#nameHash(before.name));
    if (before?.name !== group.name) this.#view.putJson(GROUP_NAME + nameHash, group.id);
    if (before?.alias !== group.alias) {
      if (before !== undefined && before.alias !== null) this.#dropGroupAlias(before.alias);
      if (group.alias !== null) {
        const { mountAccessor, name, id } = group.alias;
        this.#view.putJson(GROUP_ALIAS + this.#aliasHash(mountAccessor, name), group.id);
        this.#view.putJson(GROUP_ALIAS_ID + id, group.id);
      }
    }
    if (before !== undefined) this.changed();
  }

  removeGroup(group: GroupRecord): void {
    this.#view.delete(GROUP + group.id);
    this.#view.delete(GROUP_NAME + this.#nameHash(group.name));
    if (group.alias !== null) this.#dropGroupAlias(group.alias);
    this.changed();
  }

  /** Ids of a group's direct members. */
  async membersOf(groupId: string): Promise<string[]> {
    return await namesBelow(this.#view, `${MEMBER}${groupId}/`);
  }

  /** Ids of the groups that are members of a group. */
  async childrenOf(groupId: string): Promise<string[]> {
    return await namesBelow(this.#view, `${CHILD}${groupId}/`);
  }

  putMember(groupId: string, entityId: string): void {
    this.#view.put(`${MEMBER}${groupId}/${entityId}`, PRESENT);
  }

  removeMember(groupId: string, entityId: string): void {
    this.#view.delete(`${MEMBER}${groupId}/${entityId}`);
  }

  putChild(groupId: string, childId: string): void {
    this.#view.put(`${CHILD}${groupId}/${childId}`, PRESENT);
  }

  removeChild(groupId: string, childId: string): void {
    this.#view.delete(`${CHILD}${groupId}/${childId}`);
  }

  /** The groups above `start`, level by level, each once, without those in `start`. @throws {RequestError} */
  async ancestorsOf(start: readonly GroupRecord[]): Promise<GroupRecord[]> {
    const seen = new Set(start.map((group) => group.id));
    const found: GroupRecord[] = [];
    let level = start;
    while (level.length > 0) {
      const next = new Set(level.flatMap((group) => group.parents ?? []));
      const ids = [...next].filter((id) => !seen.has(id));
      for (const id of ids) seen.add(id);
      if (seen.size > GROUPS_OF_ENTITY_MAX)
        throw invalidRequest(`more than ${GROUPS_OF_ENTITY_MAX} groups are involved`);
      level = ids.length === 0 ? [] : await this.groups(ids);
      found.push(...level);
    }
    return found;
  }

  /** The groups of an entity: those it is a member of, and those that are above them. */
  async groupsOf(
    entity: Pick<EntityRecord, 'groups'>,
  ): Promise<{ direct: GroupRecord[]; inherited: GroupRecord[] }> {
    if (entity.groups.length === 0) return { direct: [], inherited: [] };
    const direct = await this.groups(entity.groups);
    return { direct, inherited: await this.ancestorsOf(direct) };
  }

  /** A page of ids, in order. */
  async ids(what: Listed, after: string): Promise<readonly string[]> {
    return await this.#view.list(LISTED_PREFIXES[what], {
      limit: IDS_AT_ONCE,
      ...(after === '' ? {} : { after }),
    });
  }

  async countEntities(): Promise<number> {
    return (await namesBelow(this.#view, ENTITY)).length;
  }

  /** The same namespace in a unit of its own: what it reads does not bind the caller's commit. */
  aside(): Directory {
    return new Directory(this.#ports, this.#ports.begin(), this.namespace);
  }

  /** Owners of aliases, by alias id. */
  async ownersOf(what: 'entityAlias' | 'groupAlias', ids: readonly string[]): Promise<string[]> {
    const prefix = LISTED_PREFIXES[what];
    const owners = await this.#view.getRecords<string>(ids.map((id) => prefix + id));
    return owners.filter((owner) => owner !== undefined);
  }

  changed(): void {
    this.#ports.changed(this.unit, this.namespace.id);
  }

  /** Before lists are judged: what comes onto them until the commit makes the request run again. */
  async holdStill(): Promise<void> {
    await this.#ports.holdStill(this.unit, this.namespace.id);
  }

  async #aliasOf(
    ownerId: string,
    aliasId: string,
  ): Promise<{ entity: EntityRecord; alias: AliasRecord } | undefined> {
    const entity = await this.entity(ownerId);
    const alias = entity?.aliases.find((candidate) => candidate.id === aliasId);
    return entity === undefined || alias === undefined ? undefined : { entity, alias };
  }

  #indexAlias(alias: AliasRecord, ownerId: string): void {
    const place: AliasPlace = { ownerId, aliasId: alias.id };
    this.#view.putJson(ENTITY_ALIAS + this.#aliasHash(alias.mountAccessor, alias.name), place);
    this.#view.putJson(ENTITY_ALIAS_ID + alias.id, ownerId);
  }

  #dropAlias(alias: AliasRecord): void {
    this.#view.delete(ENTITY_ALIAS + this.#aliasHash(alias.mountAccessor, alias.name));
    this.#view.delete(ENTITY_ALIAS_ID + alias.id);
  }

  #dropGroupAlias(alias: AliasRecord): void {
    this.#view.delete(GROUP_ALIAS + this.#aliasHash(alias.mountAccessor, alias.name));
    this.#view.delete(GROUP_ALIAS_ID + alias.id);
  }

  #nameHash(name: string): string {
    return this.#ports.hash(`identity name ${name.toLowerCase()}`);
  }

  /** JSON, so that accessor and name cannot run into each other. */
  #aliasHash(accessor: string, name: string): string {
    return this.#ports.hash(`identity alias ${JSON.stringify([accessor, name.toLowerCase()])}`);
  }
}
