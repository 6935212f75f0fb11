/** What the core asks of identity: who logs in, what that adds to the token's policies, and what templates see. */
import type { Awaitable } from '../base/awaitable.ts';
import { RequestError, invalidRequest, permissionDenied } from '../model/errors.ts';
import { namesRoot } from '../model/root-policy.ts';
import type { Unit } from '../model/transaction.ts';
import { Directory } from './directory.ts';
import type { IdentityPorts } from './directory.ts';
import { membershipOf, refreshExternalGroups } from './membership.ts';
import { activePolicies } from './roles/activation.ts';
import { assertNoConflict } from './roles/exclusions.ts';
import {
  ALIAS_NAME_LENGTH_MAX,
  GROUPS_OF_ENTITY_MAX,
  checkMetadata,
  checkName,
  sameTexts,
  settledEntity,
} from './records.ts';
import type { AliasRecord, EntityRecord, Texts } from './records.ts';
import type { Membership } from './membership.ts';
import type { AuthGrant } from '../model/reply.ts';

export interface LoginMount {
  readonly accessor: string;
  readonly namespaceId: string;
}

export interface LoginResult {
  readonly entityId: string;
  readonly identityPolicies: readonly string[];
}

/** Entities whose policies are kept while the identities of their namespace do not change. */
const KEPT_MAX = 20_000;

interface Kept {
  readonly epoch: number;
  readonly policies: readonly string[] | undefined;
  /** See {@link Identity.members}. */
  readonly ids: readonly string[] | undefined;
  /** When a role ends that it has activated. */
  readonly untilMs: number;
}

export interface PolicyQuestion {
  readonly namespaceId: string;
  readonly entityId: string;
  readonly epoch: number;
  readonly nowMs: number;
}

export class Identity {
  readonly ports: IdentityPorts;
  readonly #kept = new Map<string, Kept>();

  constructor(ports: IdentityPorts) {
    this.ports = ports;
  }

  /** The identities of a namespace in a unit. */
  in(unit: Unit, namespace: { readonly id: string }): Directory {
    return new Directory(this.ports, unit, namespace);
  }

  /**
   * Policies of an entity: its own and those of its groups, direct and inherited. Undefined when it is disabled or gone.
   * With those of the roles that it has activated. `epoch` is that of the namespace's identities in this unit.
   */
  policies(
    unit: Unit,
    { namespaceId, entityId, epoch, nowMs }: PolicyQuestion,
  ): Awaitable<readonly string[] | undefined> {
    const kept = this.#kept.get(`${namespaceId}/${entityId}`);
    if (kept !== undefined && kept.epoch === epoch && nowMs < kept.untilMs) return kept.policies;
    return this.#loadPolicies(unit, { namespaceId, entityId, epoch, nowMs });
  }

  /** Ids of the entity, through merges, of those that were merged into it, and of its groups; undefined when there is none. */
  members(unit: Unit, question: PolicyQuestion): Awaitable<readonly string[] | undefined> {
    const kept = this.#kept.get(`${question.namespaceId}/${question.entityId}`);
    if (kept !== undefined && kept.epoch === question.epoch) return kept.ids;
    return this.#load(unit, question).then(({ ids }) => ids);
  }

