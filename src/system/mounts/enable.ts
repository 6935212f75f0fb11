/** `sys/mounts/:path` and `sys/auth/:path`: put an engine or auth method into service, show it, take it out. */
import { uuid } from '../../base/random.ts';
import type { JsonObject } from '../../base/json.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import { newAccessor } from '../../core/mounts/builtin-mounts.ts';
import { shownMount } from '../../core/mounts/mount-entry.ts';
import type { MountEntry, MountTable as Table } from '../../core/mounts/mount-entry.ts';
import { checkMountPath, conflictingPath, mountPath } from '../../core/mounts/mount-names.ts';
import {
  EMPTY_CONFIG,
  checkNewBounds,
  checkNewLockout,
  checkPluginVersion,
  mergeConfig,
  text,
} from './config.ts';
import { coreUnit, leavingPath, mountAt, mountsOf, removeMount, routingOf } from './ports.ts';
import type { MountPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

const fields = {
  path: { kind: 'string', description: 'Where to mount it.' },
  type: { kind: 'string', description: 'Kind of engine or method: "kv", "userpass".' },
  description: { kind: 'string', description: 'For people.' },
  config: {
    kind: 'map',
    description: 'Settings: default_lease_ttl, max_lease_ttl, listing_visibility and others.',
  },
  options: { kind: 'string_map', description: 'Options of the engine, such as version for kv.' },
  local: {
    kind: 'bool',
    description: 'Kept for compatibility: there is no replication to keep it out of.',
    default: false,
  },
  seal_wrap: {
    kind: 'bool',
    description: 'Kept for compatibility: everything is sealed alike.',
    default: false,
  },
  external_entropy_access: { kind: 'bool', description: 'Kept for compatibility.', default: false },
  plugin_name: { kind: 'string', description: 'Old way to name the type.', deprecated: true },
  plugin_version: {
    kind: 'string',
    description:
      'Engines are built in and have the version of the server; other values are stored.',
  },
} as const;

interface EnableFields {
  readonly path?: string | undefined;
  readonly type?: string | undefined;
  readonly description?: string | undefined;
  readonly config?: JsonObject | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly local: boolean;
  readonly seal_wrap: boolean;
  readonly external_entropy_access: boolean;
  readonly plugin_name?: string | undefined;
  readonly plugin_version?: string | undefined;
}

/** The old way to name a type: `plugin`, and which one beside it. @throws {RequestError} */
function pluginName(given: EnableFields): string {
  const name = [given.config?.['plugin_name'], given.plugin_name].find(
    (each) => typeof each === 'string' && each !== '',
  );
  if (typeof name !== 'string')
    throw invalidRequest('plugin_name must be provided for plugin backend');
  return name;
}

/** `kv-v2` stands for kv with version 2, `kv-v1` and `generic` for kv with version 1. */
function typeAndOptions(fieldsGiven: EnableFields): {
  type: string;
  options: Record<string, string>;
} {
  const given = fieldsGiven.type === 'plugin' ? pluginName(fieldsGiven) : fieldsGiven.type;
  if (given === undefined || given === '')
    throw invalidRequest('backend type must be specified as a string');
  const options = { ...fieldsGiven.options };
  if (given === 'kv-v1') return { type: 'kv', options: { ...options, version: '1' } };
  if (given === 'kv-v2') return { type: 'kv', options: { ...options, version: '2' } };
  return { type: given, options };
}

const UNMOUNTABLE = new Set([
  'system',
  'identity',
  'cubbyhole',
  'token',
  'ns_system',
  'ns_identity',
  'ns_cubbyhole',
  'ns_token',
]);

async function enable(
  ports: MountPorts,
  unit: Unit,
  request: Request<EnableFields>,
  table: Table,
): Promise<Reply | undefined> {
  const f = request.fields;
  const shown = mountPath(f.path ?? '');
  const path = table === 'auth' ? `auth/${shown}` : shown;
  const { type, options } = typeAndOptions(f);
  if ((options['version'] ?? '') !== '' && (table === 'auth' || type !== 'kv')) {
    const what = table === 'auth' ? 'auth method' : 'secrets engine';
    throw invalidRequest(`${what} "${type}" does not allow setting a version`);
  }
  const { user_lockout_config: lockout, plugin_version: version, ...settings } = f.config ?? {};
  checkNewLockout(lockout);
  const config = mergeConfig(EMPTY_CONFIG, settings, { table, type });
  if (version !== undefined && version !== null && version !== '')
    checkPluginVersion(text(version), ports.version, type);
  checkNewBounds(config, ports.system);
  const routing = await routingOf(ports, unit);
  checkMountPath(table, shown);
  const taken =
    conflictingPath(routing, request.namespace.path, path) ??
    (await leavingPath(unit, request.namespace.id, path));
  if (UNMOUNTABLE.has(type)) {
    if (table === 'auth' && type === 'token' && taken === undefined) {
      throw invalidRequest('token credential backend cannot be instantiated');
    }
    if (table === 'secret') throw invalidRequest(`mount type of "${type}" is not mountable`);
  }
  if (taken !== undefined) {
    const shownTaken = table === 'auth' ? taken.replace(/^auth\//, '') : taken;
    throw invalidRequest(`path is already in use at ${shownTaken}`);
  }
  const entry: MountEntry = {
    uuid: uuid(ports.world.random),
    table,
    namespaceId: request.namespace.id,
    path,
    type,
    accessor: newAccessor(ports.world.random, table === 'auth' ? `auth_${type}` : type),
    description: f.description ?? '',
    options: request.data['options'] === null && Object.keys(options).length === 0 ? null : options,
    config:
      table === 'auth' && config.token_type === undefined
        ? { ...config, token_type: 'default-service' }
        : config,
    local: f.local,
    sealWrap: f.seal_wrap,
    externalEntropyAccess: f.external_entropy_access,
    pluginVersion: '',
    tainted: false,
    builtin: false,
  };
  const backend = await ports.backends(entry);
  if (backend === undefined) throw invalidRequest(`plugin not found in the catalog: ${type}`);
  ports.table.put(coreUnit(unit), entry);
  if (backend.scope === 'mount')
    await backend.initialize?.(unit.view(entry.namespaceId, `mount/${entry.uuid}/`));
  return undefined;
}

export function mountPaths(ports: MountPorts, table: Table): Path<Unit>[] {
  const root = table === 'auth' ? 'auth' : 'mounts';
  const what = table === 'auth' ? 'auth methods' : 'secrets engines';
  const routed = (path: string | undefined): string =>
    (table === 'auth' ? 'auth/' : '') + mountPath(path ?? '');
  return [
    defineSystemPath({
      pattern: root,
      fields: {},
      help: { synopsis: `Lists the ${what} that are in service.` },
      operations: {
        read: {
          summary: `List ${what}`,
          handler: async (request, unit) => {
            const data: Record<string, unknown> = {};
            for (const [path, mount] of await mountsOf(ports, unit, request, table)) {
              data[path] = shownMount(mount.entry, ports.version);
            }
            return { data, injectTopLevel: true };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: `${root}/{path..+}`,
      fields,
      sudo: table === 'auth',
      help: {
        synopsis: `Puts one of the ${what} into service, shows it, or takes it out with all its data.`,
      },
      operations: {
        read: {
          summary: 'Show one',
          handler: async (request, unit) => {
            const path = routed(request.fields.path);
            const mount = await mountAt(ports, unit, request, path);
            // Clients ask for an auth method as `sys/mounts/auth/<path>` too, Terraform's provider among them.
            const isMeant = table === 'secret' || mount?.entry.table === table;
            if (mount === undefined || !isMeant) {
              const shown = mountPath(request.fields.path ?? '');
              throw invalidRequest(
                table === 'auth'
                  ? `No auth engine at ${shown}`
                  : `No secret engine mount at ${shown}`,
              );
            }
            return { data: shownMount(mount.entry, ports.version), injectTopLevel: true };
          },
        },
        update: {
          summary: 'Put into service',
          handler: (request, unit) => enable(ports, unit, request, table),
        },
        delete: {
          summary: 'Take out of service',
          handler: async (request, unit) => {
            const path = routed(request.fields.path);
            if (path === 'auth/token/')
              throw invalidRequest('token credential backend cannot be disabled');
            const mount = await mountAt(ports, unit, request, path);
            if (mount === undefined || mount.entry.table !== table) return undefined;
            removeMount(ports, unit, mount, request.nowMs);
            return { settle: true };
          },
        },
      },
    }),
  ];
}
