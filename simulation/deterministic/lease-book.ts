/** What clients were told about leases: until when each must last, whether it may have ended, whether it must have. */
import type { Told } from './cluster.ts';
import type { Scheduler } from './world/scheduler.ts';
import type { KnownToken } from './known-token.ts';

export interface KnownLease {
  readonly id: string;
  /** Namespace and mount. */
  readonly place: string;
  readonly namespace: string;
  readonly username: string;
  readonly password: string;
  readonly token: KnownToken | undefined;
  readonly sentMs: number;
  readonly toldMs: number;
  /** It lasts until then, unless it is ended. */
  untilMs: number;
  /** When its end was asked for, and when it was told that this will come about. */
  endingMs: number;
  endedMs: number;
  /** Renewals that were sent, and that are over for certain. */
  renewals: number;
  renewalsOver: number;
}

interface PlaceEnding {
  readonly place: string;
  readonly sentMs: number;
  /** When it was told; Infinity = never. */
  toldMs: number;
  overMs: () => number;
}

interface Renewed extends Pick<Told, 'answer' | 'sentMs' | 'answeredMs'> {
  /** How long the lease goes on, in milliseconds; undefined when it was not renewed. */
  readonly granted: number | undefined;
}

const NEVER = Number.POSITIVE_INFINITY;
/** Lifetimes are told in whole seconds, and begin in whole milliseconds. */
const ROUNDED_MS = 1_001;

export interface LeaseBookOptions {
  readonly scheduler: Scheduler;
  readonly problems: string[];
  /** Clocks of two servers differ by this at most. */
  readonly skewMs: number;
  /** Whether an account is there. */
  readonly lives: (username: string) => boolean;
}

export class LeaseBook {
  readonly all: KnownLease[] = [];
  /** Places that were asked for leases, whatever the answer was. */
  readonly asked: Set<string> = new Set();
  readonly #options: LeaseBookOptions;
  readonly #places: PlaceEnding[] = [];
  checks = 0;

  constructor(options: LeaseBookOptions) {
    this.#options = options;
  }

  lent(
    told: Omit<KnownLease, 'untilMs' | 'endingMs' | 'endedMs' | 'renewals' | 'renewalsOver'> & {
      readonly lastsMs: number;
    },
  ): KnownLease {
    const { lastsMs, ...rest } = told;
    const lease: KnownLease = {
      ...rest,
      untilMs: 0,
      endingMs: NEVER,
      endedMs: NEVER,
      renewals: 0,
      renewalsOver: 0,
    };
    this.all.push(lease);
    this.#promise(lease, told.sentMs + lastsMs);
    return lease;
  }

  /** It was told to last so long: just before, its account is looked for. */
  #promise(lease: KnownLease, endMs: number): void {
    const { scheduler, skewMs, problems, lives } = this.#options;
    lease.untilMs = Math.max(lease.untilMs, endMs - skewMs - ROUNDED_MS);
    const { untilMs } = lease;
    // The answer may have taken longer than the lease.
    if (untilMs <= scheduler.nowMs) return;
    scheduler.in(untilMs - scheduler.nowMs, 'a lease still lasts', () => {
      this.checks += 1;
      if (this.endingMs(lease) <= scheduler.nowMs || lives(lease.username)) return;
      problems.push('an account is gone before its lease has ended');
    });
  }

  /** Its end is asked for. */
  ending(lease: KnownLease, nowMs: number): void {
    lease.endingMs = Math.min(lease.endingMs, nowMs);
  }

  /** It was told that the lease ends, for whatever it takes. */
  ended(lease: KnownLease, nowMs: number): void {
    lease.endedMs = Math.min(lease.endedMs, nowMs);
  }

  /** A renewal is sent. @returns what is to be called with its answer */
  renewing(lease: KnownLease, nowMs: number): (renewed: Renewed) => void {
    const alone = lease.renewals === lease.renewalsOver;
    const endedMs = lease.endedMs;
    const count = (lease.renewals += 1);
    return ({ answer, granted, sentMs }) => {
      this.checks += 1;
      if (answer !== undefined) lease.renewalsOver += 1;
      if (granted === undefined) return;
      if (endedMs < nowMs) {
        this.#options.problems.push('a lease was renewed that was revoked before');
      }
      // Of two at once the one that came first may be the last to count.
      if (alone && lease.renewals === count) this.#promise(lease, sentMs + granted);
    };
  }

  /** The end of all leases of a place is asked for. @returns what is to be called with the answer */
  placeEnding(place: string, nowMs: number): (told: Told) => void {
    const ending: PlaceEnding = { place, sentMs: nowMs, toldMs: NEVER, overMs: () => NEVER };
    this.#places.push(ending);
    return ({ answer, answeredMs, overMs }) => {
      ending.overMs = overMs;
      if (answer !== undefined && answer.error === undefined) ending.toldMs = answeredMs;
    };
  }

  /** From when on it may have ended before its time; Infinity = it has not. */
  endingMs(lease: KnownLease): number {
    let endingMs = lease.endingMs;
    for (let each = lease.token; each !== undefined; each = each.parent) {
      if (each.usesMax > 0) return 0;
      endingMs = Math.min(endingMs, each.revokingMs);
      if (each.ttlMs > 0) {
        endingMs = Math.min(endingMs, each.madeMs + each.ttlMs - this.#options.skewMs - 1);
      }
    }
    for (const ending of this.#places) {
      if (concerns(ending, lease) && ending.overMs() > lease.sentMs) {
        endingMs = Math.min(endingMs, ending.sentMs);
      }
    }
    return endingMs;
  }

  /** Whether it was told that the lease ends. */
  mustBeGone(lease: KnownLease): boolean {
    if (lease.endedMs < NEVER) return true;
    for (let each = lease.token; each !== undefined; each = each.parent) {
      if (each.revokedMs < NEVER) return true;
    }
    return this.#places.some(
      (ending) => concerns(ending, lease) && ending.toldMs < NEVER && ending.sentMs >= lease.toldMs,
    );
  }

  mustBeThere(lease: KnownLease, nowMs: number): boolean {
    return lease.untilMs > nowMs && this.endingMs(lease) > nowMs;
  }
}

function concerns({ place }: PlaceEnding, lease: KnownLease): boolean {
  return place.endsWith('/') ? lease.place.startsWith(place) : lease.place === place;
}
