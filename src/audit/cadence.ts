/** When the next checkpoint is due: after so many lines, or so long after the last one when there was any line. */
import type { Clock } from '../base/clock.ts';

export const CHECKPOINT_LINES = 1000;
export const CHECKPOINT_INTERVAL_MS = 1000;

export class Cadence {
  readonly #clock: Clock;
  #lines = 0;
  #doneAtMs = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get due(): boolean {
    if (this.#lines === 0) return false;
    return (
      this.#lines >= CHECKPOINT_LINES ||
      this.#clock.monotonicMs() - this.#doneAtMs >= CHECKPOINT_INTERVAL_MS
    );
  }

  /** Lines were written. */
  add(lines: number): void {
    this.#lines += lines;
  }

  /** A checkpoint was written. */
  done(): void {
    this.#lines = 0;
    this.#doneAtMs = this.#clock.monotonicMs();
    this.disarm();
  }

  /** As soon as there is a line. */
  hurry(): void {
    this.#doneAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Runs `action` when the interval has passed; once, however often it is asked. */
  arm(action: () => void): void {
    this.#cancel ??= this.#clock.after(CHECKPOINT_INTERVAL_MS, () => {
      this.#cancel = undefined;
      action();
    });
  }

  disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
