/** Connects what stands above policies to routing and identities: environments, and policies that exclude each other. */
import { uuid } from '../../base/random.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import { loadEnvironments } from '../../core/guards/environments.ts';
import type { Guards } from '../../core/guards/guards.ts';
import { ROUTING_SCOPE } from '../../core/mounts/mount-table.ts';
import type { Exclusion } from '../../identity/roles/records.ts';
import { RoleStore } from '../../identity/roles/role-store.ts';
import type { Unit } from '../../model/transaction.ts';
import type { EnvironmentPorts } from '../../system/access/environments.ts';
import type { Services } from '../services.ts';
import type { NamespaceRef } from '../../model/principal.ts';

/** Loaded with the routing table. */
export async function loadGuards(unit: Unit, namespaces: Iterable<NamespaceRef>): Promise<Guards> {
  const exclusions = new Map<string, readonly Exclusion[]>();
  for (const { id } of namespaces) {
    const found = await new RoleStore(unit, { id }).exclusions();
    if (found.length > 0) exclusions.set(id, found);
  }
  return { exclusions, environments: await loadEnvironments(unit) };
}

export function environmentPorts(services: Services): EnvironmentPorts {
  const { table, identity, world } = services;
  return {
    routing: async (unit) => await table.routing(unit as CoreUnit),
    changed: (unit) => (unit as CoreUnit).bumpEpoch(ROUTING_SCOPE),
    newId: () => uuid(world.random),
    async kindOf(unit, id) {
      // An id says which namespace it is of: `uuid.namespace`, without it the root namespace.
      const dot = id.lastIndexOf('.');
      const namespaceId = dot < 0 ? 'root' : id.slice(dot + 1);
      const { namespacesById } = await table.routing(unit as CoreUnit);
      if (!namespacesById.has(namespaceId)) return undefined;
      const directory = identity.store.in(unit, { id: namespaceId });
      if ((await directory.entity(id)) !== undefined) return 'entity';
      return (await directory.group(id)) === undefined ? undefined : 'group';
    },
  };
}
