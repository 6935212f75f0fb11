/** Copies of a store in one file: how one is written from the records of another store, and how one is read in place. */
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { assertKeys, assertScan, listLimit } from '../limits.ts';
import { StorageError } from '../storage.ts';
import type { Entry, ScannableStorage } from '../storage.ts';
import { createPrivateFile, syncFile } from './data-directory.ts';
import { createTables, describeError } from './database.ts';
import { Reader } from './reader.ts';

export interface CopyWriter {
  /** @throws {StorageError} */
  add(entries: readonly Entry[]): void;
  /** The file is whole and durable after it. @throws {StorageError} */
  finish(): void;
  /** Removes the file. */
  abort(): void;
}

/** Begins a copy in the new file `file` (0600), which `restoreSqliteStorage` takes. @throws {StorageError} */
export function createSqliteCopy(file: string): CopyWriter {
  if (!createPrivateFile(file)) throw new StorageError(`${file} exists already`);
  let database: DatabaseSync | undefined;
  let insert: StatementSync;
  const guarded = <Result>(action: () => Result): Result => {
    try {
      return action();
    } catch (error) {
      throw new StorageError(`the copy failed: ${describeError(error)}`, { cause: error });
    }
  };
  const close = (): void => {
    database?.close();
    database = undefined;
  };
  try {
    database = new DatabaseSync(file);
    // Half a copy is thrown away: it needs no journal, and one sync at its end.
    database.exec(
      'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA trusted_schema = OFF',
    );
    createTables(database);
    insert = database.prepare('INSERT INTO kv (key, revision, value) VALUES (?, ?, ?)');
  } catch (error) {
    close();
    rmSync(file, { force: true });
    throw new StorageError(`the copy failed: ${describeError(error)}`, { cause: error });
  }
  return {
    add: (entries) =>
      guarded(() => {
        database?.exec('BEGIN');
        for (const { key, revision, value } of entries) insert.run(key, revision, value);
        database?.exec('COMMIT');
      }),
    finish: () =>
      guarded(() => {
        close();
        syncFile(file);
      }),
    abort(): void {
      close();
      rmSync(file, { force: true });
    },
  };
}

/** A copy as a store that nobody can change. @throws {StorageError} it is none of ours. */
export function openSqliteCopy(file: string): ScannableStorage {
  const reader = new Reader(file);
  return {
    read: async (keys) => {
      assertKeys(keys);
      return keys.map((key) => reader.get(key));
    },
    list: async (prefix, page) => reader.names(prefix, page?.after, listLimit(prefix, page)),
    scan: async (prefix, after, limit) => {
      assertScan(prefix, after, limit);
      return reader.entries(prefix, after, limit);
    },
    commit: async () => {
      throw new StorageError('a copy cannot be changed');
    },
    close: async () => reader.close(),
  };
}
