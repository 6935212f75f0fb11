/**
 * Lets those who lost a race for the same record try again one after the other. Without it, of many callers who change one
 * record at once, only one wins each round and the rest runs for nothing, until some have used up their attempts.
 */
import type { Clock } from '../../base/clock.ts';

/** Longest wait: behind someone who does not get on, trying out of turn is better than not at all. */
export const TURN_WAIT_MS_MAX = 5_000;

/** Called when the turn is over. */
export type EndTurn = () => void;

export class Turns {
  readonly #clock: Clock;
  /** The last in each line; it is gone when nobody waits. */
  readonly #lines = new Map<string, Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Waits until all who came before for `key` are done, at most {@link TURN_WAIT_MS_MAX}. Whoever has a turn must end it, and
   * must not ask for another.
   */
  async take(key: string): Promise<EndTurn> {
    const before = this.#lines.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lines.set(key, promise);
    if (before !== undefined) await this.#atMost(before);
    return () => {
      if (this.#lines.get(key) === promise) this.#lines.delete(key);
      resolve();
    };
  }

  async #atMost(before: Promise<void>): Promise<void> {
    const over = Promise.withResolvers<void>();
    const cancel = this.#clock.after(TURN_WAIT_MS_MAX, over.resolve);
    try {
      await Promise.race([before, over.promise]);
    } finally {
      cancel();
    }
  }
}
