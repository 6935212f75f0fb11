/** Online backup: a consistent copy of a live database in one file. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { backup } from 'node:sqlite';
import type { DatabaseSync } from 'node:sqlite';
import { StorageError } from '../storage.ts';
import { createPrivateFile, syncDirectory, syncFile } from './data-directory.ts';
import { describeError, openForReading } from './database.ts';

/** Pages copied in one go on the thread pool; the main thread is free meanwhile. */
const PAGES_PER_STEP = 512;

/**
 * Copies `database` to the new file `target` (0600): under another name until it is complete and synced, so that a
 * file of that name is always a whole backup. `progress` gets fractions from 0 to 1.
 * @throws {StorageError} the target exists, or reading or writing failed; no target is left then.
 */
export async function backupDatabase(
  database: string,
  target: string,
  progress?: (fraction: number) => void,
): Promise<void> {
  const file = resolve(target);
  const partial = `${file}.partial`;
  if (existsSync(file)) throw new StorageError(`${file} exists already: a backup needs a new file`);
  reserve(partial);
  let source: DatabaseSync | undefined;
  try {
    source = openForReading(database);
    // An open transaction pins the snapshot. Without it each commit would make the copy start over.
    source.exec('BEGIN');
    source.prepare('SELECT number FROM sequence').get();
    progress?.(0);
    await backup(source, partial, {
      rate: PAGES_PER_STEP,
      progress: ({ totalPages, remainingPages }) =>
        progress?.(totalPages === 0 ? 1 : (totalPages - remainingPages) / totalPages),
    });
    syncFile(partial);
    if (existsSync(file)) throw new StorageError(`${file} appeared while the backup was made`);
    renameSync(partial, file);
    syncDirectory(dirname(file));
    progress?.(1);
  } catch (error) {
    rmSync(partial, { force: true });
    rmSync(`${partial}-journal`, { force: true });
    if (error instanceof StorageError) throw error;
    throw new StorageError(`the backup to ${file} failed: ${describeError(error)}`, {
      cause: error,
    });
  } finally {
    source?.close();
  }
}

/** Creates the file that the copy goes to, unless somebody else has. */
function reserve(partial: string): void {
  let created: boolean;
  try {
    created = createPrivateFile(partial);
  } catch (error) {
    throw new StorageError(`the backup cannot be created: ${describeError(error)}`, {
      cause: error,
    });
  }
  if (!created) {
    throw new StorageError(
      `${partial} exists: another backup is under way, or one was cut off; remove it`,
    );
  }
}
