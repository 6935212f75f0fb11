/** The directory that holds an embedded store: its files, their permissions, and the file systems it may lie on. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
  statfsSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '../../base/log.ts';
import { StorageError } from '../storage.ts';

export const DIRECTORY_MODE = 0o700;
export const FILE_MODE = 0o600;

/** The files of one store. SQLite adds `-wal` and `-shm` beside the database while it is open. */
export interface StoreFiles {
  readonly directory: string;
  readonly database: string;
  /** Locked by the one process that owns the store. */
  readonly lock: string;
  /** Says who took the lock last: a hint for people, never a decision. */
  readonly owner: string;
}

export function storeFiles(directory: string): StoreFiles {
  return {
    directory,
    database: join(directory, 'strongroom.db'),
    lock: join(directory, 'strongroom.lock'),
    owner: join(directory, 'strongroom.owner'),
  };
}

/**
 * Linux `statfs` types of file systems that are refused: locks or shared memory do not hold across hosts, or a sync
 * proves nothing about the disk.
 */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x564c, 'NCP'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x786f4256, 'vboxsf'],
]);

/** FUSE may be a local disk or the far end of the world: allowed, with a warning. */
const FUSE = 0x65735546;

/** Creates `directory` if it is missing (0700 under any umask) and refuses one that lies on a network. */
export function prepareDirectory(directory: string, log: Log): void {
  if (createDirectory(directory)) log.info('created the data directory', { directory });
  const stat = statSync(directory);
  if (!stat.isDirectory()) throw new StorageError(`${directory} is not a directory`);
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
    log.warn('the data directory can be entered by other users; chmod it to 0700', { directory });
  }
  if (process.platform === 'linux') assertLocal(statfsSync(directory).type, directory, log);
}

/** Creates `directory` and its missing parents; true when it was not there. */
function createDirectory(directory: string): boolean {
  if (existsSync(directory)) return false;
  const parent = dirname(directory);
  if (parent !== directory) createDirectory(parent);
  mkdirSync(directory, { mode: DIRECTORY_MODE });
  // The umask may have taken bits away.
  chmodSync(directory, DIRECTORY_MODE);
  syncDirectory(parent);
  return true;
}

/** Refuses a file system by its `statfs` type; exported for its test. */
export function assertLocal(type: number, directory: string, log: Log): void {
  // statfs gives the type as a signed word on some platforms.
  const unsigned = type >>> 0;
  const name = NETWORK_FILE_SYSTEMS.get(unsigned);
  if (name !== undefined) {
    throw new StorageError(
      `the data directory ${directory} lies on a network file system (${name}), where locks and syncs cannot be ` +
        'trusted: use a local disk, or the PostgreSQL storage',
    );
  }
  if (unsigned === FUSE) {
    log.warn('the data directory lies on FUSE: make sure that a local disk is behind it', {
      directory,
    });
  }
}

/** Creates an empty file for its owner only, under any umask; false when it is already there. */
export function createPrivateFile(file: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', FILE_MODE);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
  closeSync(descriptor);
  chmodSync(file, FILE_MODE);
  return true;
}

/** Creates the file of the database if there is none. @throws {StorageError} only its log is there. */
export function createDatabaseFile(files: StoreFiles): void {
  const empty = createPrivateFile(files.database) || statSync(files.database).size === 0;
  if (!empty) return;
  const log = `${files.database}-wal`;
  if (existsSync(log) && statSync(log).size > 0) {
    throw new StorageError(
      `${files.database} is missing or empty, but its log ${log} is there: the database was lost or moved away; ` +
        'put both back, or restore a backup',
    );
  }
  syncDirectory(files.directory);
}

/** Makes the creation, renaming or removal of files in `directory` durable. */
export function syncDirectory(directory: string): void {
  // Windows cannot open a directory; NTFS logs its metadata.
  if (process.platform !== 'win32') syncFile(directory);
}

/** Makes the content of `file` durable. Never on a database that this process has open: closing drops its locks. */
export function syncFile(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
