/**
 * The storage that several processes share: PostgreSQL, or a database that speaks its tongue. Every process reads and writes;
 * none is a leader. See docs/decisions for why one row counts the commits.
 */
import { silentLog } from '../../base/log.ts';
import type { Log } from '../../base/log.ts';
import { CACHE_BYTES_MAX } from '../entry-cache.ts';
import { childName, positionAfter, prefixEnd } from '../key-order.ts';
import { assertCommit, assertKeys, assertScan, assertWrites, listLimit } from '../limits.ts';
import { ReplacedError, StorageError, valueBytes } from '../storage.ts';
import type {
  Commit,
  CountedStorage,
  Entry,
  ListPage,
  ReadSession,
  ReplaceableStorage,
  ScannableStorage,
  SharedStorage,
  WalkableStorage,
} from '../storage.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import { parseConnectionUrl } from './connection-url.ts';
import { assertDurable } from './durability.ts';
import { Bulk } from './bulk.ts';
import { Link } from './link.ts';
import type { Connection } from './link.ts';
import { catchUpOf, HistoryError, Mirror } from './mirror.ts';
import { persistently, Reader } from './reader.ts';
import { replaceEverything } from './replace.ts';
import { AFTER_ALL_KEYS, entryOf, firstAfter } from './rows.ts';
import { CONNECTIONS_DEFAULT, DEADLINE_MS_DEFAULT, TABLE_DEFAULT } from './options.ts';
import type { PostgresqlStorageOptions } from './options.ts';
import { prepareSchema } from './schema.ts';
import { statementsOf, tablesOf } from './statements.ts';
import type { Statements } from './statements.ts';
import { Trimmer } from './trimmer.ts';
import { walkSnapshot } from './walk.ts';
import { Writer } from './writer.ts';

/** Counters since the store was opened. */
export interface PostgresqlStatistics {
  readonly commits: number;
  readonly batches: number;
  /** Batches decided again because another process had committed. */
  readonly lostBatches: number;
  /** Batches whose answer was lost and found out. */
  readonly settledBatches: number;
  readonly catchUps: number;
  readonly cacheBytes: number;
}

export interface PostgresqlStorage
  extends CountedStorage, SharedStorage, WalkableStorage, ReplaceableStorage {
  statistics(): PostgresqlStatistics;
}

/** @throws {StorageError} it cannot be reached, is not durable enough, or holds something else. */
export async function openPostgresqlStorage(
  options: PostgresqlStorageOptions,
): Promise<PostgresqlStorage> {
  const log = options.log ?? silentLog;
  const plan = parseConnectionUrl(options.connectionUrl, options.environment);
  const tables = tablesOf(options.table ?? TABLE_DEFAULT);
  let named = options.preparedStatements ?? true;
  const { clock, deadlineMs = DEADLINE_MS_DEFAULT } = options;
  const dial = (queryMsMax = deadlineMs / 2): Connection =>
    new Link({ plan, clock, log, queryMsMax, named: () => named });
  const link = options.connect ?? dial;
  const writing = link();
  const statements = statementsOf(tables);
  try {
    const place = await persistently(clock, options.connectAttemptsMax, async () => {
      await assertDurable({ link: writing, log, accept: options.acceptWeakDurability ?? false });
      await prepareSchema({ link: writing, tables, skip: options.skipCreateTable ?? false });
      const { text, values } = statements.catchUp(0, []);
      const { rows } = await writing.one({ text, values: values ?? [] });
      return catchUpOf(rows, 0).place;
    });
    return new PostgresqlMember(options, {
      log,
      statements,
      writing,
      reading: link(),
      makeLink: link,
      bulk: new Bulk(
        () => link(),
        Math.max(1, (options.connectionsMax ?? CONNECTIONS_DEFAULT) - 2),
      ),
      place,
      onPooler: () => {
        if (named) log.info('a pooler hands out sessions by transaction: statements go unnamed');
        named = false;
      },
    });
  } catch (error) {
    await writing.close();
    throw error;
  }
}

interface Built {
  readonly log: Log;
  readonly statements: Statements;
  readonly writing: Connection;
  readonly reading: Connection;
  readonly bulk: Bulk;
  readonly makeLink: (queryMsMax?: number) => Connection;
  readonly place: Mirror['place'];
  readonly onPooler: () => void;
}

class PostgresqlMember implements PostgresqlStorage {
  readonly #options: PostgresqlStorageOptions;
  readonly #built: Built;
  readonly #mirror: Mirror;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #trimmer: Trimmer;
  readonly #listeners = new Set<(keys: readonly string[] | undefined) => void>();
  readonly #deadlineMs: number;
  #failure: StorageError | undefined;
  #closing: Promise<void> | undefined;
  #onReplaced: () => void = () => {};
  #commits = 0;

