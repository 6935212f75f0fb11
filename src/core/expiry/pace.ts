/** How fast what is due is worked off: at once while the server has time, and in a bounded number per second while it is busy. */
import type { Clock } from '../../base/clock.ts';

/** Whoever asks comes first: when more than this are answered in a second, no more is worked off in the same time than this. */
const PRESSING_PER_SECOND = 200;
const PACED_ENTRIES = 20;
const PACE_MS = 100;

export class Pace {
  readonly #clock: Clock;
  /** Requests, and entries taken up, since the last look at how busy the server is. */
  #requests = 0;
  #taken = 0;
  #lookedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lookedMs = clock.monotonicMs();
  }

  noteRequest(): void {
    this.#requests++;
  }

  /** Counts an entry that is taken up; true when it is time to give way to requests. */
  isOver(): boolean {
    if (++this.#taken < PACED_ENTRIES) return false;
    const nowMs = this.#clock.monotonicMs();
    const pressing = ((nowMs - this.#lookedMs) * PRESSING_PER_SECOND) / 1000;
    const isPressed = this.#requests > pressing;
    this.#taken = 0;
    this.#requests = 0;
    this.#lookedMs = nowMs;
    return isPressed;
  }

  /** Waits a little, or until there is something new to look at. */
  async giveWay(news: Promise<void>): Promise<void> {
    const over = Promise.withResolvers<void>();
    const cancel = this.#clock.after(PACE_MS, over.resolve);
    await Promise.race([over.promise, news]);
    cancel();
  }
}
