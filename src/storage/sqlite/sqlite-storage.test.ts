/** The embedded member against the storage contract. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storageContract } from '../storage.contract.ts';
import { openSqliteStorage } from './sqlite-storage.ts';
import type { SqliteStorage } from './sqlite-storage.ts';

function member(name: string, cacheBytesMax: number): Parameters<typeof storageContract>[0] {
  return {
    name,
    open: async () => {
      const directory = mkdtempSync(join(tmpdir(), 'strongroom-storage-'));
      const opened: SqliteStorage[] = [];
      async function open(): Promise<SqliteStorage> {
        const storage = await openSqliteStorage({
          directory,
          cacheBytesMax,
          onFatal: (error) => {
            throw error;
          },
        });
        opened.push(storage);
        return storage;
      }
      return {
        storage: await open(),
        reopen: open,
        dispose: async () => {
          for (const storage of opened) await storage.close();
          rmSync(directory, { recursive: true });
        },
      };
    },
  };
}

storageContract(member('sqlite', 32 * 1024 * 1024));
// A cache that holds two or three entries: evictions between and during reads.
storageContract(member('sqlite with a tiny cache', 1024));
