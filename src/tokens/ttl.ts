/**
 * How long a token lives: the arithmetic of TTL, period, maximum and explicit maximum. "Nearly over" never becomes "never"
 * (CVE-2021-32923): every result is at least one second or the call is refused.
 */
import { formatGoDuration } from '../base/duration.ts';
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
  const periodic = wish.periodSeconds > 0;
  let seconds = periodic
    ? Math.min(wish.periodSeconds, wish.mountMaxSeconds)
    : wish.wantedSeconds || wish.mountDefaultSeconds;
  let max = Number.POSITIVE_INFINITY;
  if (!periodic) {
    max = wish.mountMaxSeconds;
    if (wish.maxSeconds > 0) max = Math.min(max, wish.maxSeconds);
  }
  if (wish.explicitMaxSeconds > 0) max = Math.min(max, wish.explicitMaxSeconds);
  const left = max - wish.ageSeconds;
  if (left < 1) throw invalidRequest('past the max TTL, cannot renew');
  if (seconds > left) {
    if (!periodic && wish.wantedSeconds > 0) {
      warnings.push(
        `TTL of "${formatGoDuration(seconds * 1000)}" exceeded the effective max_ttl of "${formatGoDuration(max * 1000)}"; TTL value is capped accordingly`,
      );
    }
    seconds = Math.floor(left);
  }
  return { seconds, warnings };
}
