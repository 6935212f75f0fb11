/**
 * How long a token lives: the arithmetic of TTL, period, maximum and explicit maximum. "Nearly over" never becomes "never"
 * (CVE-2021-32923): every result is at least one second or the call is refused.
 */
import { shortGoDuration } from '../base/duration.ts';
import { invalidRequest } from '../model/errors.ts';

export interface TtlWish {
  /** 0 = not asked for. */
  readonly wantedSeconds: number;
  /** 0 = not periodic. */
  readonly periodSeconds: number;
  readonly explicitMaxSeconds: number;
  /** Smaller maximum of role or method; 0 = the mount's. */
  readonly maxSeconds: number;
  readonly mountDefaultSeconds: number;
  readonly mountMaxSeconds: number;
  /** Age of the token: 0 at creation. */
  readonly ageSeconds: number;
}

export interface Ttl {
  readonly seconds: number;
  readonly warnings: readonly string[];
}

/** @throws {RequestError} invalid_request: the token is past its maximum. */
export function effectiveTtl(wish: TtlWish): Ttl {
  const warnings: string[] = [];
  const max = smallest(wish.mountMaxSeconds, wish.maxSeconds, wish.explicitMaxSeconds);
  const periodic = wish.periodSeconds > 0;
  if (wish.periodSeconds > max) warnings.push(capped('period', wish.periodSeconds, max));
  let seconds = periodic
    ? Math.min(wish.periodSeconds, max)
    : wish.wantedSeconds || wish.mountDefaultSeconds;
  // Periods begin anew with each renewal, and only an explicit maximum ends them.
  const end = periodic ? wish.explicitMaxSeconds || Number.POSITIVE_INFINITY : max;
  const left = Math.floor(end - wish.ageSeconds);
  if (left < 1) throw invalidRequest('past the max TTL, cannot renew');
  if (seconds > left) {
    warnings.push(capped('TTL', seconds, left));
    seconds = left;
  }
  return { seconds, warnings };
}

/** The smaller of two limits where 0 means none. */
export function smaller(a: number, b: number): number {
  return a === 0 || b === 0 ? a || b : Math.min(a, b);
}

/** 0 stands for no bound. */
function smallest(bound: number, ...others: readonly number[]): number {
  return Math.min(bound, ...others.filter((other) => other > 0));
}

function capped(what: string, asked: number, max: number): string {
  const [from, to] = [asked, max].map((seconds) => shortGoDuration(seconds * 1000));
  return `${what} of "${from}" exceeded the effective max_ttl of "${to}"; ${what} value is capped accordingly`;
}
