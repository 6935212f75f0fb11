/** Puts a backup in the place of a store, while no server runs on it, and opens the result once. */
import { silentLog } from '../base/log.ts';
import type { Log } from '../base/log.ts';
import { assertBackup, restoreSqliteStorage } from '../storage/sqlite/restore.ts';
import { openSqliteStorage } from '../storage/sqlite/sqlite-storage.ts';
import { loadConfig } from './config/load-config.ts';

export interface RestoreCommand {
  readonly file: string;
  /** Configuration files that name the storage, or the data directory itself. */
  readonly configPaths: readonly string[];
  readonly directory: string | undefined;
  /** Allow it over a store that exists, which is kept beside. */
  readonly replace: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log?: Log;
}

/**
 * Restores, and says where to.
 * @throws {Error} the backup is damaged or not ours, a store is there already or in use, or the configuration names none.
 */
export async function restoreBackup(command: RestoreCommand): Promise<string> {
  const { file, replace, log = silentLog } = command;
  const directory = command.directory ?? configuredDirectory(command);
  await restoreSqliteStorage({ file, directory, replace, log });
  const storage = await openSqliteStorage({ directory, log, onFatal: () => {} });
  await storage.close();
  return directory;
}

function configuredDirectory({ configPaths, environment }: RestoreCommand): string {
  const { storage } = loadConfig(configPaths, { environment, warn: () => {} });
  if (storage.kind !== 'sqlite') {
    throw new Error(
      `the configured storage "${storage.kind}" keeps nothing that could be restored`,
    );
  }
  return storage.path;
}

/** Demands that `file` is a whole backup; errors call it `name`. @throws {StorageError} */
export function verifyBackup(file: string, name: string): void {
  assertBackup(file, name);
}
