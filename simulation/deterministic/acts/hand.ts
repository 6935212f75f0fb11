/** What an act of a client gets: whom it asks, what it was told so far, and where its choices come from. */
import type { Chance } from '../world/chance.ts';
import type { Cluster, Told } from '../cluster.ts';
import type { Ledger } from '../ledger.ts';
import type { Question } from '../server.ts';
import type { KnownToken } from '../known-token.ts';

/** One thing that a client does: a request, or a few that belong together. */
export type Act = (hand: Hand) => Promise<void>;

export class Hand {
  readonly cluster: Cluster;
  readonly ledger: Ledger;
  readonly chance: Chance;
  /** Changes of the guard policy come one after the other. */
  policyTurn: Promise<void> = Promise.resolve();
  #values = 1;
  asked = 0;

  constructor(cluster: Cluster, ledger: Ledger, chance: Chance) {
    this.cluster = cluster;
    this.ledger = ledger;
    this.chance = chance;
  }

  async ask(question: Question): Promise<Told> {
    this.asked += 1;
    return await this.cluster.ask(question);
  }

  /** A value that nobody has written yet. */
  nextValue(): number {
    return this.#values++;
  }

  someToken(): KnownToken | undefined {
    const { tokens } = this.ledger;
    return tokens.length === 0 ? undefined : this.chance.pick(tokens);
  }

  judgeToken(known: KnownToken, { answer, sentMs, answeredMs }: Told): void {
    const code = answer?.error?.code;
    if (answer === undefined) return;
    if (code === undefined || code === 'not_found')
      this.ledger.judgeToken(known, true, sentMs, answeredMs);
    else if (code === 'permission_denied') this.ledger.judgeToken(known, false, sentMs, answeredMs);
  }

  /** Several things at once, each beginning within `spreadMs`. */
  async atOnce(acts: readonly Act[], spreadMs: number): Promise<void> {
    const { scheduler } = this.cluster;
    await Promise.all(
      acts.map(async (act) => {
        await scheduler.sleep(this.chance.unit() * spreadMs, 'client begins');
        await act(this);
      }),
    );
  }
}
