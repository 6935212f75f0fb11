/** The tables and every statement: plain SQL of row changes and one snapshot, for any database that speaks PostgreSQL's tongue. */
import { createHash } from 'node:crypto';
import { StorageError } from '../storage.ts';

export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Names it on its connection, so that it is planned once. Equal names mean equal texts, whoever made them. */
  readonly name?: string;
}

export interface Tables {
  readonly kv: string;
  readonly sequence: string;
  readonly log: string;
  readonly schema: string;
}

/** Longest name that PostgreSQL keeps, in bytes. */
const IDENTIFIER_BYTES_MAX = 63;
/** Commits that a process may be behind before it forgets all instead of catching up. */
export const BEHIND_MAX = 10_000;
/** How long a lock may be held by a process that has stopped; after that the database ends its session. */
export const LOCK_IDLE_MS_MAX = 3_000;
/** The same for a process that replaces everything. */
const REPLACE_IDLE_MS_MAX = 30_000;

/**
 * Numbers of commits between one restore and the next begin at a multiple of this, so that the number alone tells every process that
 * everything was replaced since. At 2,000 batches a second that many last 17 years.
 */
const ERA = 2 ** 40;

/** How often everything had been replaced when a commit had this number. */
export function eraOf(sequence: number): number {
  return Math.floor(sequence / ERA);
}

/** @throws {StorageError} there are no numbers left. */
export function nextEra(sequence: number): number {
  const next = (eraOf(sequence) + 1) * ERA;
  if (!Number.isSafeInteger(next + ERA)) throw new StorageError('it was restored too often');
  return next;
}

/**
 * @param name of the table, with its schema before it if it has one.
 * @throws {StorageError} it cannot be a name.
 */
export function tablesOf(name: string): Tables {
  const parts = name.split('.');
  const last = parts.at(-1) ?? '';
  if (parts.length > 2 || parts.includes('') || name.includes('\0')) {
    throw new StorageError('table is no name of a table');
  }
  if (Buffer.byteLength(`${last}_sequence`) > IDENTIFIER_BYTES_MAX) {
    throw new StorageError('table is too long a name');
  }
  const quoted = (suffix: string): string =>
    [...parts.slice(0, -1), last + suffix]
      .map((part) => `"${part.replaceAll('"', '""')}"`)
      .join('.');
  return {
    kv: quoted(''),
    sequence: quoted('_sequence'),
    log: quoted('_log'),
    schema: quoted('_schema'),
  };
}

export interface Statements {
  readonly tables: Tables;
  /** The sequence, what was committed after `known`, and the entries of `keys`: all from one snapshot. */
  catchUp(known: number, keys: readonly string[]): Statement;
  /** Everything of a batch, if the sequence still is `known`. One row with the new sequence if so. */
  write(batch: Batch): Statement;
  readonly begin: readonly Statement[];
  /** Begins a transaction that sees one state throughout; `walking` gives `id` as long as that very transaction lasts. */
  beginWalk(id: string): readonly Statement[];
  readonly walking: Statement;
  readonly lock: Statement;
  readonly commit: Statement;
  readonly rollback: Statement;
  /** The sequence under which a batch was committed, if it was. */
  outcome(id: string): Statement;
  /** Moves the sequence on without writing anything, so that whatever was prepared before can never be committed. */
  fence(id: string): Statement;
  /**
   * Begins a transaction that holds the lock of the sequence, gives its number, and removes every entry. `id` marks the transaction: what
   * follows does nothing outside of it, as on a connection that was lost and made anew.
   */
  beginReplace(id: string): readonly Statement[];
  /** Adds entries, and gives how many. */
  replaceWith(id: string, puts: Batch['puts']): Statement;
  /** Moves the sequence to `next`; one row if so. */
  endReplace(id: string, next: number): Statement;
  /** Forgets what was committed up to `sequence`. */
  trim(sequence: number): Statement;
  list(prefix: string, end: string, from: string, limit: number): Statement;
  scan(from: string, end: string, limit: number): Statement;
  readonly count: Statement;
}

export interface Batch {
  readonly known: number;
  readonly id: string;
  /** Every key that is put or deleted. */
  readonly keys: readonly string[];
  readonly deletes: readonly string[];
  readonly puts: readonly {
    readonly key: string;
    readonly revision: number;
    readonly value: Buffer;
  }[];
}

/** Kinds of rows that a catch-up gives. */
export const ROW = { sequence: 0, commit: 1, change: 2, entry: 3 } as const;

