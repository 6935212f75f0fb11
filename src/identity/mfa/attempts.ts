/**
 * Counts wrong codes of an entity, so that six digits cannot be guessed. In memory, as failed passwords are: a wrong code must
 * not cost a write. Each replica counts for itself.
 */

/** Entities whose attempts are counted at a time; beyond that the oldest count is forgotten. */
const COUNTED_MAX = 100_000;

interface Count {
  readonly untilMs: number;
  /** Requests, each of which may run several times before it is committed. */
  readonly requests: Set<string>;
}

export class Attempts {
  readonly #counts = new Map<string, Count>();

  /** Counts a request; how many there were in this window, this one included. */
  count(key: string, requestId: string, nowMs: number, windowSeconds: number): number {
    let count = this.#counts.get(key);
    if (count === undefined || nowMs >= count.untilMs) {
      this.#counts.delete(key);
      if (this.#counts.size >= COUNTED_MAX) {
        const [oldest] = this.#counts.keys();
        if (oldest !== undefined) this.#counts.delete(oldest);
      }
      count = { untilMs: nowMs + windowSeconds * 1000, requests: new Set() };
      this.#counts.set(key, count);
    }
    count.requests.add(requestId);
    return count.requests.size;
  }

  forget(key: string): void {
    this.#counts.delete(key);
  }
}
