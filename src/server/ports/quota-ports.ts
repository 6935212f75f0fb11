/** What `sys/quotas` needs of the routing table. */
import type { Awaitable } from '../../base/awaitable.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import { resolveMount, resolveNamespace } from '../../core/mounts/mount-table.ts';
import type { MountTable, Routing } from '../../core/mounts/mount-table.ts';
import { countOf } from '../../core/quotas/keeper.ts';
import type { QuotaWorld } from '../../core/quotas/keeper.ts';
import { QUOTA_SCOPE } from '../../core/quotas/records.ts';
import type { Unit } from '../../model/transaction.ts';
import type { QuotaPorts } from '../../system/quotas/scope.ts';

/** Most leases that a look at a quota counts. */
const SHOWN_LEASES_MAX = 100_000;

export function quotaPorts(
  table: MountTable,
  world: Pick<QuotaWorld, 'countLeases'> & { readonly newId: () => string },
): QuotaPorts {
  const routingOf = (unit: Unit): Awaitable<Routing> => table.routing(unit as CoreUnit);
  return {
    newId: world.newId,
    changed: (unit) => (unit as CoreUnit).bumpEpoch(QUOTA_SCOPE),
    async target(unit, path) {
      const routing = await routingOf(unit);
      const found = resolveNamespace(routing, '', path);
      if (found === undefined) return undefined;
      const { namespace, path: rest } = found;
      const base = { namespaceId: namespace.id, namespacePath: namespace.path };
      if (rest === '') return { ...base, mount: undefined, suffix: '' };
      const resolved = resolveMount(routing, namespace, rest);
      if (resolved === undefined) return undefined;
      const { entry, backend } = resolved.mount;
      return {
        ...base,
        mount: {
          accessor: entry.accessor,
          path: entry.path,
          isAuth: backend.kind === 'auth',
          type: entry.type,
        },
        suffix: resolved.path,
      };
    },
    async pathOf(unit, scope) {
      const routing = await routingOf(unit);
      if (scope.mountAccessor === '') return routing.namespacesById.get(scope.namespaceId)?.path;
      return routing.mountsByAccessor.get(scope.mountAccessor)?.fullPath;
    },
    async leaseCount(unit, rule) {
      return await countOf(world, unit, await routingOf(unit), rule, SHOWN_LEASES_MAX);
    },
  };
}
