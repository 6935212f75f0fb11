/** Makes the tables, and brings those of an older version up to date. */
import { StorageError } from '../storage.ts';
import { LinkError } from './failures.ts';
import type { Connection } from './link.ts';
import type { Tables } from './statements.ts';

/** Each step leads from the version before it to the next; steps that were released never change. */
type Step = (tables: Tables) => readonly string[];

const STEPS: readonly Step[] = [
  ({ kv, sequence, log }) => [
    `CREATE TABLE IF NOT EXISTS ${kv} (
  key text COLLATE "C" NOT NULL PRIMARY KEY,
  revision bigint NOT NULL,
  value bytea NOT NULL
)`,
    // One row, changed by every batch: its number, and the id of that batch.
    `CREATE TABLE IF NOT EXISTS ${sequence} (one int NOT NULL PRIMARY KEY, n bigint NOT NULL, id text NOT NULL)`,
    `CREATE TABLE IF NOT EXISTS ${log} (n bigint NOT NULL PRIMARY KEY, id text NOT NULL UNIQUE, keys text[] NOT NULL)`,
    `INSERT INTO ${sequence} (one, n, id) VALUES (1, 0, '') ON CONFLICT (one) DO NOTHING`,
  ],
];

/** The tables that this program works with. */
export const SCHEMA_VERSION: number = STEPS.length;

/** Several processes may start at once: whoever comes second finds objects or rows there already. */
const ATTEMPTS_MAX = 8;
const ALREADY_THERE = new Set(['42P07', '42710', '23505', '40001', '40P01', 'XX000']);
const NO_SUCH_TABLE = '42P01';
const NOT_ALLOWED = '42501';

export interface SchemaOptions {
  readonly link: Connection;
  readonly tables: Tables;
  /** The tables are made by somebody else. */
  readonly skip: boolean;
}

/** @throws {StorageError} the tables are missing and may not be made, are newer than this program, or are not ours. */
export async function prepareSchema(options: SchemaOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await prepare(options);
      return;
    } catch (error) {
      const code = error instanceof LinkError ? error.code : undefined;
      if (code === undefined || !ALREADY_THERE.has(code) || attempt >= ATTEMPTS_MAX) {
        throw explained(error, code, options.tables);
      }
    }
  }
}

async function prepare({ link, tables, skip }: SchemaOptions): Promise<void> {
  const version = await versionOf(link, tables);
  if (version > SCHEMA_VERSION) {
    throw new StorageError(
      `the tables are of version ${version}, this program knows ${SCHEMA_VERSION}: use a newer one`,
    );
  }
  if (version === SCHEMA_VERSION) return;
  if (skip) {
    throw new StorageError(
      `the tables are missing or old, and skip_create_table is set; run as their owner:\n${schemaText(tables, version)}`,
    );
  }
  await link.run([
    { text: 'BEGIN' },
    ...statementsFrom(tables, version).map((text) => ({ text })),
    { text: 'COMMIT' },
  ]);
}

/** 0 = there are none. A table of that name which is not ours, such as one of Vault's, is left alone. @throws {StorageError} */
async function versionOf(link: Connection, tables: Tables): Promise<number> {
  const version = await unlessMissing(readVersion(link, tables));
  if (version !== undefined) return version;
  const found = await unlessMissing(link.one({ text: `SELECT 1 FROM ${tables.kv} LIMIT 1` }));
  if (found === undefined) return 0;
  // Another process may have made the tables between the two looks: all in one transaction, so that this one is there now.
  const since = await unlessMissing(readVersion(link, tables));
  if (since !== undefined) return since;
  throw new StorageError(
    `there is a table ${tables.kv} that this program did not make: name another one with \`table\``,
  );
}

async function readVersion(link: Connection, tables: Tables): Promise<number> {
  const { rows } = await link.one({ text: `SELECT version FROM ${tables.schema}` });
  return Number(rows[0]?.[0] ?? 0);
}

/** Undefined when the table that was asked is not there. */
async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof LinkError && error.code === NO_SUCH_TABLE) return undefined;
    throw error;
  }
}

function statementsFrom(tables: Tables, version: number): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${tables.schema} (one int NOT NULL PRIMARY KEY, version int NOT NULL)`,
    ...STEPS.slice(version).flatMap((step) => step(tables)),
    `INSERT INTO ${tables.schema} (one, version) VALUES (1, ${SCHEMA_VERSION})
ON CONFLICT (one) DO UPDATE SET version = excluded.version`,
  ];
}

/** What an owner of the database runs when the server's own user may not make tables. */
export function schemaText(tables: Tables, version = 0): string {
  return statementsFrom(tables, version)
    .map((text) => `${text};`)
    .join('\n');
}

function explained(error: unknown, code: string | undefined, tables: Tables): unknown {
  if (code !== NOT_ALLOWED) return error;
  return new StorageError(
    `the database's user may not make the tables; run as their owner:\n${schemaText(tables)}`,
    { cause: error },
  );
}
