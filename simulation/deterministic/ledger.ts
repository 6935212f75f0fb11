/** What clients were told in one run, and what of it contradicts what they were told before. */
import { judgeHistory } from '../replicas/linearizable.ts';
import type { Operation } from '../replicas/linearizable.ts';
import { SKEW_MS_MAX } from './cluster.ts';
import type { LeaseBook } from './lease-book.ts';
import type { KnownToken } from './known-token.ts';

interface PolicyChange {
  readonly allowed: boolean;
  readonly fromMs: number;
  /** When it was acknowledged; Infinity = never. */
  toldMs: number;
  overMs: () => number;
}

const NEVER = Number.POSITIVE_INFINITY;
/** Two servers judge ages by their own clocks. */
const SKEW_MS = 2 * SKEW_MS_MAX;

export class Ledger {
  readonly histories: Map<string, Operation[]> = new Map();
  readonly tokens: KnownToken[] = [];
  readonly leases: LeaseBook;
  readonly problems: string[];
  readonly #policy: PolicyChange[] = [{ allowed: true, fromMs: 0, toldMs: 0, overMs: () => 0 }];
  checks = 0;

  constructor(problems: string[], leases: LeaseBook) {
    this.problems = problems;
    this.leases = leases;
  }

  note(key: string, operation: Operation): void {
    const history = this.histories.get(key);
    if (history === undefined) this.histories.set(key, [operation]);
    else history.push(operation);
  }

  addToken(token: Omit<KnownToken, 'uses' | 'revokingMs' | 'revokedMs'>): KnownToken {
    const known = { ...token, uses: 0, revokingMs: NEVER, revokedMs: NEVER };
    this.tokens.push(known);
    return known;
  }

  /** A request with a token was sent at `sentMs` and answered at `answeredMs`: may it have been accepted, or refused? */
  judgeToken(known: KnownToken, accepted: boolean, sentMs: number, answeredMs: number): void {
    this.checks += 1;
    const { usesMax } = known;
    if (accepted) {
      known.uses += 1;
      if (usesMax > 0 && known.uses > usesMax) {
        this.problems.push(`a token of ${usesMax} uses was used ${known.uses} times`);
      }
      for (let each: KnownToken | undefined = known; each !== undefined; each = each.parent) {
        if (each.revokedMs <= sentMs) {
          this.problems.push(
            `a token was accepted that was revoked ${(sentMs - each.revokedMs).toFixed(1)} ms before`,
          );
        }
        if (each.ttlMs > 0 && sentMs > each.toldMs + each.ttlMs + SKEW_MS) {
          this.problems.push('a token was accepted after its end');
        }
      }
      return;
    }
    for (let each: KnownToken | undefined = known; each !== undefined; each = each.parent) {
      if (each.revokingMs < answeredMs || each.usesMax > 0) return;
      if (each.ttlMs > 0 && answeredMs > each.madeMs + each.ttlMs - SKEW_MS) return;
    }
    this.problems.push('a token was refused that is good');
  }

  changePolicy(allowed: boolean, fromMs: number): PolicyChange {
    const change: PolicyChange = { allowed, fromMs, toldMs: NEVER, overMs: () => NEVER };
    this.#policy.push(change);
    return change;
  }

  /** Changes come one after the other, from one client. */
  judgePolicy(seen: boolean, sentMs: number, answeredMs: number): void {
    this.checks += 1;
    let last = 0;
    for (const [index, change] of this.#policy.entries()) {
      if (change.toldMs <= sentMs) last = index;
    }
    const since = this.#policy[last]?.fromMs ?? 0;
    const possible = this.#policy.filter(
      (change, index) =>
        index === last ||
        (index > last
          ? change.fromMs <= answeredMs
          : change.toldMs === NEVER && change.overMs() > since),
    );
    if (possible.some(({ allowed }) => allowed === seen)) return;
    this.problems.push(
      `a request was ${seen ? 'allowed' : 'denied'} against the policy of ${(sentMs - (this.#policy[last]?.toldMs ?? 0)).toFixed(1)} ms before`,
    );
  }

  judgeHistories(): void {
    for (const [key, history] of this.histories) {
      this.checks += 1;
      const verdict = judgeHistory(history);
      if (verdict !== 'linearizable') {
        this.problems.push(`the history of ${key} is not linearizable (${verdict})`);
      }
    }
  }
}
