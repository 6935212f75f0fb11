/** Time enters the program here and nowhere else, so that a simulation can replace it. */

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Runs `action` once after `delayMs`; returns a function that cancels it. Does not keep the process alive. */
  after(delayMs: number, action: () => void): () => void;
}

/** Longest delay a Node.js timer can hold; longer ones are re-armed. */
const TIMER_DELAY_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs: number, action: () => void): () => void {
    let timer: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(Math.max(leftMs, 0), TIMER_DELAY_MS_MAX);
      timer = setTimeout(() => (stepMs < leftMs ? arm(leftMs - stepMs) : action()), stepMs);
      timer.unref();
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  },
};