  constructor(options: PostgresqlStorageOptions, built: Built) {
    const { clock, random } = options;
    const { log, statements, writing, reading, onPooler } = built;
    this.#options = options;
    this.#built = built;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS_DEFAULT;
    const mirror = new Mirror(built.place, options.cacheBytesMax ?? CACHE_BYTES_MAX, (keys) => {
      for (const listener of this.#listeners) listener(keys);
    });
    const onFailure = (error: unknown): void => this.#failed(error);
    const common = { mirror, statements, clock, onPooler, onFailure };
    const reader = new Reader({ ...common, link: reading, waitMsMax: this.#deadlineMs });
    this.#mirror = mirror;
    this.#reader = reader;
    this.#writer = new Writer({
      ...common,
      link: writing,
      reader,
      random,
      log,
      outcomeMsMax: this.#deadlineMs,
    });
    this.#trimmer = new Trimmer({ mirror, statements, clock, log, bulk: built.bulk });
  }

  read(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    return this.#checked(() => {
      assertKeys(keys);
      return this.#reader.read(keys);
    });
  }

  session(): ReadSession {
    let fresh = false;
    return {
      read: (keys) => {
        const known = fresh && this.#failure === undefined ? this.#reader.known(keys) : undefined;
        return (
          known ??
          this.#checked(async () => {
            assertKeys(keys);
            const entries = await this.#reader.read(keys);
            fresh = true;
            return entries;
          })
        );
      },
    };
  }

  async catchUp(): Promise<void> {
    await this.read([]);
  }

  onChanged(listener: (keys: readonly string[] | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  list(prefix: string, page?: ListPage): Promise<readonly string[]> {
    return this.#checked(async () => {
      const limit = listLimit(prefix, page);
      const position =
        page?.after === undefined
          ? { key: prefix, inclusive: false }
          : positionAfter(prefix, page.after);
      const from = position.inclusive ? position.key : firstAfter(position.key);
      const end = prefixEnd(prefix) ?? AFTER_ALL_KEYS;
      const { rows } = await this.#bulk(() =>
        this.#built.statements.list(prefix, end, from, limit),
      );
      return rows.map(([key]) => childName(String(key), prefix));
    });
  }

  scan(prefix: string, after: string | undefined, limit: number): Promise<readonly Entry[]> {
    return this.#checked(async () => {
      assertScan(prefix, after, limit);
      const end = prefixEnd(prefix) ?? AFTER_ALL_KEYS;
      const behind = after === undefined ? '' : firstAfter(after);
      const from = Buffer.compare(Buffer.from(prefix), Buffer.from(behind)) >= 0 ? prefix : behind;
      const { rows } = await this.#bulk(() => this.#built.statements.scan(from, end, limit));
      return rows.map(entryOf);
    });
  }

  count(): Promise<number> {
    return this.#checked(async () => {
      const { rows } = await this.#bulk(() => this.#built.statements.count);
      return Number(rows[0]?.[0]);
    });
  }

  async commitNumber(): Promise<number> {
    await this.catchUp();
    return this.#mirror.place.sequence;
  }

  walk(visit: (entries: readonly Entry[]) => Awaitable<void>): Promise<void> {
    const { makeLink, statements } = this.#built;
    const { random } = this.#options;
    const ports = { statements, random, makeLink: () => makeLink() };
    return this.#checked(() => walkSnapshot(ports, visit));
  }

  async replace(copy: ScannableStorage): Promise<void> {
    const { clock, random, onFatal } = this.#options;
    const number = await this.#checked(() =>
      replaceEverything({ ...this.#built, clock, random, onUnknown: onFatal }, copy),
    );
    // A read may have shown it before, and that may have been accepted by now.
    if (this.#mirror.place.sequence < number) this.#failed(new ReplacedError());
  }

  onReplaced(listener: () => void): void {
    this.#onReplaced = listener;
  }

  async acceptReplaced(): Promise<void> {
    if (!(this.#failure instanceof ReplacedError)) return;
    // What was submitted before is refused, not decided over the new state.
    await this.#writer.idle();
    const { rows } = await this.#bulk(() => this.#built.statements.catchUp(0, []));
    this.#mirror.adopt(catchUpOf(rows, 0).place);
    this.#failure = undefined;
  }

  commit(commit: Commit): Promise<void> {
    return this.#checked(() => {
      assertCommit(commit);
      // What `amend` adds is checked when it is there; the rest now, so that its caller alone is told.
      assertWrites(commit.puts, commit.deletes);
      this.#commits += 1;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#writer.submit({
        commit: {
          ...commit,
          puts: commit.puts.map((entry) => ('valueBytes' in entry ? entry : { ...entry })),
        },
        bytes: commit.puts.reduce((sum, entry) => sum + valueBytes(entry), 0),
        untilMs: this.#options.clock.monotonicMs() + this.#deadlineMs,
        resolve,
        reject,
      });
      return promise;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  statistics(): PostgresqlStatistics {
    const { batches, lost, settled } = this.#writer.counts;
    return {
      commits: this.#commits,
      batches,
      lostBatches: lost,
      settledBatches: settled,
      catchUps: this.#reader.rounds,
      cacheBytes: this.#mirror.cacheBytes,
    };
  }

  #bulk(statement: Parameters<Bulk['run']>[0]): ReturnType<Bulk['run']> {
    const untilMs = this.#options.clock.monotonicMs() + this.#deadlineMs;
    return this.#built.bulk.run(statement, {
      clock: this.#options.clock,
      untilMs,
      onPooler: this.#built.onPooler,
    });
  }

  async #close(): Promise<void> {
    this.#trimmer.stop();
    await this.#writer.idle();
    const { bulk, reading, writing } = this.#built;
    await Promise.all([reading.close(), writing.close(), bulk.close()]);
  }

  #failed(error: unknown): void {
    if (this.#failure !== undefined) return;
    if (error instanceof ReplacedError) {
      this.#failure = error;
      this.#onReplaced();
      return;
    }
    if (!(error instanceof HistoryError)) return;
    this.#failure = error;
    this.#built.log.error('the database has gone back; nothing is answered any more', {
      reason: error.message,
    });
    this.#options.onFatal(error);
  }

  /** Runs `body` now and gives its result, or its error, as a promise. */
  #checked<Result>(body: () => Promise<Result>): Promise<Result> {
    try {
      if (this.#closing !== undefined) throw new StorageError('the storage is closed');
      if (this.#failure !== undefined) throw this.#failure;
      return body();
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
