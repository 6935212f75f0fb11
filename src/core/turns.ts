/**
 * Lets those who lost a race for the same record try again one after the other. Without it, of many callers who change one
 * record at once, only one wins each round and the rest runs for nothing, until some have used up their attempts.
 */

/** Called when the turn is over. */
export type EndTurn = () => void;

export class Turns {
  /** The last in each line; it is gone when nobody waits. */
  readonly #lines = new Map<string, Promise<void>>();

  /** Waits until all who came before for `key` are done. Whoever has a turn must end it, and must not ask for another. */
  async take(key: string): Promise<EndTurn> {
    const before = this.#lines.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lines.set(key, promise);
    await before;
    return () => {
      if (this.#lines.get(key) === promise) this.#lines.delete(key);
      resolve();
    };
  }
}
