/** Forgets old rows of the log: those that every process which still runs has seen, and no commit is settled by any more. */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Bulk } from './bulk.ts';
import type { Mirror } from './mirror.ts';
import type { Statements } from './statements.ts';

const EVERY_MS = 60_000;
/** How long a row stays, in rounds. A process that was stopped for longer forgets what it knows when it goes on. */
const KEPT_ROUNDS = 10;

export interface TrimmerOptions {
  readonly mirror: Mirror;
  readonly statements: Statements;
  readonly bulk: Bulk;
  readonly clock: Clock;
  readonly log: Log;
}

export class Trimmer {
  readonly #options: TrimmerOptions;
  /** The sequence at each of the last rounds, the oldest first. */
  readonly #seen: number[] = [];
  #cancel: (() => void) | undefined;

  constructor(options: TrimmerOptions) {
    this.#options = options;
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.#cancel = this.#options.clock.after(EVERY_MS, () => {
      void this.#round().finally(() => {
        if (this.#cancel !== undefined) this.#arm();
      });
    });
  }

  async #round(): Promise<void> {
    const { mirror, statements, bulk, clock, log } = this.#options;
    this.#seen.push(mirror.place.sequence);
    if (this.#seen.length <= KEPT_ROUNDS) return;
    const before = this.#seen.shift() ?? 0;
    try {
      const untilMs = clock.monotonicMs();
      await bulk.run(() => statements.trim(before), { clock, untilMs, onPooler: () => {} });
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'not an error';
      log.warn('the log of commits could not be trimmed', { reason });
    }
  }
}
