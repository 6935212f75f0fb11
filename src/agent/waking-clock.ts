/**
 * Time as a program counts it that waits for hours on machines that sleep: what a server has given for an hour is over after an hour,
 * also when a notebook's lid was closed for most of it. Timers of the system stand still meanwhile.
 */
import { uptime } from 'node:os';
import type { Clock } from '../base/clock.ts';

/** Longest wait in one piece: so soon after the machine is awake what came due meanwhile is done. */
const STEP_MS_MAX = 15_000;
/** A machine that slept for less may as well have been busy. */
const SLEPT_MS_MIN = 2_000;

/** `uptimeMs`: since the machine started, with the time that it slept. */
export function wakingClock(machine: Clock, uptimeMs: () => number = () => uptime() * 1000): Clock {
  const startMs = uptimeMs() - machine.monotonicMs();
  let sleptMs = 0;
  const monotonicMs = (): number => {
    const awakeMs = machine.monotonicMs();
    const apartMs = uptimeMs() - awakeMs - startMs;
    if (apartMs - sleptMs > SLEPT_MS_MIN) sleptMs = apartMs;
    return awakeMs + sleptMs;
  };
  return {
    nowMs: () => machine.nowMs(),
    monotonicMs,
    after(delayMs, action) {
      const endMs = monotonicMs() + delayMs;
      let cancel: () => void;
      const wait = (): void => {
        const leftMs = endMs - monotonicMs();
        const step = (): void => (endMs - monotonicMs() < 1 ? action() : wait());
        cancel = machine.after(Math.min(leftMs, STEP_MS_MAX), step);
      };
      wait();
      return () => cancel();
    },
  };
}
