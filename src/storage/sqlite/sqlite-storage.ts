/** The embedded default storage: SQLite in the process, reads on the main thread, one writer with group commit. */
import { resolve } from 'node:path';
import type { Awaitable } from '../../base/awaitable.ts';
import { silentLog } from '../../base/log.ts';
import type { Log } from '../../base/log.ts';
import { assertCommit, assertKeys, assertScan, assertWrites, listLimit } from '../limits.ts';
import { ConflictError, StorageError } from '../storage.ts';
import type { BackupStorage, Check, Commit, CountedStorage, Entry, ListPage } from '../storage.ts';
import { backupDatabase } from './backup.ts';
import { createDatabaseFile, prepareDirectory, storeFiles } from './data-directory.ts';
import type { StoreFiles } from './data-directory.ts';
import { assertSqliteVersion, describeError } from './database.ts';
import { CACHE_BYTES_MAX, EntryCache } from '../entry-cache.ts';
import { takeOwnerLock } from './owner-lock.ts';
import type { OwnerLock } from './owner-lock.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';
import type { Write } from './writer.ts';

export interface SqliteStorageOptions {
  /** Where the store lies; created if missing. One process at a time may have it open. */
  readonly directory: string;
  readonly log?: Log;
  /**
   * Called once when the outcome of a commit is unknown (I/O error, full disk, a crash of the writer). Everything
   * pending has been rejected and every later commit will be; the process must exit non-zero.
   */
  readonly onFatal: (error: StorageError) => void;
  /** Most bytes of the entry cache; {@link CACHE_BYTES_MAX} by default. */
  readonly cacheBytesMax?: number;
}

/** Counters since the store was opened, and sizes now. */
export interface SqliteStatistics {
  readonly commits: number;
  readonly conflicts: number;
  readonly batches: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly cacheBytes: number;
}

export interface SqliteStorage extends CountedStorage, BackupStorage {
  statistics(): SqliteStatistics;
}

/**
 * Opens the store in `directory`, or creates it (files 0600, directories 0700, under any umask).
 * @throws {StorageError} it is in use, damaged, newer, not ours, on a network file system, or SQLite is too old.
 */
export async function openSqliteStorage(options: SqliteStorageOptions): Promise<SqliteStorage> {
  const log = options.log ?? silentLog;
  const files = storeFiles(resolve(options.directory));
  let lock: OwnerLock | undefined;
  try {
    assertSqliteVersion(process.versions['sqlite'] ?? '0');
    prepareDirectory(files.directory, log);
    lock = takeOwnerLock(files);
    createDatabaseFile(files);
    return await SqliteMember.open(files, lock, options, log);
  } catch (error) {
    lock?.release();
    if (error instanceof StorageError) throw error;
    throw new StorageError(`${files.directory} cannot be opened: ${describeError(error)}`, {
      cause: error,
    });
  }
}

class SqliteMember implements SqliteStorage {
  readonly #files: StoreFiles;
  readonly #lock: OwnerLock;
  readonly #writer: Writer;
  readonly #reader: Reader;
  /** Committed entries, always as of the writer's durable sequence. */
  readonly #cache: EntryCache;
  #closing: Promise<void> | undefined;
  #commits = 0;
  #conflicts = 0;
  #batches = 0;
  #cacheHits = 0;
  #cacheMisses = 0;

  static async open(
    files: StoreFiles,
    lock: OwnerLock,
    options: SqliteStorageOptions,
    log: Log,
  ): Promise<SqliteStorage> {
    let member: SqliteMember | undefined;
    const cache = new EntryCache(options.cacheBytesMax ?? CACHE_BYTES_MAX);
    const writer = await Writer.start(
      { database: files.database },
      {
        durable: (batch) => {
          for (const { key, entry } of batch.writes.values()) cache.set(key, entry);
          if (member !== undefined) member.#batches += 1;
        },
        failed: (error) => {
          // What the last batch left is unknown: only the database can tell.
          cache.clear();
          log.error('the store failed; no commit is acknowledged any more', {
            reason: error.message,
          });
          options.onFatal(error);
        },
        warning: (message, pages) => log.warn(message, { pages }),
      },
    );
    try {
      member = new SqliteMember(files, lock, writer, new Reader(files.database), cache);
    } catch (error) {
      await writer.close();
      throw error;
    }
    return member;
  }

  private constructor(
    files: StoreFiles,
    lock: OwnerLock,
    writer: Writer,
    reader: Reader,
    cache: EntryCache,
  ) {
    this.#files = files;
    this.#lock = lock;
    this.#writer = writer;
    this.#reader = reader;
    this.#cache = cache;
  }

