/**
 * The storage contract: an untrusted, ordered, versioned key space of opaque bytes.
 *
 * Everything above it is ciphertext; a member knows nothing of secrets. Keys are non-empty strings of at most
 * {@link KEY_BYTES_MAX} bytes of well-formed Unicode without NUL, ordered by their UTF-8 bytes; `/` separates levels. A
 * revision is a positive safe integer that the *caller* chooses when it puts a record (the barrier binds it into the
 * ciphertext) and that the member stores, returns and compares, and never invents.
 *
 * A value is shared, not copied: nobody changes its bytes after handing it over, neither the caller nor the member.
 */
import type { Awaitable } from '../base/awaitable.ts';

/** Longest key, in bytes of UTF-8. */
export const KEY_BYTES_MAX: number = 2048;
/** Largest value, in bytes. */
export const VALUE_BYTES_MAX: number = 4 * 1024 * 1024;
/** Most keys that one read, or records that one commit, may carry. */
export const BATCH_MAX: number = 4096;
/** Most bytes of values that one commit may carry. */
export const COMMIT_BYTES_MAX: number = 32 * 1024 * 1024;
/** Most names that one page of a listing returns. */
export const LIST_PAGE_MAX: number = 10_000;

export interface Entry {
  readonly key: string;
  readonly value: Buffer;
  readonly revision: number;
}

/**
 * An entry whose value is made when it is first asked for. `amend` may return such entries: of those that overtake each other
 * within one group of commits only the last is ever asked. A member looks at `value` no earlier than when it writes.
 */
export interface LateEntry extends Entry {
  /** Length that the value will have. */
  readonly valueBytes: number;
}

/** The length of an entry's value, without asking for a late one. */
export function valueBytes(entry: Entry | LateEntry): number {
  return 'valueBytes' in entry ? entry.valueBytes : entry.value.length;
}

export interface Check {
  readonly key: string;
  /** The revision that the key must still have; `undefined` = the key must be absent. */
  readonly revision: number | undefined;
}

export interface Commit {
  readonly checks: readonly Check[];
  readonly puts: readonly Entry[];
  readonly deletes: readonly string[];
  /**
   * Records whose next value depends on the value before it, whoever wrote that (running sums): after the checks have
   * held, and in commit order, the member calls `apply` with the newest entries of `keys` (those of commits queued
   * before this one included) and adds the entries that it returns to the puts. `apply` must be synchronous and pure.
   */
  readonly amend?: {
    readonly keys: readonly string[];
    apply(entries: readonly (Entry | undefined)[]): readonly Entry[];
  };
}

export interface ListPage {
  /** Return names that sort after this one (a name as an earlier page returned it). */
  readonly after?: string;
  /** Most names to return; at most {@link LIST_PAGE_MAX}, which is also the default. */
  readonly limit?: number;
}

export interface Storage {
  /**
   * The entries of `keys`, in that order, all from ONE snapshot of the committed state; `undefined` = absent. A member that has
   * them in memory gives them at once; a failure always rejects.
   */
  read(keys: readonly string[]): Awaitable<readonly (Entry | undefined)[]>;
  /**
   * The names of the direct children of `prefix` (which is empty or ends in `/`), in byte order, each once:
   * a record's name, or a folder's name with a trailing `/`. `foo` and `foo/` may both be there.
   */
  list(prefix: string, page?: ListPage): Promise<readonly string[]>;
  /**
   * Applies everything or nothing. Resolves when it is durable.
   * @throws {ConflictError} a check did not hold; nothing was written, and a read that starts now sees the reason.
   * @throws {LimitError} it breaks a limit or writes a key twice; nothing was written.
   * @throws {StorageError} the outcome is unknown (I/O fault): the process must stop acknowledging.
   */
  commit(commit: Commit): Promise<void>;
  /** Waits for what is under way and releases every resource. Idempotent. */
  close(): Promise<void>;
}

/** Extra ability: walk every record in key order, for backup, scrub, re-encryption and migration. */
export interface ScannableStorage extends Storage {
  /** Up to `limit` entries with keys greater than `after` (undefined = from the start) that begin with `prefix`. */
  scan(prefix: string, after: string | undefined, limit: number): Promise<readonly Entry[]>;
}

/** Extra ability: tells how much there is, and whether it has changed: for moving a whole store. */
export interface CountedStorage extends ScannableStorage {
  /** How many records there are. */
  count(): Promise<number>;
  /** A number that grows with every commit, by any process, that wrote something. */
  commitNumber(): Promise<number>;
}

/** Extra ability: a consistent copy of a live store. */
export interface BackupStorage extends Storage {
  /** Writes a consistent, complete copy to a new file; `progress` gets a fraction from 0 to 1. */
  backup(file: string, progress?: (fraction: number) => void): Promise<void>;
}

/** Extra ability: every record of one consistent state, while commits go on; for stores that have no copy of themselves to give. */
export interface WalkableStorage extends Storage {
  /** Calls `visit` with page after page, in key order, all from ONE snapshot. @throws what `visit` throws, and {@link StorageError} */
  walk(visit: (entries: readonly Entry[]) => Awaitable<void>): Promise<void>;
}

/** Reads on behalf of one request. */
export interface ReadSession {
  /**
   * As {@link Storage.read}, but at least as new as the beginning of the session, and as what it has shown before, rather
   * than as this call: later reads may be answered without asking the store.
   */
  read(keys: readonly string[]): Awaitable<readonly (Entry | undefined)[]>;
}

/** Extra ability: several processes work on the store at once. */
export interface SharedStorage extends Storage {
  /** Begins a session: it sees everything that any process has acknowledged before. */
  session(): ReadSession;
  /** Learns what others have changed. */
  catchUp(): Promise<void>;
  /**
   * Sets who is told of keys that others have changed, before a read shows the change; undefined = any may have. Keys that
   * this process has changed may be among them. Must not throw. Returns a function that ends it.
   */
  onChanged(listener: (keys: readonly string[] | undefined) => void): () => void;
}

/** Extra ability: everything that is stored is replaced at once by what a copy holds. */
export interface ReplaceableStorage extends Storage {
  /**
   * Puts every record of `copy` in place of all that is there, atomic and durable when it resolves. No commit is acknowledged from
   * when it begins; from when it resolves everything is refused with {@link ReplacedError}, until {@link acceptReplaced}.
   * @throws {StorageError} it did not come about, unless the text says that this is unknown.
   */
  replace(copy: ScannableStorage): Promise<void>;
  /** Sets who is told when this or another process has replaced everything; what it knows of the old state is of no use any more. */
  onReplaced(listener: () => void): void;
  /** Goes on with what is there now: for whoever has forgotten everything that was there before. */
  acceptReplaced(): Promise<void>;
}

export function isReplaceable(storage: Storage): storage is ReplaceableStorage {
  return 'replace' in storage;
}

export function isShared(storage: Storage): storage is SharedStorage {
  return 'session' in storage;
}

/** A check did not hold: run the transaction again on fresh reads. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
  readonly key: string;
  constructor(key: string) {
    super(`storage conflict on ${key}`);
    this.key = key;
  }
}

/** A key, value, page or commit breaks a rule of this contract: the caller's mistake. The message repeats no value. */
export class LimitError extends RangeError {
  override readonly name = 'LimitError';
}

/** The store failed. For a commit the outcome is unknown. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  /** The store cannot be reached now, and may be a moment later: the process goes on. */
  readonly passing: boolean = false;
}

/** Everything in the store was replaced: what its caller knows is of the state before. */
export class ReplacedError extends StorageError {
  override readonly passing = true;
  constructor() {
    super('the store was replaced by a restore');
  }
}
