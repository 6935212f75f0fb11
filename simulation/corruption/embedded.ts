/** Embedded stores: folders with a database file. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { strongroom } from '../../rig/vault-server.ts';
import type { Copy, Row, Stores } from './records.ts';

const DATABASE = join('data', 'strongroom.db');

function withDatabase<T>(folder: string, act: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(join(folder, DATABASE));
  try {
    return act(database);
  } finally {
    database.close();
  }
}

function copyIn(folder: string): Copy {
  return {
    folder,
    program: strongroom,
    rows: async () =>
      withDatabase(
        folder,
        (database) =>
          database
            .prepare('SELECT key, revision, value FROM kv ORDER BY key')
            .all() as unknown as Row[],
      ),
    replace: async (rows) =>
      withDatabase(folder, (database) => {
        database.exec('BEGIN; DELETE FROM kv');
        const insert = database.prepare('INSERT INTO kv (key, revision, value) VALUES (?, ?, ?)');
        for (const { key, revision, value } of rows) insert.run(key, revision, value);
        database.exec('COMMIT');
      }),
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function embeddedStores(): Stores {
  const scratch = mkdtempSync(join(tmpdir(), 'simulation-damage-'));
  return {
    async empty() {
      const folder = join(scratch, 'original');
      mkdirSync(folder);
      return copyIn(folder);
    },
    async copyOf(original, name) {
      const folder = join(scratch, name);
      cpSync(original.folder, folder, { recursive: true });
      return copyIn(folder);
    },
    close: async () => rmSync(scratch, { recursive: true, force: true }),
  };
}
