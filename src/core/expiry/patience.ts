/**
 * How long an entry that cannot be worked off waits until it is tried again, when its own kind says nothing of it: its record
 * cannot be read, above all. Nobody but the operator can help, who is told once, and again when the reason has changed.
 */
import type { Log } from '../../base/log.ts';
import { subjectOf } from '../../leases/expiry-queue.ts';
import type { DueEntry } from '../../leases/expiry-queue.ts';

/** Pause after the first failure; each further one doubles it. */
export const FAILED_BACKOFF_MS = 5_000;
export const FAILED_BACKOFF_MS_MAX = 3_600_000;
/** Entries that are remembered; beyond that the oldest begins anew. */
const REMEMBERED_MAX = 10_000;

interface Remembered {
  readonly attempts: number;
  readonly reason: string;
}

export class Patience {
  readonly #log: Log;
  readonly #failed = new Map<string, Remembered>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @returns milliseconds until the next attempt */
  pauseAfter(entry: DueEntry, reason: string): number {
    const subject = subjectOf(entry.key);
    const before = this.#failed.get(subject);
    const attempts = (before?.attempts ?? 0) + 1;
    if (before?.reason !== reason) {
      const { kind, namespaceId, id } = entry;
      this.#log.error('expiry of an entry failed: it is tried again, ever more rarely', {
        kind,
        namespace_id: namespaceId,
        id,
        error: reason,
      });
    }
    this.#failed.delete(subject);
    this.#failed.set(subject, { attempts, reason });
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > REMEMBERED_MAX && oldest !== undefined) this.#failed.delete(oldest);
    return Math.min(FAILED_BACKOFF_MS * 2 ** (attempts - 1), FAILED_BACKOFF_MS_MAX);
  }

  worked(entry: DueEntry): void {
    if (this.#failed.size > 0) this.#failed.delete(subjectOf(entry.key));
  }
}
