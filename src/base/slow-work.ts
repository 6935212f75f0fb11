/**
 * Work that keeps threads of the runtime's pool busy: hashes of passwords and primes for long, signatures for some milliseconds. The same
 * few threads write files and look names up, in the order in which they were asked: so slow work never takes all of them, and short work
 * waits here rather than there. Otherwise one caller who wants many keys would stop the audit log.
 */

/** What the runtime has unless the environment says otherwise (libuv's default). */
const POOL_THREADS_DEFAULT = 4;
/** Threads that are never given to slow work. */
const THREADS_LEFT_FREE = 2;

/** How much slow work runs at once in a pool of this many threads. */
export function slowThreads(poolThreads: number): number {
  return Math.max(1, poolThreads - THREADS_LEFT_FREE);
}

/** Thrown when as much is waiting as may wait. */
export class WorkQueueFullError extends Error {
  override readonly name = 'WorkQueueFullError';
}

/** The threads, and the queues that they are given to in turn: who asks for many keys does not hold up logins. */
export class SlowThreads {
  #threads: number;
  readonly #queues: (() => void)[][] = [];
  #busy = 0;
  #next = 0;

  constructor(threads: number) {
    this.#threads = threads;
  }

  resize(count: number): void {
    this.#threads = count;
  }

  /** A queue for one kind of work. @param waitingMax whoever comes later is turned away instead of waiting for ever. */
  queue(waitingMax: number): SlowWork {
    const waiting: (() => void)[] = [];
    this.#queues.push(waiting);
    return {
      isIdle: () => waiting.length === 0,
      run: async (work) => {
        if (this.#busy < this.#threads) this.#busy++;
        else {
          if (waiting.length >= waitingMax) throw new WorkQueueFullError('too much is waiting');
          // Whoever leaves hands its thread over, so `#busy` stays as it is.
          await new Promise<void>((resolve) => waiting.push(resolve));
        }
        try {
          return await work();
        } finally {
          this.#leave();
        }
      },
    };
  }

  #leave(): void {
    for (let count = 0; count < this.#queues.length; count++) {
      const start = this.#queues[this.#next]?.shift();
      this.#next = (this.#next + 1) % this.#queues.length;
      if (start !== undefined) {
        start();
        return;
      }
    }
    this.#busy--;
  }
}

export interface SlowWork {
  /** True when nothing waits in this queue. */
  isIdle(): boolean;
  /** Runs `work` when a thread is free for it. @throws {WorkQueueFullError} */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** The pool of this process: there is one, whatever runs in it. */
const threads = new SlowThreads(slowThreads(POOL_THREADS_DEFAULT));
/** Work of some milliseconds at most may take all but one. */
const shortThreads = new SlowThreads(POOL_THREADS_DEFAULT - 1);
const short = shortThreads.queue(Number.POSITIVE_INFINITY);

/** Says how many threads the pool has, before any work. @param given UV_THREADPOOL_SIZE, which the runtime reads itself */
export function tellPoolThreads(given: string | undefined): void {
  const count = Number(given) || POOL_THREADS_DEFAULT;
  threads.resize(slowThreads(count));
  shortThreads.resize(Math.max(1, count - 1));
}

/** The one queue for short work. It has no limit of its own: there is one piece for each request that is under way. */
export function shortWork(): SlowWork {
  return short;
}

/** A queue of its own for one kind of slow work. */
export function slowWork(waitingMax: number): SlowWork {
  return threads.queue(waitingMax);
}
