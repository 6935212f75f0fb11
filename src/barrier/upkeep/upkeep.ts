/**
 * The barrier's own housekeeping while it is open: follows the other replicas' key changes, stores the counts of encryptions,
 * rotates when it is due, encrypts again under the newest term, drops terms that nothing needs, and scrubs. Each turn does a
 * small piece, so that requests hardly notice.
 */
import type { World } from '../../base/world.ts';
import { RequestError } from '../../model/errors.ts';
import type { Barrier } from '../barrier.ts';
import type { Tampering } from '../encrypted-store.ts';
import type { Scrub, ScrubReport } from '../scrub.ts';

/** Between two turns. */
const TURN_MS = 250;
/** Records that one turn encrypts again, and records that it scrubs: about 1 ms of work each. */
const TURN_RECORDS = 50;
/** A change of keys by another replica is noticed this late at most, well before old terms may go. */
const REFRESH_MS: number = 30 * 1000;
const USAGE_MS: number = 5 * 60 * 1000;
const DROP_MS: number = 60 * 60 * 1000;
/** From the end of one scrub to the start of the next. */
const SCRUB_MS: number = 24 * 60 * 60 * 1000;
/** Records that are scrubbed before the server goes into service. */
const SCRUB_FIRST_RECORDS = 2000;

export interface UpkeepOptions {
  readonly barrier: Barrier;
  readonly world: World;
  /** Whether this process does for all what one has to do: rotate, encrypt again, drop terms, scrub. */
  readonly duty?: { readonly held: boolean };
}

/** What the last complete scrub said. */
export interface IntegrityStatus {
  /** Undefined before the first scrub is complete. */
  readonly checkedMs: number | undefined;
  readonly records: number;
  readonly faults: readonly Tampering[];
}

export class Upkeep {
  readonly #barrier: Barrier;
  readonly #world: World;
  readonly #duty: { readonly held: boolean };
  readonly #dueMs = new Map<string, number>();
  #integrity: IntegrityStatus = { checkedMs: undefined, records: 0, faults: [] };
  #scrub: Scrub | undefined;
  /** Set while it runs. */
  #cancel: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();
  /** The newest term under which everything is known to be. */
  #reencrypted: number | undefined;

  constructor(options: UpkeepOptions) {
    this.#barrier = options.barrier;
    this.#world = options.world;
    this.#duty = options.duty ?? { held: true };
  }

  get integrity(): IntegrityStatus {
    return this.#integrity;
  }

  /** Scrubs a small store at once, the beginning of a large one, and goes on in the background. */
  async start(): Promise<void> {
    if (this.#cancel !== undefined) return;
    this.#cancel = () => undefined;
    const nowMs = this.#world.clock.monotonicMs();
    for (const [task, everyMs] of [
      ['refresh', REFRESH_MS],
      ['usage', USAGE_MS],
    ] as const) {
      this.#dueMs.set(task, nowMs + everyMs);
    }
    await this.#attempt(async () => {
      while (this.#isDue('scrub', SCRUB_MS, false)) {
        if ((await this.#scrubStep(TURN_RECORDS * 4)).scanned >= SCRUB_FIRST_RECORDS) break;
      }
    });
    this.#schedule();
  }

  /** Ends after the piece under way. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#turn;
    this.#scrub?.stop();
    this.#scrub = undefined;
    this.#dueMs.clear();
  }

  #schedule(): void {
    if (this.#cancel === undefined) return;
    this.#cancel = this.#world.clock.after(TURN_MS, () => {
      this.#turn = this.#run().then(() => this.#schedule());
    });
  }

  async #run(): Promise<void> {
    const barrier = this.#barrier;
    if (barrier.sealed) return;
    if (this.#isDue('refresh', REFRESH_MS)) await this.#attempt(() => barrier.refresh());
    if (this.#isDue('usage', USAGE_MS)) {
      await this.#attempt(async () => {
        await barrier.persistUsage();
        if (this.#duty.held && (await barrier.rotateIfDue())) this.#log('encryption key rotated');
      });
    }
    if (!this.#duty.held) return;
    await this.#attempt(() => this.#reencrypt());
    if (this.#isDue('scrub', SCRUB_MS, false)) {
      await this.#attempt(async () => void (await this.#scrubStep(TURN_RECORDS)));
    }
  }

  async #reencrypt(): Promise<void> {
    const barrier = this.#barrier;
    const terms = barrier.terms;
    if (terms.length === 1) return;
    const newest = terms.at(-1);
    if (this.#reencrypted !== newest) {
      const { done, term, reencrypted } = await barrier.reencrypt(TURN_RECORDS);
      if (!done) return;
      this.#reencrypted = term;
      this.#log('everything is encrypted under the newest key', { term, records: reencrypted });
    }
    if (!this.#isDue('drop', DROP_MS)) return;
    const dropped = await barrier.dropUnusedTerms();
    if (dropped > 0) this.#log('old encryption keys dropped', { dropped });
  }

  async #scrubStep(records: number): Promise<ScrubReport> {
    this.#scrub ??= this.#barrier.scrub();
    let report: ScrubReport;
    try {
      report = await this.#scrub.step(records);
    } catch (error) {
      this.#scrub = undefined;
      throw error;
    }
    if (report.done) {
      this.#scrub = undefined;
      this.#dueMs.set('scrub', this.#world.clock.monotonicMs() + SCRUB_MS);
      const { scanned, faults, undecided } = report;
      this.#integrity = { checkedMs: this.#world.clock.nowMs(), records: scanned, faults };
      const log = this.#world.log.named('barrier');
      for (const { key, reason } of faults) log.error('integrity fault', { key, reason });
      log.info('store scrubbed', {
        records: scanned,
        faults: faults.length,
        undecided: undecided.length,
      });
    }
    return report;
  }

  /** Whether a task's time has come; if so, `everyMs` starts anew unless `renew` is false. */
  #isDue(task: string, everyMs: number, renew = true): boolean {
    const nowMs = this.#world.clock.monotonicMs();
    if (nowMs < (this.#dueMs.get(task) ?? 0)) return false;
    if (renew) this.#dueMs.set(task, nowMs + everyMs);
    return true;
  }

  /** A failure is logged and the task tried again when its time comes; sealing ends everything without a word. */
  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (error instanceof RequestError && error.code === 'sealed') return;
      const detail = error instanceof RequestError ? error.detail : undefined;
      this.#world.log.named('barrier').warn('upkeep failed', {
        reason: error instanceof Error ? error.message : 'not an error',
        detail,
      });
    }
  }

  #log(message: string, fields: Readonly<Record<string, number>> = {}): void {
    this.#world.log.named('barrier').info(message, fields);
  }
}
