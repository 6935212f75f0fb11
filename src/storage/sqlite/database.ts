/** Connections to the database of an embedded store: settings, identity, schema. */
import { DatabaseSync } from 'node:sqlite';
import { StorageError } from '../storage.ts';

/** `StrR`, in the file's header: tells our databases from others (`file` and `PRAGMA application_id` show it). */
export const APPLICATION_ID = 0x53747252;
/** The layout of the tables below. A newer one is refused, never guessed at. */
export const SCHEMA_VERSION = 1;

/** SQLite before this release has a bug that can corrupt a database when its log is reset. */
const SQLITE_VERSION_MIN: readonly [number, number, number] = [3, 51, 3];
/** How long a connection waits for a lock. Only recovery and a reset of the log ever hold one. */
const LOCK_WAIT_MS = 5000;
/** `PRAGMA synchronous` of a connection whose commits survive power loss. */
const SYNCHRONOUS_FULL = 2;

/** Page cache per connection, in KiB. */
const PAGE_CACHE_KIB = 16 * 1024;
/** The log file is cut back to this size when it is reset, in bytes. */
const LOG_BYTES_KEPT = 64 * 1024 * 1024;

/**
 * A rowid table with an index on the key: rows stay short in the index, so that listings read no values, and random
 * inserts cost half of what they cost in a WITHOUT ROWID table. `sequence` counts committed batches.
 */
const SCHEMA = `
  CREATE TABLE kv (
    key TEXT NOT NULL UNIQUE COLLATE BINARY,
    revision INTEGER NOT NULL,
    value BLOB NOT NULL
  ) STRICT;
  CREATE TABLE sequence (number INTEGER NOT NULL) STRICT;
  INSERT INTO sequence VALUES (0);
`;

/** The one connection that writes. Creates the tables in a new database. */
export function openForWriting(file: string): DatabaseSync {
  return opening(file, () => {
    const database = new DatabaseSync(file, { timeout: LOCK_WAIT_MS });
    try {
      configure(database);
      // The writer checkpoints when it has answered, not in the middle of a commit.
      database.exec(
        `PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${LOG_BYTES_KEPT}`,
      );
      if (isEmpty(database)) createTables(database);
      assertOurs(database, file);
      assertSetting(database, 'journal_mode', 'wal', file);
      assertSetting(database, 'synchronous', SYNCHRONOUS_FULL, file);
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  });
}

/** A connection that reads, and cannot write. */
export function openForReading(file: string): DatabaseSync {
  return opening(file, () => {
    const database = new DatabaseSync(file, { readOnly: true, timeout: LOCK_WAIT_MS });
    try {
      configure(database);
      database.exec('PRAGMA query_only = ON');
      assertOurs(database, file);
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  });
}

/** Settings that hold for every connection. */
function configure(database: DatabaseSync): void {
  database.enableDefensive(true);
  database.exec(`
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA secure_delete = ON;
    PRAGMA mmap_size = 0;
    PRAGMA temp_store = MEMORY;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -${PAGE_CACHE_KIB};
  `);
}

function isEmpty(database: DatabaseSync): boolean {
  return (
    pragma(database, 'application_id') === 0 &&
    pragma(database, 'user_version') === 0 &&
    database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  );
}

/** Makes an empty database one of ours. */
export function createTables(database: DatabaseSync): void {
  database.exec(`
    BEGIN IMMEDIATE;
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${SCHEMA_VERSION};
    ${SCHEMA}
    COMMIT;
  `);
}

/** Refuses a database that another program made, or a newer Strongroom. */
export function assertOurs(database: DatabaseSync, file: string): void {
  if (pragma(database, 'application_id') !== APPLICATION_ID) {
    throw new StorageError(`${file} is a SQLite database, but not one of Strongroom`);
  }
  const version = pragma(database, 'user_version');
  if (version !== SCHEMA_VERSION) {
    throw new StorageError(
      `${file} has schema version ${String(version)}, this program knows ${SCHEMA_VERSION}: ` +
        'run the version of Strongroom that wrote it, or a newer one',
    );
  }
}

/** Refuses a version of SQLite that is known to lose data. */
export function assertSqliteVersion(version: string): void {
  const parts = version.split('.').map(Number);
  for (const [index, least] of SQLITE_VERSION_MIN.entries()) {
    const part = parts[index] ?? 0;
    if (part > least) return;
    if (part === least) continue;
    throw new StorageError(
      `SQLite ${version} can corrupt a database: at least ${SQLITE_VERSION_MIN.join('.')} is needed; ` +
        'run a newer Node.js',
    );
  }
}

function assertSetting(
  database: DatabaseSync,
  name: string,
  wanted: string | number,
  file: string,
): void {
  const value = pragma(database, name);
  if (value !== wanted) {
    throw new StorageError(`${file}: ${name} is ${String(value)} where ${wanted} is needed`);
  }
}

/** The first problem that SQLite finds in the structure of the file, or `undefined`. Reads all of it. */
export function findDamage(
  database: DatabaseSync,
  check: 'quick_check' | 'integrity_check',
): string | undefined {
  const result = Object.values(database.prepare(`PRAGMA ${check}(1)`).get() ?? {})[0];
  return result === 'ok' ? undefined : String(result);
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

/** SQLite's extended result code, when `error` comes from it. */
export function errorCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}

/** What SQLite said, with its result code. Never holds keys or values: every statement binds them. */
export function describeError(error: unknown): string {
  const code = errorCode(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === undefined ? message : `${message} (SQLite ${code})`;
}

function opening<Result>(file: string, open: () => Result): Result {
  try {
    return open();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(
      `${file} cannot be opened as a Strongroom database: ${describeError(error)}; ` +
        'if the file is damaged, restore a backup',
      { cause: error },
    );
  }
}
