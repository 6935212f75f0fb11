/** What the embedded member's tests share: directories that go away, and stores in them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Entry } from '../storage.ts';
import { openSqliteStorage } from './sqlite-storage.ts';
import type { SqliteStorage, SqliteStorageOptions } from './sqlite-storage.ts';

/** A new directory that is removed when the test ends. */
export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-storage-'));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Opens a store whose fatal errors fail the test. */
export function openStore(
  directory: string,
  options: Partial<SqliteStorageOptions> = {},
): Promise<SqliteStorage> {
  return openSqliteStorage({
    directory,
    onFatal: (error) => {
      throw error;
    },
    ...options,
  });
}

export function entry(
  key: string,
  revision = 1,
  value: Buffer = Buffer.from(`value of ${key}`),
): Entry {
  return { key, revision, value };
}

/** Puts `entries` whatever is there. */
export async function put(storage: SqliteStorage, ...entries: readonly Entry[]): Promise<void> {
  await storage.commit({ checks: [], puts: entries, deletes: [] });
}
