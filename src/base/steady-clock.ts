/**
 * Time as a running process believes it: it goes on evenly where the system clock jumps or stands still. What was promised for an hour ends after
 * an hour, whatever somebody has set the clock to meanwhile.
 */
import { uptime } from 'node:os';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/** How often the system clock is looked at, while anybody asks for the time. */
const LOOK_MS = 1_000;
/** Differences up to this are made good little by little; the clock of a machine that is kept right is never that far off. */
const FOLLOWED_MS_MAX = 300_000;
/** So much faster or slower than time itself at most, while a difference is made good. */
const FOLLOWED_RATE = 0.05;
/** A machine that slept for less may as well have been busy. */
const SLEPT_MS_MIN = 2_000;

export interface SteadyClockOptions {
  readonly log: Log;
  /** What the machine says the time is, and how long the process runs. */
  readonly machine?: Clock;
  /** Milliseconds since the machine started, with the time that it slept; `monotonicMs` stands still meanwhile. */
  readonly uptimeMs?: () => number;
}

export class SteadyClock implements Clock {
  readonly #machine: Clock;
  readonly #uptimeMs: () => number;
  readonly #log: Log;
  /** At the last look: the time that was believed, and those that it goes by. */
  #atMs: number;
  #monotonicMs: number;
  #upMs: number;
  /** What is still to be made good, little by little, so that no two looks at the time are in the wrong order. */
  #behindMs = 0;
  #offMs = 0;

  constructor(options: SteadyClockOptions) {
    const { log, machine = systemClock, uptimeMs = () => uptime() * 1000 } = options;
    this.#log = log;
    this.#machine = machine;
    this.#uptimeMs = uptimeMs;
    this.#atMs = machine.nowMs();
    this.#monotonicMs = machine.monotonicMs();
    this.#upMs = uptimeMs();
  }

  nowMs(): number {
    const sinceMs = this.#machine.monotonicMs() - this.#monotonicMs;
    if (sinceMs < LOOK_MS) return Math.floor(this.#timeAfter(sinceMs));
    this.#look(sinceMs);
    return Math.floor(this.#atMs);
  }

  monotonicMs(): number {
    return this.#machine.monotonicMs();
  }

  after(delayMs: number, action: () => void): () => void {
    return this.#machine.after(delayMs, action);
  }

  /** How far the system clock is from what is believed, when it is too far to be followed; otherwise 0. */
  get offMs(): number {
    this.nowMs();
    return this.#offMs;
  }

  /** Believes the system clock, whatever it says: somebody has looked. */
  adopt(): void {
    const nowMs = this.#machine.nowMs();
    if (this.offMs !== 0) this.#log.warn('the system clock is believed', { offMs: this.#offMs });
    this.#atMs = nowMs;
    this.#monotonicMs = this.#machine.monotonicMs();
    this.#upMs = this.#uptimeMs();
    this.#behindMs = 0;
    this.#offMs = 0;
  }

  #look(sinceMs: number): void {
    const upMs = this.#uptimeMs();
    const sleptMs = upMs - this.#upMs - sinceMs;
    this.#atMs = this.#timeAfter(sinceMs) + (sleptMs > SLEPT_MS_MIN ? sleptMs : 0);
    this.#behindMs = 0;
    this.#monotonicMs += sinceMs;
    this.#upMs = upMs;
    const offMs = this.#machine.nowMs() - this.#atMs;
    if (Math.abs(offMs) > FOLLOWED_MS_MAX) {
      if (this.#offMs === 0) {
        this.#log.error(
          'the system clock has jumped and is not followed: set it right, or write to sys/config/reload/clock if it is',
          { offMs: Math.round(offMs) },
        );
      }
      this.#offMs = Math.round(offMs);
      return;
    }
    if (this.#offMs !== 0) this.#log.info('the system clock is right again');
    this.#offMs = 0;
    this.#behindMs = offMs;
  }

  #timeAfter(sinceMs: number): number {
    const stepMs = sinceMs * FOLLOWED_RATE;
    return this.#atMs + sinceMs + Math.min(Math.max(this.#behindMs, -stepMs), stepMs);
  }
}
