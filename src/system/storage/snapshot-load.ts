/** `sys/storage/raft/snapshot-load`: snapshots that secrets can be read and recovered from, without a restore. */
import { formatTimeSeconds } from '../../base/time-format.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import { loadedIds, readLoaded } from '../../snapshots/records.ts';
import type { LoadedRecord } from '../../snapshots/records.ts';

export interface SnapshotLoadPorts {
  /** @throws {RequestError} */
  readonly load: (schedule: string, snapshot: string) => Promise<LoadedRecord>;
  /** @throws {RequestError} */
  readonly take: (pieces: AsyncIterable<Uint8Array>) => Promise<LoadedRecord>;
  /** How far this server is with it. */
  readonly stateOf: (id: string) => string;
  /** False when there is none of that id. */
  readonly unload: (id: string) => Promise<boolean>;
}

const COMMON = { sudo: true, rootNamespaceOnly: true } as const;
const ID = {
  snapshot_id: { kind: 'string', description: 'Id that the load has given.' },
} as const;

export function snapshotLoadPaths(ports: SnapshotLoadPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      ...COMMON,
      pattern: 'storage/raft/snapshot-auto/snapshot-load/{name}',
      fields: {
        name: { kind: 'string', description: 'Name of the schedule that made the snapshot.' },
        snapshot: { kind: 'string', description: 'Name of the snapshot, as the listing has it.' },
        url: {
          kind: 'string',
          description: 'Its URL, as the status has it, in place of the name.',
        },
      },
      help: {
        synopsis: 'Loads a snapshot, so that secrets can be read and recovered from it.',
        description:
          'The server fetches it, checks its signature and keeps it beside the store for three days. Nothing is restored.',
      },
      operations: {
        update: {
          summary: 'Load a snapshot',
          outsideEffects: true,
          handler: async ({ fields }) => {
            const { snapshot, url } = fields;
            const named = snapshot ?? url?.slice(url.lastIndexOf('/') + 1);
            if (named === undefined) throw invalidRequest('snapshot or url is needed');
            return { data: { ...shown(ports, await ports.load(fields.name ?? '', named)) } };
          },
        },
      },
    }),
    defineSystemPath({
      ...COMMON,
      pattern: 'storage/raft/snapshot-load',
      fields: {},
      takesUpload: true,
      help: {
        synopsis: 'Lists the snapshots that are loaded, and loads one that is uploaded.',
        description:
          'What is uploaded stays with the server that was asked, until it ends, three days at most.',
      },
      operations: {
        update: {
          summary: 'Load an uploaded snapshot',
          outsideEffects: true,
          handler: async ({ upload }) => {
            if (upload === undefined) throw invalidRequest('the body must be a snapshot');
            return { data: { ...shown(ports, await ports.take(upload)) } };
          },
        },
        list: {
          summary: 'List the loaded snapshots',
          handler: async (_request, unit) => {
            const keys = await loadedIds(unit);
            if (keys.length === 0) throw notFound();
            return { data: { keys } };
          },
        },
      },
    }),
    defineSystemPath({
      ...COMMON,
      pattern: 'storage/raft/snapshot-load/{snapshot_id}',
      fields: ID,
      help: { synopsis: 'A snapshot that is loaded.' },
      operations: {
        read: {
          summary: 'Read what is known of a loaded snapshot',
          handler: async ({ fields }, unit) => {
            const record = await readLoaded(unit, fields.snapshot_id ?? '');
            if (record === undefined) throw notFound();
            return { data: { ...shown(ports, record) } };
          },
        },
        delete: {
          summary: 'Unload a snapshot',
          outsideEffects: true,
          handler: async ({ fields }) => {
            if (!(await ports.unload(fields.snapshot_id ?? ''))) throw notFound();
            return undefined;
          },
        },
      },
    }),
  ];
}

function shown(ports: SnapshotLoadPorts, record: Stored<LoadedRecord>): object {
  return {
    snapshot_id: record.id,
    cluster_id: record.clusterId,
    created_at: formatTimeSeconds(record.loadedMs),
    expires_at: formatTimeSeconds(record.expiresMs),
    schedule: record.schedule,
    snapshot: record.snapshot,
    url: record.url,
    status: ports.stateOf(record.id),
  };
}
