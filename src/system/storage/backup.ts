/** `sys/storage/backup`, and the name that Vault's tools know it by: a consistent copy of the whole store, while it serves. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import type { ByteStream, Reply } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';

export interface BackupPorts {
  /** Makes a copy and opens it; undefined when the storage has nothing that outlives the process. */
  readonly takeBackup: (() => Promise<ByteStream>) | undefined;
}

/** Copies take disk space and bandwidth: one at a time. */
const BACKUPS_MAX = 1;

export function backupPaths(ports: BackupPorts): Path<Unit>[] {
  let running = 0;

  async function take(): Promise<Reply> {
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
      const stream = await takeBackup();
      return { raw: { contentType: 'application/octet-stream', body: '', stream } };
    } finally {
      running--;
    }
  }

  const path = (pattern: string): Path<Unit> =>
    defineSystemPath({
      pattern,
      fields: {},
      sudo: true,
      rootNamespaceOnly: true,
      help: {
        synopsis: 'Sends a consistent copy of the whole store, ciphertext throughout.',
        description:
          'The copy holds what was committed when the request came, and opens with the same key shares or key as this server. Put it back with `strongroom operator restore`.',
      },
      operations: {
        read: { summary: 'Download a backup', outsideEffects: true, handler: take },
      },
    });

  return [path('storage/backup'), path('storage/raft/snapshot')];
}
