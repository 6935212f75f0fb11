/** Outside effects that must not be repeated: a handler that runs again after a conflict gets what its first run got. */
import type { Clock } from '../../base/clock.ts';

const KEPT_MS = 60_000;
const KEPT_MAX = 10_000;

interface Kept {
  readonly untilMs: number;
  readonly result: Promise<unknown>;
}

export class Once {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What `action` came to the first time that it was run under `key`. */
  async run<T>(key: string, action: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonicMs();
    for (const [known, { untilMs }] of this.#kept) {
      if (untilMs > nowMs && this.#kept.size <= KEPT_MAX) break;
      this.#kept.delete(known);
    }
    const before = this.#kept.get(key);
    if (before !== undefined) return (await before.result) as T;
    const result = action();
    this.#kept.set(key, { untilMs: nowMs + KEPT_MS, result });
    return await result;
  }
}
