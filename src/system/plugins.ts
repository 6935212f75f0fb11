/**
 * `sys/plugins`: the catalogue of engines and methods. All are built in; code is never loaded from a directory or from storage
 * (CVE-2026-105816), so nothing can be registered.
 */
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest, notFound } from '../model/errors.ts';
import type { Unit } from '../model/transaction.ts';
import { routingOf } from './mounts/ports.ts';
import type { MountPorts } from './mounts/ports.ts';
import { uuid } from '../base/random.ts';
import type { Reply } from '../model/reply.ts';

export type PluginKind = 'auth' | 'database' | 'secret';

export interface PluginPorts extends MountPorts {
  /** Names of what is built in, sorted. */
  readonly names: (kind: PluginKind) => readonly string[];
  readonly programVersion: string;
}

const KINDS: readonly PluginKind[] = ['auth', 'database', 'secret'];
const name = { kind: 'string', description: 'Name of the engine or method.' } as const;

function builtinVersion(ports: PluginPorts): string {
  return `v${ports.programVersion}+builtin`;
}

function catalogue(ports: PluginPorts): Reply {
  const detailed = KINDS.flatMap((type) =>
    ports.names(type).map((found) => ({
      builtin: true,
      deprecation_status: 'supported',
      name: found,
      type,
      version: builtinVersion(ports),
    })),
  );
  return {
    data: {
      auth: ports.names('auth'),
      database: ports.names('database'),
      detailed,
      secret: ports.names('secret'),
    },
  };
}

function describe(
  ports: PluginPorts,
  type: PluginKind,
  { name: wanted = '', version }: { readonly name?: string | undefined; readonly version: string },
): Reply {
  if (!ports.names(type).includes(wanted)) throw notFound();
  if (version !== '' && version !== builtinVersion(ports)) throw notFound();
  return {
    data: {
      args: null,
      builtin: true,
      command: '',
      declarative: false,
      deprecation_status: 'supported',
      name: wanted,
      oci: false,
      sha256: '',
      version: builtinVersion(ports),
    },
  };
}

function listPath(ports: PluginPorts, type: PluginKind): Path<Unit> {
  return defineSystemPath({
    pattern: `plugins/catalog/${type}`,
    fields: {},
    sudo: true,
    help: { synopsis: 'Lists what is built in of one kind. Needs sudo.' },
    operations: {
      list: { summary: 'List one kind', handler: () => ({ data: { keys: ports.names(type) } }) },
    },
  });
}

/** One that is built in; without a kind, the form of old programs, which tells nothing. */
function entryPath(ports: PluginPorts, type: PluginKind | undefined): Path<Unit> {
  const deprecated = (wish: string, wanted = ''): Reply => ({
    data: null,
    warnings: [`Deprecated API endpoint, cannot ${wish} catalog for ${JSON.stringify(wanted)}`],
  });
  return defineSystemPath({
    pattern: `plugins/catalog/${type === undefined ? '' : `${type}/`}{name..+}`,
    fields: {
      name,
      version: { kind: 'string', query: true, description: 'Version of the program.', default: '' },
      sha256: { kind: 'string', description: 'Checksum of the program.' },
      command: { kind: 'string', description: 'Program to run.' },
    },
    sudo: true,
    help: { synopsis: 'Shows one that is built in. Programs cannot be registered. Needs sudo.' },
    operations: {
      read: {
        summary: 'Show one',
        handler: ({ fields }) =>
          type === undefined
            ? deprecated('read plugin information from', fields.name)
            : describe(ports, type, fields),
      },
      update: {
        summary: 'Refused: programs cannot be registered',
        handler: ({ fields }) => {
          if ((fields.sha256 ?? '') === '') throw invalidRequest('missing SHA-256 value');
          throw invalidRequest('engines are built in: programs cannot be registered');
        },
      },
      delete: {
        summary: 'Does nothing: nothing is registered',
        handler: ({ fields }) =>
          type === undefined ? deprecated('deregister plugin from', fields.name) : undefined,
      },
    },
  });
}

export function pluginPaths(ports: PluginPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'plugins/catalog[/]',
      fields: {},
      sudo: 'folder',
      help: { synopsis: 'Lists the engines and methods that are built in.' },
      operations: { read: { summary: 'List what is built in', handler: () => catalogue(ports) } },
    }),
    ...KINDS.flatMap((type) => [listPath(ports, type), entryPath(ports, type)]),
    entryPath(ports, undefined),
    defineSystemPath({
      pattern: 'plugins/reload/backend',
      fields: {
        plugin: { kind: 'string', description: 'Name of the engine or method.', default: '' },
        mounts: { kind: 'comma_string_list', description: 'Mounts to reload.', default: [] },
        scope: { kind: 'string', description: 'Kept for compatibility.' },
      },
      rootNamespaceOnly: true,
      help: { synopsis: 'Kept for compatibility: what is built in has no state to reload.' },
      operations: {
        update: {
          summary: 'Reload an engine',
          handler: async (request, unit) => {
            const { plugin, mounts } = request.fields;
            if (plugin === '' && mounts.length === 0)
              throw invalidRequest('plugin or mounts must be provided');
            if (plugin !== '' && mounts.length > 0)
              throw invalidRequest('plugin and mounts cannot be set at the same time');
            const routing = await routingOf(ports, unit);
            for (const mount of mounts) {
              const path = mount.endsWith('/') ? mount : `${mount}/`;
              if (!routing.mounts.has(request.namespace.path + path))
                throw invalidRequest(`cannot fetch mount entry on "${path}"`);
            }
            return { data: { reload_id: uuid(ports.world.random) } };
          },
        },
      },
    }),
  ];
}
