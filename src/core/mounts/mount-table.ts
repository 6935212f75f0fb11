/** The routing table: which namespace and which mount a path belongs to. */
import type { Awaitable } from '../../base/awaitable.ts';
import type { MountRef } from '../../model/request.ts';
import type { Backend, Path } from '../../model/backend.ts';
import type { Unit } from '../../model/transaction.ts';
import { matchPath } from '../declared/paths.ts';
import { EpochCache } from '../epoch-cache.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import type { Guards } from '../guards/guards.ts';
import type { MountEntry } from './mount-entry.ts';
import { loadNamespaces } from './namespaces.ts';
import type { Namespace } from './namespaces.ts';
import type { NamespaceRef } from '../../model/principal.ts';

/** Namespaces and mounts change together in the routing table, so they share an epoch. */
export const ROUTING_SCOPE: string = 'routing';
const PREFIX = 'core/mount/';

/**
 * Makes the backend of a mount, or undefined for a type that is not built in. The same mount options give the same object. What
 * is mounted for the first time may have to be loaded.
 */
export type BackendFactory = (
  entry: Pick<MountEntry, 'table' | 'type' | 'options' | 'path'>,
) => Awaitable<AnyBackend | undefined>;

/** An engine or auth method works on its own view, a part of the core on the whole unit. */
export type AnyBackend =
  | (Backend & { readonly scope: 'mount' })
  | (Backend<Unit> & { readonly scope: 'unit' });

export interface Mount {
  readonly entry: MountEntry;
  readonly namespace: Namespace;
  readonly backend: AnyBackend;
  /** What handlers see of it. */
  readonly ref: MountRef;
  /** Path with its namespace: `ns1/secret/`. */
  readonly fullPath: string;
}

export interface Routing {
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly namespacesById: ReadonlyMap<string, Namespace>;
  readonly mounts: ReadonlyMap<string, Mount>;
  readonly mountsByAccessor: ReadonlyMap<string, Mount>;
  readonly guards: Guards;
}

export interface LeaseBounds {
  readonly defaultSeconds: number;
  readonly maxSeconds: number;
}

export interface MountTablePorts {
  readonly begin: () => CoreUnit;
  readonly backends: BackendFactory;
  readonly root: () => Namespace;
  readonly system: LeaseBounds;
  /** What stands above the policies of these namespaces. */
  readonly guards: (unit: CoreUnit, namespaces: Iterable<Namespace>) => Promise<Guards>;
}

export class MountTable {
  readonly #cache: EpochCache<Routing>;
  readonly #ports: MountTablePorts;

  constructor(ports: MountTablePorts) {
    this.#ports = ports;
    this.#cache = new EpochCache(ROUTING_SCOPE, ports.begin, (unit) => this.#load(unit));
  }

  routing(unit: CoreUnit): Awaitable<Routing> {
    return this.#cache.get(unit);
  }

  clear(): void {
    this.#cache.clear();
  }

  put(unit: CoreUnit, entry: MountEntry): void {
    unit.view(entry.namespaceId, PREFIX).putJson(entry.uuid, entry);
    unit.bumpEpoch(ROUTING_SCOPE);
  }

  delete(unit: CoreUnit, entry: Pick<MountEntry, 'namespaceId' | 'uuid'>): void {
    unit.view(entry.namespaceId, PREFIX).delete(entry.uuid);
    unit.bumpEpoch(ROUTING_SCOPE);
  }

  /** Effective lease bounds of a mount: its own where set, else the system's. */
  bounds(entry: Pick<MountEntry, 'config'>): LeaseBounds {
    const { system } = this.#ports;
    const maxSeconds =
      entry.config.max_lease_ttl === 0 ? system.maxSeconds : entry.config.max_lease_ttl;
    const wanted = entry.config.default_lease_ttl || system.defaultSeconds;
    return { defaultSeconds: Math.min(wanted, maxSeconds), maxSeconds };
  }

