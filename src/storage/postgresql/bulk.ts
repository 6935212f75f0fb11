/** Connections for listings and walks, so that a long one holds up nobody else. */
import type { Clock } from '../../base/clock.ts';
import { isContention, isPassing, isPoolerTrouble, LinkError } from './failures.ts';
import type { Answer, Connection } from './link.ts';
import { asStorageError, pause } from './reader.ts';
import type { Statement } from './statements.ts';

const RETRY_MS = 100;

export interface BulkCall {
  readonly clock: Clock;
  readonly untilMs: number;
  readonly onPooler: () => void;
}

export class Bulk {
  readonly #make: () => Connection;
  readonly #most: number;
  readonly #idle: Connection[] = [];
  readonly #waiting: ((link: Connection) => void)[] = [];
  readonly #all: Connection[] = [];

  constructor(make: () => Connection, most: number) {
    this.#make = make;
    this.#most = most;
  }

  /** Runs a statement that only reads, again if need be. @throws {StorageError} */
  async run(statement: () => Statement, call: BulkCall): Promise<Answer> {
    const { clock, untilMs, onPooler } = call;
    const link = await this.#take();
    try {
      for (;;) {
        try {
          return await link.one(statement());
        } catch (error) {
          const code = error instanceof LinkError ? error.code : 'XX000';
          const pooler = isPoolerTrouble(code);
          if (pooler) onPooler();
          const again = pooler || isPassing(code) || isContention(code);
          if (!again || clock.monotonicMs() >= untilMs) throw asStorageError(error);
          if (!pooler) await pause(clock, RETRY_MS);
        }
      }
    } finally {
      this.#give(link);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((link) => link.close()));
  }

  async #take(): Promise<Connection> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#all.length < this.#most) {
      const link = this.#make();
      this.#all.push(link);
      return link;
    }
    const { promise, resolve } = Promise.withResolvers<Connection>();
    this.#waiting.push(resolve);
    return await promise;
  }

  #give(link: Connection): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(link);
    else next(link);
  }
}
