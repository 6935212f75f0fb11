/** The embedded default storage: SQLite in the process, reads on the main thread, one writer with group commit. */
import { resolve } from 'node:path';
import type { Awaitable } from '../../base/awaitable.ts';
import { silentLog } from '../../base/log.ts';
import { assertCommit, assertKeys, assertScan, assertWrites, listLimit } from '../limits.ts';
import { ConflictError, ReplacedError, StorageError } from '../storage.ts';
import type {
  BackupStorage,
  Check,
  Commit,
  CountedStorage,
  Entry,
  ListPage,
  ReplaceableStorage,
  ScannableStorage,
} from '../storage.ts';
import { backupDatabase } from './backup.ts';
import { createDatabaseFile, prepareDirectory, storeFiles } from './data-directory.ts';
import { assertSqliteVersion, describeError } from './database.ts';
import type { EntryCache } from '../entry-cache.ts';
import { takeOwnerLock } from './owner-lock.ts';
import type { OwnerLock } from './owner-lock.ts';
import { Opened } from './opened.ts';
import type { SqliteStorageOptions } from './opened.ts';
import type { Reader } from './reader.ts';
import { settleRestore } from './restore.ts';
import type { Writer } from './writer.ts';
import type { Write } from './writer.ts';

export type { SqliteStorageOptions };

/** Counters since the store was opened, and sizes now. */
export interface SqliteStatistics {
  readonly commits: number;
  readonly conflicts: number;
  readonly batches: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly cacheBytes: number;
}

export interface SqliteStorage extends CountedStorage, BackupStorage, ReplaceableStorage {
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
    settleRestore(files, log);
    createDatabaseFile(files);
    return new SqliteMember(await Opened.open(files, options), lock);
  } catch (error) {
    lock?.release();
    if (error instanceof StorageError) throw error;
    throw new StorageError(`${files.directory} cannot be opened: ${describeError(error)}`, {
      cause: error,
    });
  }
}

class SqliteMember implements SqliteStorage {
  readonly #opened: Opened;
  readonly #lock: OwnerLock;
  #writer: Writer;
  #reader: Reader;
  readonly #cache: EntryCache;
  #closing: Promise<void> | undefined;
  /** Everything is being replaced: no commit is taken any more. */
  #replacing: Promise<void> | undefined;
  /** Everything was replaced, and nobody has said yet that it knows. */
  #replaced = false;
  #onReplaced: () => void = () => {};
  #commits = 0;
  #conflicts = 0;
  #cacheHits = 0;
  #cacheMisses = 0;

  constructor(opened: Opened, lock: OwnerLock) {
    this.#opened = opened;
    this.#lock = lock;
    this.#cache = opened.cache;
    ({ writer: this.#writer, reader: this.#reader } = opened.both);
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
      if (this.#replacing !== undefined) throw new ReplacedError();
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
      backupDatabase(this.#opened.files.database, file, progress),
    );
  }

  async replace(copy: ScannableStorage): Promise<void> {
    this.#assertOpen();
    if (this.#replacing !== undefined) throw new StorageError('a restore is under way');
    const replacing = this.#opened.replace(copy, () => (this.#replaced = true));
    this.#replacing = replacing.catch(() => {});
    try {
      await replacing;
    } finally {
      this.#replacing = undefined;
    }
    ({ writer: this.#writer, reader: this.#reader } = this.#opened.both);
    this.#onReplaced();
  }

  onReplaced(listener: () => void): void {
    this.#onReplaced = listener;
  }

  async acceptReplaced(): Promise<void> {
    await this.#replacing;
    this.#replaced = false;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  statistics(): SqliteStatistics {
    return {
      commits: this.#commits,
      conflicts: this.#conflicts,
      batches: this.#opened.batches,
      cacheHits: this.#cacheHits,
      cacheMisses: this.#cacheMisses,
      cacheBytes: this.#cache.bytes,
    };
  }

  async #close(): Promise<void> {
    await this.#replacing;
    try {
      await this.#opened.close();
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
    if (this.#replaced) throw new ReplacedError();
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
