/** The storage member that keeps everything in memory: for tests, simulation and development. */
import type { Awaitable } from '../../base/awaitable.ts';
import { childName, compareKeys, positionAfter } from '../key-order.ts';
import type { Position } from '../key-order.ts';
import { assertCommit, assertKeys, assertScan, assertWrites, listLimit } from '../limits.ts';
import { pagesOf } from '../pages.ts';
import { ConflictError, ReplacedError, StorageError } from '../storage.ts';
import type {
  Commit,
  Entry,
  ListPage,
  ReplaceableStorage,
  ScannableStorage,
  WalkableStorage,
} from '../storage.ts';

export interface MemoryStore extends ScannableStorage, WalkableStorage, ReplaceableStorage {}

const WALK_ENTRIES = 500;

/** An empty store that lives as long as the object. */
export function createMemoryStorage(): MemoryStore {
  return new MemoryStorage();
}

class MemoryStorage implements MemoryStore {
  readonly #entries = new Map<string, Entry>();
  /** Every key, in the order of the contract. */
  readonly #keys: string[] = [];
  #closed = false;
  #replaced = false;
  #onReplaced: () => void = () => {};

  async read(keys: readonly string[]): Promise<readonly (Entry | undefined)[]> {
    this.#assertOpen();
    assertKeys(keys);
    return keys.map((key) => this.#entries.get(key));
  }

  async list(prefix: string, page?: ListPage): Promise<readonly string[]> {
    this.#assertOpen();
    const limit = listLimit(prefix, page);
    const names: string[] = [];
    let position: Position =
      page?.after === undefined
        ? { key: prefix, inclusive: false }
        : positionAfter(prefix, page.after);
    while (names.length < limit) {
      const key = this.#keys[this.#indexFrom(position)];
      if (key === undefined || !key.startsWith(prefix)) break;
      const name = childName(key, prefix);
      names.push(name);
      position = positionAfter(prefix, name);
    }
    return names;
  }

  async scan(prefix: string, after: string | undefined, limit: number): Promise<readonly Entry[]> {
    this.#assertOpen();
    assertScan(prefix, after, limit);
    const entries: Entry[] = [];
    const position =
      after !== undefined && compareKeys(after, prefix) >= 0
        ? { key: after, inclusive: false }
        : { key: prefix, inclusive: true };
    for (let index = this.#indexFrom(position); entries.length < limit; index += 1) {
      const key = this.#keys[index];
      const entry = key?.startsWith(prefix) ? this.#entries.get(key) : undefined;
      if (entry === undefined) break;
      entries.push(entry);
    }
    return entries;
  }

  async walk(visit: (entries: readonly Entry[]) => Awaitable<void>): Promise<void> {
    this.#assertOpen();
    // Entries are replaced, never changed: the list of them is a snapshot.
    const entries = this.#keys.flatMap((key) => this.#entries.get(key) ?? []);
    for (let from = 0; from < entries.length; from += WALK_ENTRIES) {
      await visit(entries.slice(from, from + WALK_ENTRIES));
    }
  }

  async commit(commit: Commit): Promise<void> {
    this.#assertOpen();
    assertCommit(commit);
    for (const check of commit.checks) {
      if (this.#entries.get(check.key)?.revision !== check.revision)
        throw new ConflictError(check.key);
    }
    const amended =
      commit.amend?.apply(commit.amend.keys.map((key) => this.#entries.get(key))) ?? [];
    const puts = amended.length === 0 ? commit.puts : [...commit.puts, ...amended];
    assertWrites(puts, commit.deletes);
    for (const entry of puts) this.#put(entry);
    for (const key of commit.deletes) this.#delete(key);
  }

  async replace(copy: ScannableStorage): Promise<void> {
    this.#assertOpen();
    const entries: Entry[] = [];
    for await (const page of pagesOf(copy)) entries.push(...page);
    this.#entries.clear();
    this.#keys.length = 0;
    for (const entry of entries) this.#put(entry);
    this.#replaced = true;
    this.#onReplaced();
  }

  onReplaced(listener: () => void): void {
    this.#onReplaced = listener;
  }

  async acceptReplaced(): Promise<void> {
    this.#replaced = false;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #put(entry: Entry): void {
    if (!this.#entries.has(entry.key)) {
      this.#keys.splice(this.#indexFrom({ key: entry.key, inclusive: true }), 0, entry.key);
    }
    this.#entries.set(entry.key, { key: entry.key, value: entry.value, revision: entry.revision });
  }

  #delete(key: string): void {
    if (!this.#entries.delete(key)) return;
    this.#keys.splice(this.#indexFrom({ key, inclusive: true }), 1);
  }

  /** The index of the first key at or after `position`. */
  #indexFrom(position: Position): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareKeys(this.#keys[middle] ?? '', position.key);
      if (order < 0 || (order === 0 && !position.inclusive)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageError('the storage is closed');
    if (this.#replaced) throw new ReplacedError();
  }
}