export function statementsOf(tables: Tables): Statements {
  const { kv, sequence, log } = tables;
  const catchUp = `
SELECT 0 AS kind, id AS name, n, NULL::bytea AS value FROM ${sequence}
UNION ALL SELECT 1, id, n, NULL FROM ${log} WHERE n >= $1 AND n <= $1 + ${BEHIND_MAX}
UNION ALL SELECT 2, changed.key, l.n, NULL FROM ${log} AS l, unnest(l.keys) AS changed(key)
  WHERE l.n > $1 AND l.n <= $1 + ${BEHIND_MAX}
UNION ALL SELECT 3, key, revision, value FROM ${kv} WHERE key = ANY($2::text[])`;
  const write = `
WITH won AS (UPDATE ${sequence} SET n = n + 1, id = $2 WHERE one = 1 AND n = $1 RETURNING n),
logged AS (INSERT INTO ${log} (n, id, keys) SELECT n, $2, $3::text[] FROM won RETURNING 1),
deleted AS (DELETE FROM ${kv} WHERE key = ANY($4::text[]) AND EXISTS (SELECT 1 FROM won) RETURNING 1),
written AS (
  INSERT INTO ${kv} (key, revision, value)
  SELECT w.key, w.revision, substring($9::bytea FROM w.at FOR w.length)
  FROM won, unnest($5::text[], $6::bigint[], $7::int[], $8::int[]) AS w(key, revision, at, length)
  ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value
  RETURNING 1
)
SELECT n FROM won`;
  const next = `CASE WHEN strpos(substr(f.key, length($1::text) + 1), '/') > 0
      THEN $1::text || split_part(substr(f.key, length($1::text) + 1), '/', 1) || '0'
      ELSE f.key || chr(1) END`;
  // Leaps from each name to the next, past everything in a folder.
  const list = `
WITH RECURSIVE found(key) AS (
  (SELECT key FROM ${kv} WHERE key >= $3::text AND key < $2::text ORDER BY key LIMIT 1)
  UNION ALL
  SELECT (SELECT k.key FROM ${kv} AS k WHERE k.key >= ${next} AND k.key < $2::text ORDER BY k.key LIMIT 1)
  FROM found AS f WHERE f.key IS NOT NULL
)
SELECT key FROM found WHERE key IS NOT NULL LIMIT $4`;
  const scan = `SELECT key, revision, value FROM ${kv} WHERE key >= $1::text AND key < $2::text ORDER BY key LIMIT $3`;
  const names = new Map([catchUp, write, list, scan].map((text) => [text, nameOf(text)]));
  const statement = (text: string, values: readonly unknown[]): Statement => {
    const name = names.get(text);
    return { text, values, ...(name === undefined ? {} : { name }) };
  };
  return {
    tables,
    catchUp: (known, keys) => statement(catchUp, [known, keys]),
    write: ({ known, id, keys, deletes, puts }) => {
      return statement(write, [known, id, keys, deletes, ...columnsOf(puts)]);
    },
    begin: [
      { text: 'BEGIN ISOLATION LEVEL READ COMMITTED' },
      { text: `SET LOCAL idle_in_transaction_session_timeout = ${LOCK_IDLE_MS_MAX}` },
    ],
    beginWalk: (id) => [
      { text: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' },
      { text: `SELECT set_config('strongroom.walk', $1, true)`, values: [id] },
    ],
    walking: { text: `SELECT current_setting('strongroom.walk', true)` },
    lock: { text: `SELECT n FROM ${sequence} WHERE one = 1 FOR UPDATE` },
    commit: { text: 'COMMIT' },
    rollback: { text: 'ROLLBACK' },
    outcome: (id) => ({ text: `SELECT n FROM ${log} WHERE id = $1`, values: [id] }),
    fence: (id) => ({
      text: `WITH won AS (UPDATE ${sequence} SET n = n + 1, id = $1 WHERE one = 1 RETURNING n)
INSERT INTO ${log} (n, id, keys) SELECT n, $1, ARRAY[]::text[] FROM won`,
      values: [id],
    }),
    beginReplace: (id) => [
      { text: 'BEGIN ISOLATION LEVEL READ COMMITTED' },
      { text: `SET LOCAL idle_in_transaction_session_timeout = ${REPLACE_IDLE_MS_MAX}` },
      { text: `SELECT set_config('strongroom.walk', $1, true)`, values: [id] },
      { text: `SELECT n FROM ${sequence} WHERE one = 1 FOR UPDATE` },
      { text: `DELETE FROM ${kv}` },
    ],
    replaceWith: (id, puts) => ({
      text: `WITH written AS (
  INSERT INTO ${kv} (key, revision, value)
  SELECT w.key, w.revision, substring($5::bytea FROM w.at FOR w.length)
  FROM unnest($1::text[], $2::bigint[], $3::int[], $4::int[]) AS w(key, revision, at, length)
  WHERE current_setting('strongroom.walk', true) = $6
  RETURNING 1
) SELECT count(*) FROM written`,
      values: [...columnsOf(puts), id],
    }),
    endReplace: (id, following) => ({
      text: `WITH won AS (UPDATE ${sequence} SET n = $1, id = $2
  WHERE one = 1 AND current_setting('strongroom.walk', true) = $2 RETURNING n)
INSERT INTO ${log} (n, id, keys) SELECT n, $2, ARRAY[]::text[] FROM won RETURNING n`,
      values: [following, id],
    }),
    trim: (before) => ({ text: `DELETE FROM ${log} WHERE n <= $1`, values: [before] }),
    list: (prefix, end, from, limit) => statement(list, [prefix, end, from, limit]),
    scan: (from, end, limit) => statement(scan, [from, end, limit]),
    count: { text: `SELECT count(*) FROM ${kv}` },
  };
}

/** Keys, revisions, where each value begins and how long it is, and all values in one. */
function columnsOf(puts: Batch['puts']): readonly unknown[] {
  const values = Buffer.concat(puts.map(({ value }) => value));
  const lengths = puts.map(({ value }) => value.length);
  let at = 1;
  const starts = lengths.map((length) => (at += length) - length);
  return [
    puts.map(({ key }) => key),
    puts.map(({ revision }) => revision),
    starts,
    lengths,
    values,
  ];
}

function nameOf(text: string): string {
  return `strongroom_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
