/**
 * `sys/plugins`: the catalogue of engines and methods. All are built in; code is never loaded from a directory or from storage
 * (CVE-2026-105816), so nothing can be registered.
 */
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest, notFound, unsupportedOperation } from '../model/errors.ts';
import type { Reply } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import { routingOf } from './mounts/ports.ts';
import type { MountPorts } from './mounts/ports.ts';
import { uuid } from '../base/random.ts';

export type PluginKind = 'auth' | 'database' | 'secret';

export interface PluginPorts extends MountPorts {
  /** Names of what is built in, sorted. */
  readonly names: (kind: PluginKind) => readonly string[];
  readonly programVersion: string;
}

const KINDS: readonly PluginKind[] = ['auth', 'database', 'secret'];
const kind = { kind: 'string', description: 'auth, database or secret.' } as const;
const name = { kind: 'string', description: 'Name of the engine or method.' } as const;

function isKind(text: string | undefined): text is PluginKind {
  return KINDS.some((known) => known === text);
}

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

function describe(ports: PluginPorts, type: string | undefined, wanted: string | undefined): Reply {
  if (!isKind(type) || wanted === undefined || !ports.names(type).includes(wanted))
    throw notFound();
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

export function pluginPaths(ports: PluginPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'plugins/catalog',
      fields: {},
      sudo: true,
      help: { synopsis: 'Lists the engines and methods that are built in. Needs sudo.' },
      operations: { read: { summary: 'List what is built in', handler: () => catalogue(ports) } },
    }),
    defineSystemPath({
      pattern: 'plugins/catalog/{type:any}',
      fields: { type: kind },
      sudo: true,
      help: { synopsis: 'Lists what is built in of one kind. Needs sudo.' },
      operations: {
        list: {
          summary: 'List one kind',
          handler: (request) => {
            const { type } = request.fields;
            if (!isKind(type))
              throw unsupportedOperation('1 error occurred:\n\t* unsupported operation\n\n');
            return { data: { keys: ports.names(type) } };
          },
        },
        read: {
          summary: 'Old form without a kind',
          handler: (request) => ({
            data: null,
            warnings: [
              `Deprecated API endpoint, cannot read plugin information from catalog for "${request.fields.type ?? ''}"`,
            ],
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'plugins/catalog/{type:any}/{name:any}',
      fields: {
        type: kind,
        name,
        sha256: { kind: 'string', description: 'Checksum of the program.' },
        command: { kind: 'string', description: 'Program to run.' },
      },
      sudo: true,
      help: { synopsis: 'Shows one that is built in. Programs cannot be registered. Needs sudo.' },
      operations: {
        read: {
          summary: 'Show one',
          handler: (request) => describe(ports, request.fields.type, request.fields.name),
        },
        update: {
          summary: 'Refused: programs cannot be registered',
          handler: (request) => {
            if ((request.fields.sha256 ?? '') === '') throw invalidRequest('missing SHA-256 value');
            throw invalidRequest('engines are built in: programs cannot be registered');
          },
        },
        delete: { summary: 'Does nothing: nothing is registered', handler: () => undefined },
      },
    }),
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
