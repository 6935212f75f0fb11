/** Puts a backup in the place of a store, checked first and all at once. */
import {
  createReadStream,
  createWriteStream,
  existsSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { silentLog } from '../../base/log.ts';
import type { Log } from '../../base/log.ts';
import { pagesOf } from '../pages.ts';
import { StorageError } from '../storage.ts';
import type { ScannableStorage } from '../storage.ts';
import { createSqliteCopy } from './copy.ts';
import {
  createPrivateFile,
  prepareDirectory,
  storeFiles,
  syncDirectory,
  syncFile,
} from './data-directory.ts';
import type { StoreFiles } from './data-directory.ts';
import { assertOurs, assertSqliteVersion, describeError, findDamage } from './database.ts';
import { takeOwnerLock } from './owner-lock.ts';

export interface RestoreOptions {
  /** The backup, as `backup` wrote it. It is only read. */
  readonly file: string;
  /** The data directory; created if missing. No process may have it open. */
  readonly directory: string;
  /** Allow it over a store that exists. The old one is kept beside, as `strongroom.db.before-restore-N`. */
  readonly replace?: boolean;
  /** Where the backup begins in the file; 0 without it. */
  readonly skipBytes?: number;
  /** Throws when the copy that is about to be installed is not the one that is wanted. */
  readonly check?: (copy: string) => Promise<void>;
  readonly log?: Log;
}

/** Names for stores that a restore put aside; more than anyone keeps. */
const KEPT_STORES_MAX = 1000;

/**
 * Checks a backup (whole structure, application id, schema version) and installs it: the directory holds the old
 * state or the new one at every moment, whatever crashes.
 * @throws {StorageError} the file is damaged or not ours, a store is there already, or it is in use.
 */
export async function restoreSqliteStorage(options: RestoreOptions): Promise<void> {
  const log = options.log ?? silentLog;
  const files = storeFiles(resolve(options.directory));
  const source = resolve(options.file);
  assertSqliteVersion(process.versions['sqlite'] ?? '0');
  if (!existsSync(source)) throw new StorageError(`the backup ${source} does not exist`);
  prepareDirectory(files.directory, log);
  const lock = takeOwnerLock(files);
  try {
    settleRestore(files, log);
    if (holdsStore(files) && options.replace !== true) {
      throw new StorageError(
        `${files.directory} holds a store already; say so if it is to be replaced`,
      );
    }
    await install(files, log, async (incoming) => {
      await copyPrivately(source, incoming, options.skipBytes ?? 0);
      // The copy is checked, not the source: what was checked is what is installed.
      await options.check?.(incoming);
      assertBackup(incoming, source);
    });
  } finally {
    lock.release();
  }
}

/**
 * Makes a database by `write`, and puts it in place of the one that is there, which nobody may have open. From when its file is called
 * `strongroom.db.next` the store is what that holds: {@link settleRestore} ends what a crash has left.
 */
async function install(
  files: StoreFiles,
  log: Log,
  write: (file: string) => Promise<void>,
): Promise<void> {
  const incoming = `${files.database}.restoring`;
  try {
    await write(incoming);
    renameSync(incoming, nextOf(files));
    syncDirectory(files.directory);
  } finally {
    rmSync(incoming, { force: true });
  }
  settleRestore(files, log);
}

/** Writes what is to be installed, while the store is still in use; `finish` installs it when nobody has it open any more. */
export async function prepareReplacement(
  files: StoreFiles,
  log: Log,
  copy: ScannableStorage,
): Promise<{ readonly finish: () => Promise<void> }> {
  const incoming = `${files.database}.restoring`;
  rmSync(incoming, { force: true });
  const writer = createSqliteCopy(incoming);
  try {
    for await (const page of pagesOf(copy)) writer.add(page);
    writer.finish();
  } catch (error) {
    writer.abort();
    throw error;
  }
  return { finish: () => install(files, log, async () => {}) };
}

const nextOf = (files: StoreFiles): string => `${files.database}.next`;

/** Ends a restore that a crash has cut off after it was decided. For whoever holds the owner's lock. */
export function settleRestore(files: StoreFiles, log: Log): void {
  const next = nextOf(files);
  if (!existsSync(next)) return;
  keepOldStore(files, log);
  renameSync(next, files.database);
  syncDirectory(files.directory);
}

function holdsStore(files: StoreFiles): boolean {
  return [files.database, `${files.database}-wal`].some(
    (file) => existsSync(file) && statSync(file).size > 0,
  );
}

async function copyPrivately(source: string, target: string, start: number): Promise<void> {
  rmSync(target, { force: true });
  createPrivateFile(target);
  try {
    await pipeline(createReadStream(source, { start }), createWriteStream(target, { flags: 'r+' }));
  } catch (error) {
    throw new StorageError(`${source} cannot be copied: ${describeError(error)}`, { cause: error });
  }
  syncFile(target);
}

/**
 * Demands that `file` is a whole backup (structure, application id, schema version); it is called `source` in errors.
 * @throws {StorageError}
 */
export function assertBackup(file: string, source: string): void {
  let database: DatabaseSync | undefined;
  let damage: string | undefined;
  try {
    // Immutable: SQLite looks for no log and makes no files beside it.
    const url = pathToFileURL(file);
    url.search = 'immutable=1';
    database = new DatabaseSync(url, { readOnly: true });
    database.enableDefensive(true);
    database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0');
    assertOurs(database, source);
    damage = findDamage(database, 'integrity_check');
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(`${source} is no backup of Strongroom: ${describeError(error)}`, {
      cause: error,
    });
  } finally {
    database?.close();
  }
  if (damage !== undefined) throw new StorageError(`the backup ${source} is damaged: ${damage}`);
}

/** Moves the old database and its log aside together, under a name by which SQLite still finds both. */
function keepOldStore(files: StoreFiles, log: Log): void {
  if (!holdsStore(files)) return;
  for (let number = 1; number <= KEPT_STORES_MAX; number += 1) {
    const kept = `${files.database}.before-restore-${number}`;
    const hasLog = existsSync(`${files.database}-wal`);
    if (existsSync(kept) || (hasLog && existsSync(`${kept}-wal`))) continue;
    // The log first: after a crash in between both find together again.
    for (const suffix of ['-wal', '']) {
      if (existsSync(files.database + suffix)) renameSync(files.database + suffix, kept + suffix);
    }
    rmSync(`${files.database}-shm`, { force: true });
    log.info('kept the store that the restore replaces', { file: kept });
    return;
  }
  throw new StorageError(`too many stores kept in ${files.directory}: remove some`);
}