  read(keys: readonly string[]): Awaitable<readonly (Entry | undefined)[]> {
    try {
      this.#assertOpen();
      return this.#readNow(keys);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  list(prefix: string, page?: ListPage): Promise<readonly string[]> {
    return settled(() => {
      this.#assertOpen();
      const limit = listLimit(prefix, page);
      return this.#snapshot(() => this.#reader.names(prefix, page?.after, limit));
    });
  }

  scan(prefix: string, after: string | undefined, limit: number): Promise<readonly Entry[]> {
    return settled(() => {
      this.#assertOpen();
      assertScan(prefix, after, limit);
      return this.#snapshot(() => this.#reader.entries(prefix, after, limit));
    });
  }

  count(): Promise<number> {
    return settled(() => {
      this.#assertOpen();
      return this.#snapshot(() => this.#reader.count());
    });
  }

  commitNumber(): Promise<number> {
    return settled(() => {
      this.#assertOpen();
      return this.#writer.durableSequence;
    });
  }

  /**
   * Decides at once, on this thread: it is the only owner, so the committed state and the queued writes over it are
   * all there is. A conflict with a queued write is told when that write is durable, so that the caller's next read
   * sees what it lost to.
   */
  commit(commit: Commit): Promise<void> {
    try {
      this.#assertOpen();
      if (this.#writer.failure !== undefined) throw this.#writer.failure;
      assertCommit(commit);
      for (const check of commit.checks) {
        const queued = this.#writer.queued(check.key);
        const newest = queued === undefined ? this.#checked(check) : queued.entry;
        if (newest?.revision === check.revision) continue;
        this.#conflicts += 1;
        const conflict = new ConflictError(check.key);
        if (queued === undefined) throw conflict;
        return queued.batch.durable.then(() => {
          throw conflict;
        });
      }
      const writes = this.#writesOf(commit);
      this.#commits += 1;
      return this.#writer.submit(writes);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  backup(file: string, progress?: (fraction: number) => void): Promise<void> {
    return settled(() => this.#assertOpen()).then(() =>
      backupDatabase(this.#files.database, file, progress),
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  statistics(): SqliteStatistics {
    return {
      commits: this.#commits,
      conflicts: this.#conflicts,
      batches: this.#batches,
      cacheHits: this.#cacheHits,
      cacheMisses: this.#cacheMisses,
      cacheBytes: this.#cache.bytes,
    };
  }

  async #close(): Promise<void> {
    // The reader goes first, so that the writer's is the last connection and takes the log away.
    this.#reader.close();
    this.#cache.clear();
    try {
      await this.#writer.close();
    } finally {
      this.#lock.release();
    }
  }

  /**
   * Hits need no check of the key: only checked ones are in the cache. One miss is one statement; if that saw a newer
   * state than the cache had, or more is missing, everything is read again in one snapshot.
   */
  #readNow(keys: readonly string[]): readonly (Entry | undefined)[] {
    const entries: (Entry | undefined)[] = [];
    let missing = -1;
    let misses = 0;
    for (let index = 0; index < keys.length; index += 1) {
      const cached = this.#cache.get(keys[index] ?? '');
      if (cached === undefined) {
        misses += 1;
        missing = index;
      }
      entries.push(cached ?? undefined);
    }
    this.#cacheHits += keys.length - misses;
    this.#cacheMisses += misses;
    if (misses === 0) return entries;
    assertKeys(keys);
    const key = keys[missing];
    if (misses === 1 && key !== undefined) {
      const sequence = this.#writer.durableSequence;
      const entry = this.#committed(key);
      if (this.#writer.durableSequence === sequence) {
        entries[missing] = entry;
        return entries;
      }
    }
    return this.#snapshot(() => keys.map((wanted) => this.#current(wanted)));
  }

  /** Runs `body` with reads and cache in one state: the snapshot's. What the snapshot shows is durable. */
  #snapshot<Result>(body: () => Result): Result {
    return this.#reader.snapshot((sequence) => {
      this.#writer.settle(sequence);
      return body();
    });
  }

  /** The entry of `key` in the current snapshot. */
  #current(key: string): Entry | undefined {
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached ?? undefined;
    const entry = this.#reader.get(key);
    this.#cache.set(key, entry);
    return entry;
  }

  /**
   * The newest committed entry of `key`. While a batch is with the writer, the statement also tells which state it
   * saw; otherwise there is only one.
   */
  #committed(key: string): Entry | undefined {
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached ?? undefined;
    const entry = this.#look(key);
    this.#cache.set(key, entry);
    return entry;
  }

  #look(key: string): Entry | undefined {
    if (!this.#writer.busy) return this.#reader.get(key);
    const sighting = this.#reader.look(key);
    this.#writer.settle(sighting.sequence);
    return sighting.entry;
  }

  /** What a check is held against. That a key is absent is not kept: the commit that asks is about to write it. */
  #checked({ key, revision }: Check): Entry | undefined {
    if (revision !== undefined) return this.#committed(key);
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached ?? undefined;
    return this.#look(key);
  }

  /** Everything that `commit` writes, its running sums included. */
  #writesOf(commit: Commit): readonly Write[] {
    const { amend } = commit;
    const amended =
      amend?.apply(
        amend.keys.map((key) => {
          const queued = this.#writer.queued(key);
          return queued === undefined ? this.#committed(key) : queued.entry;
        }),
      ) ?? [];
    const puts = amended.length === 0 ? commit.puts : [...commit.puts, ...amended];
    assertWrites(puts, commit.deletes);
    const writes: Write[] = [];
    for (const entry of puts) {
      // A late entry stays the object that it is: asking for its value now would make it late no more.
      const own = 'valueBytes' in entry ? entry : copyOf(entry);
      writes.push({ key: entry.key, entry: own });
    }
    for (const key of commit.deletes) writes.push({ key, entry: undefined });
    return writes;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new StorageError('the storage is closed');
  }
}

function copyOf({ key, value, revision }: Entry): Entry {
  return { key, value, revision };
}

/** Runs `body` now and gives its result, or its error, as a promise. */
function settled<Result>(body: () => Result): Promise<Result> {
  try {
    return Promise.resolve(body());
  } catch (error) {
    return Promise.reject(error);
  }
}
