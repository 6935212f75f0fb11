/**
 * The embedded store over a simulated disk: reads at once from what is durable, one writer with group commit. What was under way when the
 * process dies is there afterwards or is not, as a whole; what was durable is there.
 */
import { createMemoryStorage } from '../../../src/storage/memory/memory-storage.ts';
import { ConflictError, StorageError } from '../../../src/storage/storage.ts';
import type { Commit, Entry, ListPage, ScannableStorage } from '../../../src/storage/storage.ts';
import type { Chance } from './chance.ts';
import type { Machine } from './machine.ts';
import type { Scheduler } from './scheduler.ts';

const SYNC_MS = 2;

/** What outlives the process. */
export class Platter {
  readonly entries: Map<string, Entry>;
  readonly chance: Chance;
  /** Probability that a sync fails. */
  brokenSync = 0;
  commits = 0;

  constructor(chance: Chance, image: readonly Entry[]) {
    this.chance = chance;
    this.entries = new Map(image.map((entry) => [entry.key, entry]));
  }
}

interface Waiting {
  readonly writes: ReadonlyMap<string, Entry | undefined>;
  readonly resolve: () => void;
  readonly reject: (error: StorageError) => void;
}

export class DiskStore implements ScannableStorage {
  readonly #platter: Platter;
  readonly #machine: Machine;
  readonly #scheduler: Scheduler;
  /** Holds what is durable, in the order of keys. */
  readonly #durable: ScannableStorage = createMemoryStorage();
  #queued = new Map<string, Entry | undefined>();
  #batch: Waiting[] = [];
  #writing: Waiting[] = [];
  #failure: StorageError | undefined;

  constructor(platter: Platter, machine: Machine, scheduler: Scheduler) {
    this.#platter = platter;
    this.#machine = machine;
    this.#scheduler = scheduler;
    void this.#durable.commit({ checks: [], puts: [...platter.entries.values()], deletes: [] });
    machine.onDeath(() => {
      if (platter.chance.happens(0.5)) this.#apply(this.#writing);
    });
  }

  read(keys: readonly string[]): ReturnType<ScannableStorage['read']> {
    return keys.map((key) => this.#platter.entries.get(key));
  }

  list(prefix: string, page?: ListPage): Promise<readonly string[]> {
    return this.#durable.list(prefix, page);
  }

  scan(prefix: string, after: string | undefined, limit: number): Promise<readonly Entry[]> {
    return this.#durable.scan(prefix, after, limit);
  }

  async commit(commit: Commit): Promise<void> {
    if (!this.#machine.leave()) return await new Promise<never>(() => {});
    if (this.#failure !== undefined) throw this.#failure;
    const newest = (key: string): Entry | undefined =>
      this.#queued.has(key) ? this.#queued.get(key) : this.#platter.entries.get(key);
    const lost = commit.checks.find(({ key, revision }) => newest(key)?.revision !== revision);
    if (lost !== undefined) {
      // Told when what it lost to is durable, so that the next read sees that.
      if (this.#queued.has(lost.key)) await this.#submit(new Map()).catch(() => {});
      throw new ConflictError(lost.key);
    }
    const amended = commit.amend?.apply(commit.amend.keys.map(newest)) ?? [];
    const writes = new Map<string, Entry | undefined>();
    for (const { key, revision, value } of [...commit.puts, ...amended]) {
      writes.set(key, { key, revision, value });
    }
    for (const key of commit.deletes) writes.set(key, undefined);
    for (const [key, entry] of writes) this.#queued.set(key, entry);
    await this.#submit(writes);
  }

  async close(): Promise<void> {
    await this.#durable.close();
  }

  #submit(writes: ReadonlyMap<string, Entry | undefined>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#batch.push({ writes, resolve, reject });
    if (this.#writing.length === 0) this.#flush();
    return promise;
  }

  #flush(): void {
    this.#writing = this.#batch.splice(0);
    if (this.#writing.length === 0) return;
    const { chance } = this.#platter;
    this.#machine.later(chance.delayMs(SYNC_MS), 'disk sync', () => {
      if (chance.happens(this.#platter.brokenSync)) return this.#fail();
      this.#apply(this.#writing);
      for (const { resolve } of this.#writing.splice(0)) resolve();
      this.#flush();
    });
  }

  /** Whether the last writes are there is unknown: nothing is acknowledged any more. */
  #fail(): void {
    this.#failure = new StorageError('the disk failed');
    for (const { reject } of [...this.#writing, ...this.#batch]) reject(this.#failure);
    // Whoever was refused has had its say when the process ends.
    this.#machine.later(1, 'process ends', () => this.#machine.die('ends: the disk failed'));
  }

  #apply(batch: readonly Waiting[]): void {
    const puts = new Map<string, Entry | undefined>();
    for (const { writes } of batch) for (const [key, entry] of writes) puts.set(key, entry);
    for (const [key, entry] of puts) {
      if (entry === undefined) this.#platter.entries.delete(key);
      else this.#platter.entries.set(key, entry);
      if (entry === undefined || this.#queued.get(key) === entry) this.#queued.delete(key);
    }
    this.#platter.commits += batch.length;
    this.#scheduler.note(`durable: ${[...puts.keys()].join(' ')}`);
    if (!this.#machine.alive) return;
    void this.#durable.commit({
      checks: [],
      puts: [...puts.values()].filter((entry) => entry !== undefined),
      deletes: [...puts].filter(([, entry]) => entry === undefined).map(([key]) => key),
    });
  }
}
