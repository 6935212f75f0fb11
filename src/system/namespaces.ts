/** `sys/namespaces`: tenants of their own, nested, each with its mounts, policies, tokens and key. */
import { isJsonObject } from '../base/json.ts';
import type { JsonValue } from '../base/json.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest, notFound } from '../model/errors.ts';
import type { Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import { builtinMounts } from '../core/mounts/builtin-mounts.ts';
import { ROUTING_SCOPE } from '../core/mounts/mount-table.ts';
import type { Routing } from '../core/mounts/mount-table.ts';
import {
  checkNamespaceName,
  newNamespace,
  putNamespace,
  refuseReservedNamespace,
} from '../core/mounts/namespaces.ts';
import type { Namespace } from '../core/mounts/namespaces.ts';
import { base62 } from '../base/random.ts';
import { cleanUpMount, coreUnit, routingOf } from './mounts/ports.ts';
import type { MountPorts } from './mounts/ports.ts';
import type { Reply } from '../model/reply.ts';

export interface NamespacePorts extends MountPorts {
  /** Makes the namespace's own key in the same commit. */
  readonly createKey: (unit: Unit, namespaceId: string) => void;
  /** Writes what a namespace is born with beside its mounts. */
  readonly prepare: (unit: Unit, namespaceId: string, nowMs: number) => Promise<void>;
  /** HMAC of an unlock key. */
  readonly hash: (text: string) => string;
  readonly root: () => Namespace;
}

/** Limits of custom metadata, as for KV (Vault: 64 keys of 128 bytes, values of 512). */
const METADATA_KEYS_MAX = 64;
const METADATA_KEY_LENGTH_MAX = 128;
const METADATA_VALUE_LENGTH_MAX = 512;
const UNLOCK_KEY_LENGTH = 24;

const fields = {
  path: { kind: 'string', description: 'Name of the namespace below the current one.' },
  custom_metadata: { kind: 'map', description: 'Text by name, for people and tools.' },
} as const;

interface NamespaceFields {
  readonly path?: string | undefined;
  readonly custom_metadata?: Readonly<Record<string, JsonValue>> | undefined;
}

function shown(namespace: Namespace): Record<string, unknown> {
  return {
    custom_metadata: namespace.customMetadata,
    id: namespace.id,
    locked: namespace.lockedBy !== undefined,
    path: namespace.path,
    tainted: namespace.tainted,
    uuid: namespace.uuid,
  };
}

function metadataOf(given: Readonly<Record<string, JsonValue>>): Record<string, string> {
  const entries = Object.entries(given);
  if (entries.length > METADATA_KEYS_MAX) throw invalidRequest('custom_metadata has too many keys');
  const metadata: Record<string, string> = {};
  for (const [key, value] of entries) {
    if (typeof value !== 'string') throw invalidRequest('custom_metadata values must be strings');
    if (key.length > METADATA_KEY_LENGTH_MAX)
      throw invalidRequest('a custom_metadata key is too long');
    if (value.length > METADATA_VALUE_LENGTH_MAX)
      throw invalidRequest('a custom_metadata value is too long');
    metadata[key] = value;
  }
  return metadata;
}

function trimmed(text: string | undefined): string {
  return (text ?? '').replace(/\/$/, '');
}

/** The one level that a request is about. @throws {RequestError} */
function childName(request: Request<NamespaceFields>): string {
  const name = trimmed(request.fields.path);
  refuseReservedNamespace(name);
  if (name.includes('/')) throw invalidRequest('namespace name cannot contain /');
  return name;
}

function childOf(routing: Routing, request: Request<unknown>, path: string): Namespace | undefined {
  const found = routing.namespaces.get(`${request.namespace.path}${path}/`);
  return found === undefined || found.tainted || path === '' ? undefined : found;
}

async function write(
  ports: NamespacePorts,
  unit: Unit,
  request: Request<NamespaceFields>,
): Promise<Reply> {
  const name = trimmed(request.fields.path);
  checkNamespaceName(name);
  const routing = await routingOf(ports, unit);
  const path = `${request.namespace.path}${name}/`;
  const existing = routing.namespaces.get(path);
  if (existing?.tainted === true) throw invalidRequest('namespace is being deleted');
  const customMetadata = metadataOf(request.fields.custom_metadata ?? {});
  const core = coreUnit(unit);
  if (existing !== undefined) {
    const changed = { ...existing, customMetadata };
    putNamespace(unit, changed);
    core.bumpEpoch(ROUTING_SCOPE);
    return { data: shown(changed) };
  }
  for (const mount of routing.mounts.values()) {
    const { movingTo } = mount.entry;
    if (mount.fullPath.startsWith(path) || movingTo?.startsWith(path) === true)
      throw invalidRequest(`path is already in use at ${mount.entry.path}`);
  }
  const namespace = newNamespace(ports.world.random, path, customMetadata);
  ports.createKey(unit, namespace.id);
  putNamespace(unit, namespace);
  await ports.prepare(unit, namespace.id, request.nowMs);
  for (const entry of builtinMounts(ports.world.random, namespace.id)) ports.table.put(core, entry);
  core.bumpEpoch(ROUTING_SCOPE);
  return { data: shown(namespace) };
}

async function patch(
  ports: NamespacePorts,
  unit: Unit,
  request: Request<NamespaceFields>,
): Promise<Reply> {
  const name = childName(request);
  const routing = await routingOf(ports, unit);
  const namespace = childOf(routing, request, name);
  if (namespace === undefined) throw invalidRequest('namespace not found');
  const merged: Record<string, JsonValue> = { ...namespace.customMetadata };
  const sent = request.data['custom_metadata'];
  if (isJsonObject(sent)) {
    for (const [key, value] of Object.entries(sent)) {
      if (value === null) delete merged[key];
      else merged[key] = value;
    }
  }
  const changed = { ...namespace, customMetadata: metadataOf(merged) };
  putNamespace(unit, changed);
  coreUnit(unit).bumpEpoch(ROUTING_SCOPE);
  return { data: shown(changed) };
}

async function remove(
  ports: NamespacePorts,
  unit: Unit,
  request: Request<NamespaceFields>,
): Promise<Reply> {
  const name = childName(request);
  const routing = await routingOf(ports, unit);
  const namespace = routing.namespaces.get(`${request.namespace.path}${name}/`);
  if (namespace === undefined || name === '')
    return { data: null, warnings: ['requested namespace does not exist'] };
  for (const path of routing.namespaces.keys()) {
    if (path !== namespace.path && path.startsWith(namespace.path)) {
      throw invalidRequest(
        `cannot delete namespace ("${namespace.path}") containing child namespaces`,
      );
    }
  }
  // From this commit on the namespace serves nothing; leases are revoked at their targets before the data goes.
  putNamespace(unit, { ...namespace, tainted: true });
  coreUnit(unit).bumpEpoch(ROUTING_SCOPE);
  for (const mount of routing.mounts.values()) {
    if (mount.namespace.id !== namespace.id) continue;
    cleanUpMount(ports, unit, { ...mount.entry, withNamespace: true }, request.nowMs);
  }
  ports.queue.schedule(
    unit,
    { kind: 'namespace', namespaceId: namespace.id, id: namespace.id },
    request.nowMs + 1,
  );
  return { data: { status: 'in-progress' } };
}

async function list(
  ports: NamespacePorts,
  unit: Unit,
  request: Request<unknown>,
  deep: boolean,
): Promise<Reply> {
  const routing = await routingOf(ports, unit);
  const prefix = request.namespace.path;
  const info: Record<string, unknown> = {};
  for (const [path, namespace] of routing.namespaces) {
    if (path === prefix || !path.startsWith(prefix) || namespace.tainted) continue;
    const below = path.slice(prefix.length);
    if (!deep && below.indexOf('/') !== below.length - 1) continue;
    info[below] = shown(namespace);
  }
  const keys = Object.keys(info).sort();
  return { data: keys.length === 0 ? { keys } : { key_info: info, keys } };
}

/** The namespace that an api-lock call is about: the current one, or one below it. */
async function lockTarget(
  ports: NamespacePorts,
  unit: Unit,
  request: Request<NamespaceFields>,
): Promise<Namespace> {
  const routing = await routingOf(ports, unit);
  const path = trimmed(request.fields.path);
  refuseReservedNamespace(path);
  const namespace = routing.namespaces.get(
    request.namespace.path + (path === '' ? '' : `${path}/`),
  );
  if (namespace === undefined || namespace.tainted)
    throw invalidRequest('requested namespace does not exist');
  if (namespace.path === '') throw invalidRequest('root namespace cannot be locked/unlocked');
  return namespace;
}

function lockPaths(ports: NamespacePorts): Path<Unit>[] {
  const lockFields = {
    path: {
      kind: 'string',
      description: 'Namespace below the current one; the current one when left out.',
    },
    unlock_key: { kind: 'string', description: 'What locking returned.', sensitive: true },
  } as const;
  const pattern = (verb: string): string => `namespaces/api-lock/${verb}[/{path...}]`;
  return [
    defineSystemPath({
      pattern: pattern('lock'),
      fields: lockFields,
      help: {
        synopsis:
          'Stops the API of a namespace and those below it, until it is unlocked with the key returned.',
      },
      operations: {
        update: {
          summary: 'Lock the API of a namespace',
          handler: async (request, unit) => {
            const namespace = await lockTarget(ports, unit, request);
            if (namespace.lockedBy !== undefined)
              throw invalidRequest('namespace is already locked');
            const key = base62(ports.world.random, UNLOCK_KEY_LENGTH);
            putNamespace(unit, { ...namespace, lockedBy: ports.hash(key) });
            coreUnit(unit).bumpEpoch(ROUTING_SCOPE);
            return { data: { unlock_key: key } };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: pattern('unlock'),
      fields: lockFields,
      help: { synopsis: 'Starts the API of a namespace again; root may do so without the key.' },
      operations: {
        update: {
          summary: 'Unlock the API of a namespace',
          handler: async (request, unit) => {
            const namespace = await lockTarget(ports, unit, request);
            if (namespace.lockedBy === undefined) throw invalidRequest('namespace is not locked');
            const key = request.fields.unlock_key ?? '';
            const byRoot = key === '' && request.principal?.isRoot === true;
            if (!byRoot && ports.hash(key) !== namespace.lockedBy)
              throw invalidRequest('incorrect unlock key');
            const { lockedBy: _gone, ...rest } = namespace;
            putNamespace(unit, rest);
            coreUnit(unit).bumpEpoch(ROUTING_SCOPE);
            return byRoot
              ? { warnings: ['Namespace unlocked without its key, by root'] }
              : undefined;
          },
        },
      },
    }),
  ];
}

export function namespacePaths(ports: NamespacePorts): Path<Unit>[] {
  return [
    ...lockPaths(ports),
    defineSystemPath({
      pattern: 'namespaces',
      fields: {},
      help: {
        synopsis: 'Lists the namespaces directly below the current one; a scan lists all below it.',
      },
      operations: {
        list: {
          summary: 'List namespaces',
          handler: (request, unit) => list(ports, unit, request, false),
        },
        scan: {
          summary: 'List all namespaces below',
          handler: (request, unit) => list(ports, unit, request, true),
        },
      },
    }),
    defineSystemPath({
      pattern: 'namespaces/{path...}',
      fields,
      help: { synopsis: 'Creates, shows, changes and deletes a namespace.' },
      operations: {
        read: {
          summary: 'Show a namespace',
          handler: async (request, unit) => {
            const name = childName(request);
            const namespace = childOf(await routingOf(ports, unit), request, name);
            if (namespace === undefined) throw notFound();
            return { data: shown(namespace) };
          },
        },
        update: {
          summary: 'Create or replace a namespace',
          handler: (request, unit) => write(ports, unit, request),
        },
        patch: {
          summary: 'Change the metadata of a namespace',
          handler: (request, unit) => patch(ports, unit, request),
        },
        delete: {
          summary: 'Delete a namespace with all it holds',
          handler: (request, unit) => remove(ports, unit, request),
        },
      },
    }),
  ];
}
