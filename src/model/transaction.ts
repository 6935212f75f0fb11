/**
 * What a handler may do with stored data: a Reader cannot write, a Transaction can. Both are views of one mount
 * (or of one part of the core): keys are relative to it, and nothing outside it can be named.
 */
import type { Awaitable } from '../base/awaitable.ts';
import type { ListPage } from '../storage/storage.ts';

export type { ListPage } from '../storage/storage.ts';

/** A stored record after decoding. It is shared between requests: never change it, build a new one. */
export type Stored<T> = T extends (infer E)[]
  ? readonly Stored<E>[]
  : T extends Map<infer K, infer V>
    ? ReadonlyMap<K, V>
    : T extends object
      ? { readonly [K in keyof T]: Stored<T[K]> }
      : T;

export interface Reader {
  /** The plaintext under `key`, or undefined. The buffer is the caller's own. */
  get(key: string): Awaitable<Buffer | undefined>;
  /** Whether anything lies under `key`. Spares opening it; who then reads it finds out whether it is what was written. */
  has(key: string): Awaitable<boolean>;
  /** Several plaintexts from one snapshot, in one round trip. */
  getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]>;
  /** The JSON record under `key`, decoded afresh: for records that hold secrets. */
  getJson<T>(key: string): Awaitable<T | undefined>;
  /**
   * The JSON record under `key`, decoded at most once per stored revision and kept in memory: for settings, roles, tokens,
   * metadata — never for records that hold a user's secret.
   */
  getRecord<T>(key: string): Awaitable<Stored<T> | undefined>;
  /** Several of them from one snapshot. */
  getRecords<T>(keys: readonly string[]): Awaitable<(Stored<T> | undefined)[]>;
  /** Names of the direct children of `prefix` ('' or ending in '/'), in byte order; folders end in '/'. Committed state only. */
  list(prefix: string, page?: ListPage): Promise<readonly string[]>;
}

/**
 * Reads record the revisions they saw; writes are kept back until the core commits them, all in one, on condition that
 * nothing that was read has changed since. A read sees the writes of its own transaction. On a conflict the whole handler
 * runs again, so it must not have effects outside the transaction.
 */
export interface Transaction extends Reader {
  put(key: string, value: Buffer | string): void;
  putJson(key: string, value: unknown): void;
  /** Like `put`, for a key that cannot exist yet (a random id): saves reading it; the commit fails if it does exist. */
  putNew(key: string, value: Buffer | string): void;
  putJsonNew(key: string, value: unknown): void;
  delete(key: string): void;
}

/** One request's atomic commit, spanning several views. Only the core and system handlers see it. */
export interface Unit {
  /** A view of `prefix` (which ends in '/') inside a namespace, encrypted under that namespace's key. */
  view(namespaceId: string, prefix: string): Transaction;
  /** True when something was put or deleted. */
  readonly dirty: boolean;
}
