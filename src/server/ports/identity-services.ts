/** Connects the identity store to the core: epochs, mounts, policies, templates and logins. */
import { after } from '../../base/awaitable.ts';
import type { World } from '../../base/world.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import type { IssuerPorts } from '../../core/issuer.ts';
import type { ApprovalPorts } from '../../core/held/approvals.ts';
import type { Mount, MountTable } from '../../core/mounts/mount-table.ts';
import type { IdentityPort } from '../../core/parts.ts';
import { identityScope } from '../../core/policy-authority.ts';
import type { PolicyAuthorityPorts } from '../../core/policy-authority.ts';
import { Identity } from '../../identity/identity.ts';
import type { LoginMount } from '../../identity/identity.ts';
import type { Unit } from '../../model/transaction.ts';
import type { IdentityView } from '../../policy/template.ts';
import type { Membership } from '../../identity/membership.ts';

export interface IdentityServices {
  readonly store: Identity;
  readonly port: IdentityPort;
  readonly view: PolicyAuthorityPorts['identity'];
  /** Who may approve what others ask for. */
  readonly approver: ApprovalPorts['approver'];
  /** Entities of a namespace. */
  readonly count: (unit: Unit, namespaceId: string) => Promise<number>;
  readonly login: IssuerPorts['login'];
  /** Refreshes the external groups of an entity, as the auth mount names them now. */
  readonly refresh: (
    unit: CoreUnit,
    mount: Mount,
    entityId: string,
    groupAliases: readonly string[],
    nowMs: number,
  ) => Promise<void>;
}

export interface IdentityServicesPorts {
  readonly world: World;
  readonly hash: (text: string) => string;
  readonly begin: () => CoreUnit;
  readonly table: MountTable;
}

export function identityServices(ports: IdentityServicesPorts): IdentityServices {
  const store = new Identity({
    random: ports.world.random,
    hash: ports.hash,
    begin: ports.begin,
    changed: (unit, namespaceId) => (unit as CoreUnit).bumpEpoch(identityScope(namespaceId)),
    async holdStill(unit, namespaceId) {
      await (unit as CoreUnit).epoch(identityScope(namespaceId));
    },
    async mount(unit, accessor) {
      const routing = await ports.table.routing(unit as CoreUnit);
      const mount = routing.mountsByAccessor.get(accessor);
      if (mount === undefined) return undefined;
      const { type, path } = mount.entry;
      return { type, path, namespaceId: mount.namespace.id };
    },
  });
  return {
    store,
    port: {
      policies: (unit, namespaceId, entityId, nowMs) =>
        after(unit.epoch(identityScope(namespaceId)), (epoch) =>
          store.policies(unit, { namespaceId, entityId, epoch, nowMs }),
        ),
      members: (unit, namespaceId, entityId, nowMs) =>
        after(unit.epoch(identityScope(namespaceId)), (epoch) =>
          store.members(unit, { namespaceId, entityId, epoch, nowMs }),
        ),
    },
    view: async (unit, namespaceId, entityId) =>
      viewOf(await store.membership(unit, namespaceId, entityId), namespaceId),
    approver: async (unit, namespaceId, entityId) => {
      const found = await store.membership(unit, namespaceId, entityId);
      if (found === undefined) return undefined;
      const { entity, groups } = found;
      const aliases = entity.aliases.map(({ name }) => name);
      return { id: entity.id, name: entity.name, aliases, disabled: entity.disabled, groups };
    },
    count: async (unit, namespaceId) => await store.in(unit, { id: namespaceId }).countEntities(),
    login: async (unit, mount, grant, nowMs) =>
      await store.login(unit, loginMount(mount), grant, nowMs),
    refresh: async (unit, mount, entityId, groupAliases, nowMs) =>
      await store.refresh(unit, loginMount(mount), entityId, groupAliases, nowMs),
  };
}

function loginMount(mount: Mount): LoginMount {
  return { accessor: mount.entry.accessor, namespaceId: mount.namespace.id };
}

/** What policy templates see. */
function viewOf(membership: Membership | undefined, namespaceId: string): IdentityView {
  if (membership === undefined) return { entity: undefined, groups: [] };
  const { entity, groups } = membership;
  return {
    entity: {
      id: entity.id,
      name: entity.name,
      metadata: entity.metadata ?? {},
      aliases: new Map(
        entity.aliases.map((alias) => [
          alias.mountAccessor,
          {
            id: alias.id,
            name: alias.name,
            metadata: alias.metadata ?? {},
            customMetadata: alias.customMetadata ?? {},
          },
        ]),
      ),
    },
    groups: groups.map((group) => ({
      id: group.id,
      name: group.name,
      namespaceId,
      metadata: group.metadata ?? {},
    })),
  };
}
