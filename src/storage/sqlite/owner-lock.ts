/** One owner per store: a lock on a file beside the database, held for the life of the process. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { StorageError } from '../storage.ts';
import { FILE_MODE, createPrivateFile } from './data-directory.ts';
import type { StoreFiles } from './data-directory.ts';
import { errorCode } from './database.ts';

const SQLITE_BUSY = 5;

export interface OwnerLock {
  release(): void;
}

/**
 * Takes the lock, or says who has it. SQLite's own EXCLUSIVE mode on the database would shut out the writer's second
 * connection too; on a file of its own it shuts out every other opener, in this process or another, and the kernel
 * lifts it when the process dies in whatever way.
 */
export function takeOwnerLock(files: StoreFiles): OwnerLock {
  createPrivateFile(files.lock);
  const connection = new DatabaseSync(files.lock, { timeout: 0 });
  try {
    connection.exec(
      'PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE',
    );
  } catch (error) {
    connection.close();
    if (((errorCode(error) ?? 0) & 0xff) !== SQLITE_BUSY) {
      throw new StorageError(`${files.lock} cannot be locked`, { cause: error });
    }
    throw new StorageError(
      `the data directory ${files.directory} is in use by another process${lastOwner(files)}: ` +
        'an embedded store has one owner; stop that process first',
      { cause: error },
    );
  }
  createPrivateFile(files.owner);
  writeFileSync(files.owner, `process ${process.pid} on ${hostname()}\n`, { mode: FILE_MODE });
  chmodSync(files.owner, FILE_MODE);
  return { release: () => connection.close() };
}

function lastOwner(files: StoreFiles): string {
  try {
    return ` (${readFileSync(files.owner, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
