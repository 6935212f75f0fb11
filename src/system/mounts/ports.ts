/** What the mount paths need of the core. */
import type { World } from '../../base/world.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import type { ExpiryQueue } from '../../leases/expiry-queue.ts';
import { endBelow } from '../../core/expiry/below.ts';
import type { GoneMount } from '../../core/expiry/places.ts';
import { GONE_PREFIX } from '../../core/expiry/work.ts';
import type { MountEntry, MountTable as Table } from '../../core/mounts/mount-entry.ts';
import type {
  BackendFactory,
  LeaseBounds,
  Mount,
  MountTable,
  Routing,
} from '../../core/mounts/mount-table.ts';

export interface MountPorts {
  readonly world: World;
  readonly table: MountTable;
  readonly queue: ExpiryQueue;
  readonly backends: BackendFactory;
  readonly system: LeaseBounds;
  /** Version shown as `running_plugin_version` of built-in engines. */
  readonly version: string;
}

/** Units of `sys` handlers are the core's own. */
export function coreUnit(unit: Unit): CoreUnit {
  return unit as CoreUnit;
}

export async function routingOf(ports: Pick<MountPorts, 'table'>, unit: Unit): Promise<Routing> {
  return await ports.table.routing(coreUnit(unit));
}

/** The mounts of one table in the request's namespace, by path as listings show it. */
export async function mountsOf(
  ports: Pick<MountPorts, 'table'>,
  unit: Unit,
  request: Pick<Request, 'namespace'>,
  table: Table,
): Promise<Map<string, Mount>> {
  const routing = await routingOf(ports, unit);
  const found = new Map<string, Mount>();
  for (const mount of routing.mounts.values()) {
    if (
      mount.namespace.id !== request.namespace.id ||
      mount.entry.table !== table ||
      mount.entry.tainted
    )
      continue;
    found.set(shownPath(mount.entry), mount);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `auth/token/` is listed as `token/`. */
export function shownPath(entry: Pick<MountEntry, 'table' | 'path'>): string {
  return entry.table === 'auth' ? entry.path.slice('auth/'.length) : entry.path;
}

export async function mountAt(
  ports: Pick<MountPorts, 'table'>,
  unit: Unit,
  request: Pick<Request, 'namespace'>,
  routedPath: string,
): Promise<Mount | undefined> {
  const mount = (await routingOf(ports, unit)).mounts.get(request.namespace.path + routedPath);
  return mount?.entry.tainted === true ? undefined : mount;
}

/** Takes a mount out of service at once; its leases, tokens and data follow in the background. */
export function removeMount(ports: MountPorts, unit: Unit, mount: Mount, nowMs: number): void {
  if (mount.entry.builtin) throw invalidRequest(`cannot unmount "${mount.entry.path}"`);
  ports.table.delete(coreUnit(unit), mount.entry);
  cleanUpMount(ports, unit, mount.entry, nowMs);
}

/** Sets off the end of what a mount leaves: tokens and leases first, then its data. */
export function cleanUpMount(
  ports: Pick<MountPorts, 'queue'>,
  unit: Unit,
  entry: GoneMount,
  nowMs: number,
): void {
  const { namespaceId, uuid: id, path } = entry;
  unit.view(namespaceId, GONE_PREFIX).putJson(id, entry);
  endBelow(ports.queue, unit, namespaceId, path, nowMs, false);
  ports.queue.schedule(unit, { kind: 'unmount', namespaceId, id }, nowMs);
}

/**
 * The path of a removed mount that a new one would collide with. Its leases are still being revoked, and they are known by
 * their paths.
 */
export async function leavingPath(
  unit: Unit,
  namespaceId: string,
  path: string,
): Promise<string | undefined> {
  const gone = unit.view(namespaceId, GONE_PREFIX);
  for (const id of await gone.list('')) {
    const entry = await gone.getRecord<GoneMount>(id);
    if (entry !== undefined && (path.startsWith(entry.path) || entry.path.startsWith(path)))
      return entry.path;
  }
  return undefined;
}
