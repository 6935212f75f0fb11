/**
 * Which refusals of callers who have proved nothing are recorded one by one. A facade turns requests away that it cannot read (no
 * signature, one that is over): the audit log tells of them, but at most so many, since sending them costs nobody anything. What was
 * left out is counted, and the next record has the number.
 */
import type { Clock } from '../../base/clock.ts';

/** Recorded at once, after a while of peace. */
const BURST = 60;
/** Then one in this time. */
const INTERVAL_MS = 1_000;

export class Refusals {
  readonly #clock: Clock;
  #left = BURST;
  #filledMs: number;
  #omitted = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#filledMs = clock.monotonicMs();
  }

  /** Undefined: this one is not recorded. Else how many were left out since the last one that was. */
  admit(): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    const earned = Math.floor((nowMs - this.#filledMs) / INTERVAL_MS);
    if (earned > 0) {
      this.#left = Math.min(BURST, this.#left + earned);
      this.#filledMs += earned * INTERVAL_MS;
    }
    if (this.#left === 0) {
      this.#omitted++;
      return undefined;
    }
    this.#left--;
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }
}
