/** `sys/storage/backup`, and the name that Vault's tools know it by: a consistent copy of the whole store, while it serves. */
import { defineSystemPath } from '../../model/backend.ts';
import type { OperationSpec, Path, PathSpec } from '../../model/backend.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import type { FieldSet, Values } from '../../model/field.ts';
import type { Unit } from '../../model/transaction.ts';
import type { ByteStream, Reply } from '../../model/reply.ts';

export interface BackupPorts {
  /** Makes a copy and opens it; undefined when the storage has nothing that outlives the process. */
  readonly takeBackup: ((form: 'plain' | 'archive') => Promise<ByteStream>) | undefined;
  /** Puts a snapshot in place of the store. @throws {RequestError} nothing has changed. */
  readonly restore: (pieces: AsyncIterable<Uint8Array>, force: boolean) => Promise<void>;
}

/** Copies take disk space and bandwidth: one at a time. */
const BACKUPS_MAX = 1;

export function backupPaths(ports: BackupPorts): Path<Unit>[] {
  let running = 0;

  async function take(form: 'plain' | 'archive'): Promise<Reply> {
    const { takeBackup } = ports;
    if (takeBackup === undefined) {
      throw invalidRequest(
        'this storage has no backup of its own: it is in memory, or the database is backed up with its own tools',
      );
    }
    if (running >= BACKUPS_MAX) {
      throw new RequestError('unavailable', 'another backup is being made, try again', {
        headers: { 'Retry-After': '10' },
      });
    }
    running++;
    try {
      const stream = await takeBackup(form);
      return { raw: { contentType: 'application/octet-stream', body: '', stream } };
    } finally {
      running--;
    }
  }

  const restoring = (force: boolean): OperationSpec<Unit, Values<FieldSet>> => ({
    summary: force ? 'Restore a snapshot of other keys or another cluster' : 'Restore a snapshot',
    outsideEffects: true,
    handler: async ({ upload }) => {
      if (upload === undefined) throw invalidRequest('the body must be a snapshot');
      await ports.restore(upload, force);
      return undefined;
    },
  });
  const path = (
    pattern: string,
    form: 'plain' | 'archive',
    more: Pick<PathSpec<Unit, FieldSet>, 'takesUpload'> & {
      readonly update?: ReturnType<typeof restoring>;
    } = {},
  ): Path<Unit> =>
    defineSystemPath({
      pattern,
      fields: {},
      sudo: true,
      rootNamespaceOnly: true,
      ...(more.takesUpload === true && { takesUpload: true }),
      help: {
        synopsis: 'Sends a consistent copy of the whole store, ciphertext throughout.',
        description:
          'The copy holds what was committed when the request came, and opens with the same key shares or key as this server. Put it back with `strongroom operator restore`, or by writing it to `storage/raft/snapshot`: it then takes the place of everything.',
      },
      operations: {
        read: {
          summary: 'Download a backup',
          outsideEffects: true,
          handler: () => take(form),
        },
        ...(more.update !== undefined && { update: more.update }),
      },
    });

  return [
    path('storage/backup', 'plain'),
    path('storage/raft/snapshot', 'archive', { takesUpload: true, update: restoring(false) }),
    defineSystemPath({
      pattern: 'storage/raft/snapshot-force',
      fields: {},
      sudo: true,
      rootNamespaceOnly: true,
      takesUpload: true,
      help: {
        synopsis: 'Puts a snapshot in place of the store, whichever keys unseal it.',
        description:
          'As a write of `storage/raft/snapshot`, which refuses what would leave this server sealed. Afterwards it is unsealed with the keys of the snapshot.',
      },
      operations: { update: restoring(true) },
    }),
  ];
}