  async #loadPolicies(
    unit: Unit,
    question: PolicyQuestion,
  ): Promise<readonly string[] | undefined> {
    return (await this.#load(unit, question)).policies;
  }

  async #load(unit: Unit, { namespaceId, entityId, epoch, nowMs }: PolicyQuestion): Promise<Kept> {
    const key = `${namespaceId}/${entityId}`;
    const found = await this.membership(unit, namespaceId, entityId);
    const { policies, untilMs } = await this.#judged(unit, namespaceId, found, nowMs);
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    // What does not exist is not kept: an entity comes into being without a new epoch.
    const ids =
      found === undefined
        ? undefined
        : [found.entity.id, ...(found.entity.mergedIds ?? []), ...found.groups.map(({ id }) => id)];
    const kept: Kept = { epoch, policies, ids, untilMs };
    if (found !== undefined) this.#kept.set(key, kept);
    return kept;
  }

  async #judged(
    unit: Unit,
    namespaceId: string,
    found: Membership | undefined,
    nowMs: number,
  ): Promise<Pick<Kept, 'policies' | 'untilMs'>> {
    const forGood = Number.POSITIVE_INFINITY;
    if (found === undefined || found.entity.disabled)
      return { policies: undefined, untilMs: forGood };
    if ((found.entity.activations?.length ?? 0) === 0)
      return { policies: policiesOf(found), untilMs: forGood };
    const directory = this.in(unit, { id: namespaceId });
    const { policies, untilMs } = await activePolicies(directory, found, nowMs);
    return { policies: policiesOf(found, policies), untilMs };
  }

  /** An entity, or the one that it was merged into, with its groups. */
  async membership(
    unit: Unit,
    namespaceId: string,
    entityId: string,
  ): Promise<Membership | undefined> {
    return await membershipOf(this.in(unit, { id: namespaceId }), entityId);
  }

  /**
   * Finds or makes the entity behind a login's alias, and refreshes its external groups of that mount.
   * @throws {RequestError} permission_denied when the entity is disabled
   */
  async login(
    unit: Unit,
    mount: LoginMount,
    grant: Pick<AuthGrant, 'alias' | 'groupAliases' | 'entityId'>,
    nowMs: number,
  ): Promise<LoginResult> {
    if (grant.entityId !== undefined) return await this.#known(unit, mount, grant.entityId);
    if (grant.alias === undefined) return { entityId: '', identityPolicies: [] };
    const directory = this.in(unit, { id: mount.namespaceId });
    const { name } = grant.alias;
    const metadata = grant.alias.metadata ?? null;
    if (name === '') throw permissionDenied('the login has an empty alias');
    checkName(name, 'alias name', ALIAS_NAME_LENGTH_MAX);
    checkMetadata(metadata, 'alias');
    const known = await directory.entityByAlias(mount.accessor, name);
    if (known?.entity.disabled === true) throw permissionDenied('the entity is disabled');
    const before = known?.entity;
    let entity = before ?? loggedIn(directory, mount.accessor, name, metadata, nowMs);
    if (known !== undefined && !sameTexts(known.alias.metadata, metadata)) {
      const alias: AliasRecord = { ...known.alias, metadata, updatedMs: nowMs };
      const settled = settledEntity(known.entity);
      entity = {
        ...settled,
        aliases: settled.aliases.map((each) => (each.id === alias.id ? alias : each)),
      };
    }
    const groups = await this.#refreshed(directory, entity, mount, grant.groupAliases, nowMs);
    if (groups !== entity.groups) entity = { ...entity, groups };
    if (entity !== before) directory.putEntity(entity, before);
    if (entity.groups.length > 0 && entity.groups !== before?.groups)
      await this.#assertNoConflict(directory, entity.id);
    if (entity.groups.length === 0)
      return { entityId: entity.id, identityPolicies: [...entity.policies] };
    const { direct, inherited } = await directory.groupsOf(entity);
    return {
      entityId: entity.id,
      identityPolicies: policiesOf({ entity, groups: [...direct, ...inherited] }),
    };
  }

  /** A login by a credential of the entity itself. @throws {RequestError} permission_denied when it is disabled or gone */
  async #known(unit: Unit, mount: LoginMount, entityId: string): Promise<LoginResult> {
    const found = await this.membership(unit, mount.namespaceId, entityId);
    if (found === undefined || found.entity.disabled) {
      throw permissionDenied('the entity is disabled or gone');
    }
    return { entityId: found.entity.id, identityPolicies: policiesOf(found) };
  }

  /** Refreshes the external groups of a token's entity when the token is renewed. */
  async refresh(
    unit: Unit,
    mount: LoginMount,
    entityId: string,
    groupAliases: readonly string[],
    nowMs: number,
  ): Promise<void> {
    const directory = this.in(unit, { id: mount.namespaceId });
    const entity =
      (await directory.entity(entityId)) ?? (await directory.entityMergedFrom(entityId));
    if (entity === undefined) return;
    const groups = await this.#refreshed(directory, entity, mount, groupAliases, nowMs);
    if (groups === entity.groups) return;
    directory.putEntity({ ...entity, groups }, entity);
    await this.#assertNoConflict(directory, entity.id);
  }

  /** What the groups of a login add must not exclude what there is. @throws {RequestError} permission_denied */
  async #assertNoConflict(directory: Directory, entityId: string): Promise<void> {
    try {
      await assertNoConflict(directory, { entityIds: [entityId] });
    } catch (error) {
      if (error instanceof RequestError) throw permissionDenied(error.message);
      throw error;
    }
  }

  /** After a seal. */
  clear(): void {
    this.#kept.clear();
  }

  async #refreshed(
    directory: Directory,
    entity: EntityRecord,
    mount: LoginMount,
    names: readonly string[] | undefined,
    nowMs: number,
  ): Promise<readonly string[]> {
    const named = names ?? [];
    if (named.length > GROUPS_OF_ENTITY_MAX)
      throw invalidRequest(`the login names more than ${GROUPS_OF_ENTITY_MAX} groups`);
    return await refreshExternalGroups(directory, entity, mount.accessor, named, nowMs);
  }
}

/**
 * Those of the entity, then those of its groups from the inside out, each once; `root` never, even if a record should say so
 * (CVE-2025-5999).
 */
function policiesOf(
  { entity, groups }: Membership,
  further: readonly string[] = [],
): readonly string[] {
  const names = new Set([...entity.policies, ...further]);
  for (const group of groups) for (const name of group.policies ?? []) names.add(name);
  return [...names].filter((name) => !namesRoot(name));
}

/** Whoever logs in for the first time. */
function loggedIn(
  directory: Directory,
  accessor: string,
  name: string,
  metadata: Texts | null,
  nowMs: number,
): EntityRecord {
  const alias = newAlias(directory, { name, accessor, metadata, customMetadata: null }, nowMs);
  return { ...newEntity(directory, nowMs), aliases: [alias] };
}

/** Without aliases, under a name that nobody chose. */
export function newEntity(directory: Directory, nowMs: number): EntityRecord {
  return {
    id: directory.newId(),
    name: directory.newName('entity'),
    metadata: null,
    policies: [],
    disabled: false,
    createdMs: nowMs,
    updatedMs: nowMs,
    mergedIds: null,
    aliases: [],
    groups: [],
  };
}

export interface AliasWish {
  readonly name: string;
  readonly accessor: string;
  readonly metadata: Texts | null;
  readonly customMetadata: Texts | null;
}

export function newAlias(directory: Directory, wish: AliasWish, nowMs: number): AliasRecord {
  return {
    id: directory.newId(),
    name: wish.name,
    mountAccessor: wish.accessor,
    metadata: wish.metadata,
    customMetadata: wish.customMetadata,
    createdMs: nowMs,
    updatedMs: nowMs,
    mergedFrom: null,
  };
}
