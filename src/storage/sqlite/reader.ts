/** Reads of the committed state, on the main thread: point reads, listings, scans, each from one snapshot. */
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { childName, positionAfter, prefixEnd } from '../key-order.ts';
import type { Position } from '../key-order.ts';
import { StorageError } from '../storage.ts';
import type { Entry } from '../storage.ts';
import { describeError, openForReading } from './database.ts';

/** Sorts after every key: no key may hold a code point above it, and none may be this long. */
const AFTER_ALL_KEYS = '\u{10ffff}'.repeat(513);

/** Rows of a listing fetched at once: few while folders are skipped, more while plain records follow each other. */
const LIST_CHUNK_FIRST = 8;
const LIST_CHUNK_MAX = 1024;

/** An entry, and the sequence number of the state it was read from. */
export interface Sighting {
  readonly sequence: number;
  readonly entry: Entry | undefined;
}

type Row = readonly SQLOutputValue[];

export class Reader {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  readonly #sequence: StatementSync;
  readonly #get: StatementSync;
  readonly #getWithSequence: StatementSync;
  readonly #keysFrom: StatementSync;
  readonly #entriesFrom: StatementSync;
  readonly #count: StatementSync;

  constructor(file: string) {
    const database = openForReading(file);
    const rows = (sql: string): StatementSync => {
      const statement = database.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#database = database;
    this.#begin = rows('BEGIN');
    this.#end = rows('COMMIT');
    this.#sequence = rows('SELECT number FROM sequence');
    this.#get = rows('SELECT revision, value FROM kv WHERE key = ?');
    this.#getWithSequence = rows(
      'SELECT sequence.number, kv.revision, kv.value FROM sequence LEFT JOIN kv ON kv.key = ?',
    );
    this.#keysFrom = rows('SELECT key FROM kv WHERE key >= ? AND key < ? ORDER BY key LIMIT ?');
    this.#entriesFrom = rows(
      'SELECT key, revision, value FROM kv WHERE key >= ? AND key < ? ORDER BY key LIMIT ?',
    );
    this.#count = rows('SELECT count(*) FROM kv');
  }

  /** One entry and the state it belongs to, in one statement. */
  look(key: string): Sighting {
    return reading(() => {
      const row = getRow(this.#getWithSequence, key);
      return { sequence: Number(row?.[0]), entry: toEntry(key, row?.[1], row?.[2]) };
    });
  }

  /** Runs `body` with all its reads from one snapshot, whose sequence number it gets. */
  snapshot<Result>(body: (sequence: number) => Result): Result {
    return reading(() => {
      this.#begin.run();
      try {
        return body(Number(getRow(this.#sequence)?.[0]));
      } finally {
        this.#end.run();
      }
    });
  }

  /** The committed entry; call it in {@link snapshot} when it must agree with other reads. */
  get(key: string): Entry | undefined {
    return reading(() => {
      const row = getRow(this.#get, key);
      return toEntry(key, row?.[0], row?.[1]);
    });
  }

  /** Up to `limit` names of the children of `prefix` after the name `after`. Seeks past folders, never through them. */
  names(prefix: string, after: string | undefined, limit: number): string[] {
    const end = prefixEnd(prefix) ?? AFTER_ALL_KEYS;
    const names: string[] = [];
    let from = first(
      after === undefined ? { key: prefix, inclusive: false } : positionAfter(prefix, after),
    );
    let chunk = LIST_CHUNK_FIRST;
    while (names.length < limit) {
      const rows = allRows(this.#keysFrom, from, end, Math.min(chunk, limit - names.length));
      if (rows.length === 0) break;
      let folder: string | undefined;
      for (const row of rows) {
        const key = String(row[0]);
        if (folder !== undefined && key.startsWith(folder, prefix.length)) continue;
        const name = childName(key, prefix);
        folder = name.endsWith('/') ? name : undefined;
        names.push(name);
      }
      chunk = folder === undefined ? Math.min(2 * chunk, LIST_CHUNK_MAX) : LIST_CHUNK_FIRST;
      from = first(positionAfter(prefix, names.at(-1) ?? ''));
    }
    return names;
  }

  /** Up to `limit` entries whose keys begin with `prefix` and are greater than `after`. */
  entries(prefix: string, after: string | undefined, limit: number): Entry[] {
    return reading(() => {
      const end = prefixEnd(prefix) ?? AFTER_ALL_KEYS;
      // The greater of the two, which SQLite finds in byte order: an `after` below the prefix changes nothing.
      const from =
        after === undefined ? prefix : greater(prefix, first({ key: after, inclusive: false }));
      return allRows(this.#entriesFrom, from, end, limit).flatMap((row) => {
        const entry = toEntry(String(row[0]), row[1], row[2]);
        return entry === undefined ? [] : [entry];
      });
    });
  }

  /** How many records there are. */
  count(): number {
    return reading(() => Number(getRow(this.#count)?.[0]));
  }

  close(): void {
    this.#database.close();
  }
}

/** The first key at `position`: NUL, which no key holds, makes the smallest key after another. */
function first(position: Position): string {
  return position.inclusive ? position.key : `${position.key}\0`;
}

function greater(left: string, right: string): string {
  return Buffer.compare(Buffer.from(left), Buffer.from(right)) >= 0 ? left : right;
}

function toEntry(
  key: string,
  revision: SQLOutputValue | undefined,
  value: SQLOutputValue | undefined,
): Entry | undefined {
  if (!(value instanceof Uint8Array) || typeof revision !== 'number') return undefined;
  return {
    key,
    revision,
    value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  };
}

/** `node:sqlite` types a row as an object even when the statement returns arrays. */
function getRow(statement: StatementSync, ...parameters: string[]): Row | undefined {
  return statement.get(...parameters) as unknown as Row | undefined;
}

function allRows(
  statement: StatementSync,
  ...parameters: readonly (string | number)[]
): readonly Row[] {
  return statement.all(...parameters) as unknown as readonly Row[];
}

/** Turns what SQLite throws into the error of the contract. */
function reading<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(`the store cannot be read: ${describeError(error)}`, { cause: error });
  }
}
