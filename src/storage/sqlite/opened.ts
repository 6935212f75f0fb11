/** An open database: its writer, its reader, and the cache before both. A restore opens another one in its place. */
import { silentLog } from '../../base/log.ts';
import type { Log } from '../../base/log.ts';
import { CACHE_BYTES_MAX, EntryCache } from '../entry-cache.ts';
import { StorageError } from '../storage.ts';
import type { ScannableStorage } from '../storage.ts';
import type { StoreFiles } from './data-directory.ts';
import { describeError } from './database.ts';
import { Reader } from './reader.ts';
import { prepareReplacement } from './restore.ts';
import { Writer } from './writer.ts';

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

export class Opened {
  readonly files: StoreFiles;
  /** Committed entries, always as of the writer's durable sequence. */
  readonly cache: EntryCache;
  readonly #options: SqliteStorageOptions;
  readonly #log: Log;
  #both: { readonly writer: Writer; readonly reader: Reader } | undefined;
  /** Batches that became durable. */
  batches = 0;

  private constructor(files: StoreFiles, options: SqliteStorageOptions) {
    this.files = files;
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.cache = new EntryCache(options.cacheBytesMax ?? CACHE_BYTES_MAX);
  }

  static async open(files: StoreFiles, options: SqliteStorageOptions): Promise<Opened> {
    const opened = new Opened(files, options);
    await opened.#open();
    return opened;
  }

  /** @throws {StorageError} it is closed. */
  get both(): { readonly writer: Writer; readonly reader: Reader } {
    if (this.#both === undefined) throw new StorageError('the database is not open');
    return this.#both;
  }

  async close(): Promise<void> {
    const { reader, writer } = this.both;
    // The reader goes first, so that the writer's is the last connection and takes the log away.
    reader.close();
    this.cache.clear();
    await writer.close();
  }

  /**
   * Puts what `copy` holds in place of the database, which is kept beside, as by a restore while nobody has it open.
   * @param leave called when there is no way back.
   * @throws {StorageError}
   */
  async replace(copy: ScannableStorage, leave: () => void): Promise<void> {
    const { finish } = await prepareReplacement(this.files, this.#log, copy);
    leave();
    try {
      await this.close();
      const { failure } = this.both.writer;
      if (failure !== undefined) throw failure;
      await finish();
      await this.#open();
    } catch (error) {
      const failure = new StorageError(
        `whether the restore has replaced the store is unknown: ${describeError(error)}`,
      );
      this.#options.onFatal(failure);
      throw failure;
    }
  }

  async #open(): Promise<void> {
    const { cache } = this;
    const log = this.#log;
    const writer = await Writer.start(
      { database: this.files.database },
      {
        durable: (batch) => {
          for (const { key, entry } of batch.writes.values()) cache.set(key, entry);
          this.batches += 1;
        },
        failed: (error) => {
          // What the last batch left is unknown: only the database can tell.
          cache.clear();
          const { message: reason } = error;
          log.error('the store failed; no commit is acknowledged any more', { reason });
          this.#options.onFatal(error);
        },
        warning: (message, pages) => log.warn(message, { pages }),
      },
    );
    try {
      this.#both = { writer, reader: new Reader(this.files.database) };
    } catch (error) {
      await writer.close();
      throw error;
    }
  }
}
