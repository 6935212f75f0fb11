/** Stores on a PostgreSQL that is started for them, one database each. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { strongroomOn } from '../../rig/cluster.ts';
import { startPostgres } from '../../rig/postgresql.ts';
import type { Copy, Row, Stores } from './records.ts';

const TABLE = 'strongroom_kv';
const ORIGINAL = 'original';

async function withClient<T>(url: string, act: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

function rowOf({ key, revision, value }: { key: string; revision: string; value: Buffer }): Row {
  return { key, revision: Number(revision), value };
}

export async function postgresqlStores(): Promise<Stores> {
  const postgres = await startPostgres();
  const scratch = mkdtempSync(join(tmpdir(), 'simulation-damage-'));
  const databases = new Map<string, string>();
  const copyIn = (name: string): Copy => {
    const folder = join(scratch, name);
    const url = postgres.url(name);
    databases.set(folder, name);
    return {
      folder,
      program: strongroomOn(url, `table = "${TABLE}"`),
      rows: () =>
        withClient(url, async (client) => {
          const found = await client.query<{ key: string; revision: string; value: Buffer }>(
            `SELECT key, revision, value FROM ${TABLE} ORDER BY key`,
          );
          return found.rows.map(rowOf);
        }),
      replace: (rows) =>
        withClient(url, async (client) => {
          await client.query('BEGIN');
          await client.query(`DELETE FROM ${TABLE}`);
          for (const { key, revision, value } of rows) {
            const values = [key, revision, Buffer.from(value)];
            await client.query(
              `INSERT INTO ${TABLE} (key, revision, value) VALUES ($1, $2, $3)`,
              values,
            );
          }
          await client.query('COMMIT');
        }),
      remove: async () => {
        rmSync(folder, { recursive: true, force: true });
        await postgres.sql(`DROP DATABASE ${name} WITH (FORCE)`);
      },
    };
  };
  return {
    async empty() {
      await postgres.createDatabase(ORIGINAL);
      mkdirSync(join(scratch, ORIGINAL));
      return copyIn(ORIGINAL);
    },
    async copyOf(original, name) {
      const copied = `copy_${name}`;
      await postgres.sql(
        `CREATE DATABASE ${copied} TEMPLATE ${databases.get(original.folder) ?? ''}`,
      );
      cpSync(original.folder, join(scratch, copied), { recursive: true });
      return copyIn(copied);
    },
    async close() {
      await postgres.stop();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