  async #load(unit: CoreUnit): Promise<Routing> {
    const root = this.#ports.root();
    const namespaces = new Map<string, Namespace>([['', root]]);
    const namespacesById = new Map<string, Namespace>([[root.id, root]]);
    for (const namespace of await loadNamespaces(unit)) {
      namespaces.set(namespace.path, namespace);
      namespacesById.set(namespace.id, namespace);
    }
    const mounts = new Map<string, Mount>();
    const mountsByAccessor = new Map<string, Mount>();
    for (const namespace of namespaces.values()) {
      for (const entry of await loadMounts(unit, namespace.id)) {
        const mount = this.#mount(namespace, entry, await this.#ports.backends(entry));
        if (mount === undefined) continue;
        mounts.set(mount.fullPath, mount);
        mountsByAccessor.set(entry.accessor, mount);
      }
    }
    const guards = await this.#ports.guards(unit, namespaces.values());
    return { namespaces, namespacesById, mounts, mountsByAccessor, guards };
  }

  #mount(
    namespace: Namespace,
    entry: MountEntry,
    backend: AnyBackend | undefined,
  ): Mount | undefined {
    if (backend === undefined) return undefined;
    const bounds = this.bounds(entry);
    return {
      entry,
      namespace,
      backend,
      fullPath: namespace.path + entry.path,
      ref: {
        path: entry.path,
        type: entry.type,
        accessor: entry.accessor,
        uuid: entry.uuid,
        options: entry.options,
        defaultLeaseTtlSeconds: bounds.defaultSeconds,
        maxLeaseTtlSeconds: bounds.maxSeconds,
        config: { ...entry.config },
      },
    };
  }
}

export async function loadMount(
  unit: Unit,
  namespaceId: string,
  uuid: string,
): Promise<MountEntry | undefined> {
  return await unit.view(namespaceId, PREFIX).getJson<MountEntry>(uuid);
}

export async function loadMounts(unit: Unit, namespaceId: string): Promise<MountEntry[]> {
  const view = unit.view(namespaceId, PREFIX);
  const found: MountEntry[] = [];
  let after: string | undefined;
  for (;;) {
    const ids = await view.list('', after === undefined ? {} : { after });
    if (ids.length === 0) return found;
    for (const id of ids) {
      const entry = await view.getJson<MountEntry>(id);
      if (entry !== undefined) found.push(entry);
    }
    after = ids.at(-1);
  }
}

export interface ResolvedNamespace {
  readonly namespace: Namespace;
  /** What is left of the path. */
  readonly path: string;
}

/**
 * The namespace of a request: the one that the header names, then as many leading segments of the path as name child
 * namespaces. Undefined when the header names none.
 */
export function resolveNamespace(
  routing: Routing,
  header: string,
  path: string,
): ResolvedNamespace | undefined {
  let namespace = routing.namespaces.get(header);
  if (namespace === undefined) return undefined;
  let rest = path;
  if (routing.namespaces.size === 1) return { namespace, path: rest };
  for (;;) {
    const slash = rest.indexOf('/');
    if (slash < 0) return { namespace, path: rest };
    const child = routing.namespaces.get(namespace.path + rest.slice(0, slash + 1));
    if (child === undefined) return { namespace, path: rest };
    namespace = child;
    rest = rest.slice(slash + 1);
  }
}

export interface ResolvedMount {
  readonly mount: Mount;
  /** Path below the mount. */
  readonly path: string;
}

/** The mount with the longest path that begins the request's path; `auth/token` also finds `auth/token/`. */
export function resolveMount(
  routing: Routing,
  namespace: NamespaceRef,
  path: string,
): ResolvedMount | undefined {
  const { mounts } = routing;
  const whole = mounts.get(`${namespace.path}${path}/`);
  if (whole !== undefined) return { mount: whole, path: '' };
  for (let slash = path.lastIndexOf('/'); slash >= 0; slash = path.lastIndexOf('/', slash - 1)) {
    const mount = mounts.get(namespace.path + path.slice(0, slash + 1));
    if (mount !== undefined) return { mount, path: path.slice(slash + 1) };
    if (slash === 0) break;
  }
  return undefined;
}

export interface BackendMatch {
  readonly path: Path<never>;
  readonly params: Readonly<Record<string, string>>;
  readonly absent: readonly string[];
}

/** The declaration of a backend that serves a path, whichever store its handlers take. */
export function matchBackend(backend: AnyBackend, path: string): BackendMatch | undefined {
  const match = backend.scope === 'unit' ? matchPath(backend, path) : matchPath(backend, path);
  return match;
}
