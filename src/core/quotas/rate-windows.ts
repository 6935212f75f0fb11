/** Counting requests per client in windows of fixed length. Memory only: a restart begins anew, each replica counts for itself. */

export interface Window {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until the client's window or block is over. */
  readonly resetSeconds: number;
}

export interface RateRule {
  /** Requests per window. */
  readonly limit: number;
  readonly windowMs: number;
  /** After a refusal, how long everything is refused; 0 = until the window ends. */
  readonly blockMs: number;
}

interface Counter {
  windowStartMs: number;
  used: number;
  blockedUntilMs: number;
}

/** Clients counted apart; all beyond share one counter, so that nobody can grow the memory by changing address. */
export const CLIENTS_MAX = 100_000;
const SHARED = '';
/** A client that was not seen for so long is forgotten. */
const STALE_MS = 180_000;
const PURGE_INTERVAL_MS = 60_000;

export class RateWindows {
  readonly #rule: RateRule;
  readonly #clientsMax: number;
  readonly #counters = new Map<string, Counter>();
  #nextPurgeMs = 0;

  constructor(rule: RateRule, clientsMax: number = CLIENTS_MAX) {
    this.#rule = rule;
    this.#clientsMax = clientsMax;
  }

  get clients(): number {
    return this.#counters.size;
  }

  /** Takes one request of `client` at `nowMs` on a clock that never goes back. */
  take(client: string, nowMs: number): Window {
    if (nowMs >= this.#nextPurgeMs) this.#purge(nowMs);
    const { limit, windowMs, blockMs } = this.#rule;
    const counter = this.#counter(client, nowMs);
    if (counter.blockedUntilMs > nowMs) {
      return this.#window(false, 0, counter.blockedUntilMs - nowMs);
    }
    const passed = Math.floor((nowMs - counter.windowStartMs) / windowMs);
    if (passed > 0) {
      counter.windowStartMs += passed * windowMs;
      counter.used = 0;
    }
    const untilResetMs = counter.windowStartMs + windowMs - nowMs;
    if (counter.used < limit) {
      counter.used++;
      return this.#window(true, limit - counter.used, untilResetMs);
    }
    if (blockMs === 0) return this.#window(false, 0, untilResetMs);
    counter.blockedUntilMs = nowMs + blockMs;
    return this.#window(false, 0, blockMs);
  }

  #window(allowed: boolean, remaining: number, resetMs: number): Window {
    const { limit } = this.#rule;
    return { allowed, limit, remaining, resetSeconds: Math.floor(resetMs / 1000) };
  }

  #counter(client: string, nowMs: number): Counter {
    let counter = this.#counters.get(client);
    if (counter !== undefined) return counter;
    if (client !== SHARED && this.#counters.size >= this.#clientsMax) {
      return this.#counter(SHARED, nowMs);
    }
    counter = { windowStartMs: nowMs, used: 0, blockedUntilMs: 0 };
    this.#counters.set(client, counter);
    return counter;
  }

  #purge(nowMs: number): void {
    this.#nextPurgeMs = nowMs + PURGE_INTERVAL_MS;
    const staleMs = Math.max(STALE_MS, this.#rule.windowMs);
    for (const [client, counter] of this.#counters) {
      const lastMs = Math.max(counter.windowStartMs + this.#rule.windowMs, counter.blockedUntilMs);
      if (nowMs - lastMs > staleMs) this.#counters.delete(client);
    }
  }
}
