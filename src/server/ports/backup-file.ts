/** Backups on their way to a client: a copy in a file that nobody else can open and that is gone when it has been read. */
import { closeSync, createReadStream, fstatSync, openSync, readdirSync, rmSync } from 'node:fs';
import type { ReadStream } from 'node:fs';
import { join } from 'node:path';
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import type { ByteStream } from '../../model/request.ts';
import type { BackupStorage, Storage } from '../../storage/storage.ts';

const PREFIX = 'backup-';
const PIECE_BYTES = 256 * 1024;

/** An open file that has no name any more: closing it frees the disk. */
class UnnamedFile implements ByteStream {
  readonly lengthBytes: number;
  readonly #stream: ReadStream;

  constructor(descriptor: number) {
    this.lengthBytes = fstatSync(descriptor).size;
    this.#stream = createReadStream('', { fd: descriptor, start: 0, highWaterMark: PIECE_BYTES });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  }

  destroy(): void {
    this.#stream.destroy();
  }
}

export interface BackupFiles {
  readonly storage: Storage;
  /** The data directory (0700): the copy stays on the disk of the original until it is sent. */
  readonly directory: string;
  readonly random: Random;
}

/** How a backup is taken from `storage`; undefined when it cannot be backed up. Removes what a crash left behind. */
export function backupSource(files: BackupFiles): (() => Promise<ByteStream>) | undefined {
  const { storage, directory, random } = files;
  if (!canBackUp(storage)) return undefined;
  for (const name of readdirSync(directory)) {
    if (name.startsWith(PREFIX)) rmSync(join(directory, name), { force: true });
  }
  return async function takeBackup() {
    const file = join(directory, `${PREFIX}${uuid(random)}`);
    try {
      await storage.backup(file);
      const descriptor = openSync(file, 'r');
      try {
        return new UnnamedFile(descriptor);
      } catch (error) {
        closeSync(descriptor);
        throw error;
      }
    } finally {
      rmSync(file, { force: true });
    }
  };
}

function canBackUp(storage: Storage): storage is BackupStorage {
  return 'backup' in storage;
}
