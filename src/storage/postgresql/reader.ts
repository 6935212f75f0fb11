/** Reads: they wait for one another's catch-up, so that under load one statement serves many of them. */
import type { Clock } from '../../base/clock.ts';
import { BATCH_MAX, StorageError } from '../storage.ts';
import type { Entry } from '../storage.ts';
import { isContention, isPassing, isPoolerTrouble, LinkError } from './failures.ts';
import type { Connection } from './link.ts';
import { catchUpOf } from './mirror.ts';
import type { Mirror } from './mirror.ts';
import type { Statements } from './statements.ts';

/** Between attempts while the database cannot be reached. */
const RETRY_MS = 100;

export interface ReaderOptions {
  readonly link: Connection;
  readonly mirror: Mirror;
  readonly statements: Statements;
  readonly clock: Clock;
  /** A read that has waited this long fails. */
  readonly waitMsMax: number;
  /** Told of a failure that a pooler's sessions explain. */
  readonly onPooler: () => void;
  readonly onFailure: (error: unknown) => void;
}

interface Waiting {
  readonly keys: readonly string[];
  /** What was known of some of them was gone when the others had come: this time all are asked for. */
  readonly all: boolean;
  readonly untilMs: number;
  readonly resolve: (entries: (Entry | undefined)[]) => void;
  readonly reject: (error: unknown) => void;
}

export class Reader {
  readonly #options: ReaderOptions;
  #waiting: Waiting[] = [];
  #running = false;
  /** Catch-ups that were sent. */
  #rounds = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  get rounds(): number {
    return this.#rounds;
  }

  /** The entries in a state that is at least as new as this call. */
  read(keys: readonly string[]): Promise<(Entry | undefined)[]> {
    const { promise, resolve, reject } = Promise.withResolvers<(Entry | undefined)[]>();
    const untilMs = this.#options.clock.monotonicMs() + this.#options.waitMsMax;
    this.#waiting.push({ keys, all: false, untilMs, resolve, reject });
    if (!this.#running) {
      this.#running = true;
      void this.#run();
    }
    return promise;
  }

  /** The entries as they are known here without asking; undefined when one of them is not. */
  known(keys: readonly string[]): (Entry | undefined)[] | undefined {
    const { mirror } = this.#options;
    const entries: (Entry | undefined)[] = [];
    for (const key of keys) {
      const entry = mirror.get(key);
      if (entry === undefined) return undefined;
      entries.push(entry ?? undefined);
    }
    return entries;
  }

  async #run(): Promise<void> {
    // Those who ask in the same turn share the first round.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        await this.#round(batch);
      } catch (error) {
        await this.#failed(batch, error);
      }
    }
    this.#running = false;
  }

  /** Those who can be served by one statement. */
  #take(): Waiting[] {
    let keys = 0;
    let count = 0;
    for (const { keys: more } of this.#waiting) {
      if (count > 0 && keys + more.length > BATCH_MAX) break;
      keys += more.length;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #round(batch: readonly Waiting[]): Promise<void> {
    const { link, mirror, statements } = this.#options;
    const missing = new Set<string>();
    for (const { keys, all } of batch) {
      for (const key of keys) if (all || mirror.get(key) === undefined) missing.add(key);
    }
    const wanted = [...missing];
    const known = mirror.place.sequence;
    this.#rounds += 1;
    const { rows } = await link.one(statements.catchUp(known, wanted));
    const found = catchUpOf(rows, known);
    if (!mirror.advance(found, known, wanted)) {
      this.#waiting.unshift(...batch);
      return;
    }
    for (const waiting of batch) {
      const entries: (Entry | undefined)[] = [];
      for (const key of waiting.keys) {
        if (missing.has(key)) entries.push(found.entries.get(key));
        else {
          const entry = mirror.get(key);
          if (entry === undefined) break;
          entries.push(entry ?? undefined);
        }
      }
      // Changed since the statement was made, or pushed out of the cache.
      if (entries.length < waiting.keys.length) this.#waiting.unshift({ ...waiting, all: true });
      else waiting.resolve(entries);
    }
  }

  /** Reading has no effect, so it is tried again until the time of those who wait is over. */
  async #failed(batch: readonly Waiting[], error: unknown): Promise<void> {
    const { clock, onPooler, onFailure } = this.#options;
    const code = error instanceof LinkError ? error.code : 'XX000';
    if (isPoolerTrouble(code)) onPooler();
    onFailure(error);
    const again = isPoolerTrouble(code) || isPassing(code) || isContention(code);
    const nowMs = clock.monotonicMs();
    for (const waiting of batch) {
      if (again && waiting.untilMs > nowMs) this.#waiting.push(waiting);
      else waiting.reject(asStorageError(error));
    }
    if (again && !isPoolerTrouble(code)) await pause(clock, RETRY_MS);
  }
}

export function asStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const reason = error instanceof Error ? error.message : 'not an error';
  return new StorageError(`the database failed: ${reason}`, { cause: error });
}

/** Between attempts to connect at the start. */
const CONNECT_PAUSE_MS = 1_000;

/** A database that starts at the same time may not be there yet. */
export async function persistently<T>(
  clock: Clock,
  attemptsMax: number | undefined,
  action: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      const again = error instanceof LinkError && isPassing(error.code);
      if (!again || attempt >= (attemptsMax ?? 1)) throw error;
      await pause(clock, CONNECT_PAUSE_MS);
    }
  }
}

export function pause(clock: Clock, delayMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  clock.after(delayMs, resolve);
  return promise;
}
