/** When a certificate begins and ends, within what the role, the mount and the issuer allow. */
import { formatGoDuration } from '../../../base/duration.ts';
import { formatTimeSeconds, parseTime } from '../../../base/time-format.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { MountRef } from '../../../model/request.ts';
import type { LeafBehavior } from '../authorities/records.ts';
import type { Role } from '../roles/role.ts';

export interface Wanted {
  readonly ttl: number;
  readonly not_before: string | undefined;
  readonly not_after: string | undefined;
}

/** Of a mount. */
export type LeaseBounds = Pick<MountRef, 'defaultLeaseTtlSeconds' | 'maxLeaseTtlSeconds'>;

export interface Limits {
  readonly role: Role;
  readonly mount: LeaseBounds;
  readonly nowMs: number;
  /** The issuer’s end, and what to do with leaves that would outlive it; undefined for what signs itself. */
  readonly issuer: { readonly notAfterMs: number; readonly leafBehavior: LeafBehavior } | undefined;
}

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly warnings: readonly string[];
}

/** Validity begins this long before now without any wish: clocks differ. */
const SKEW_SECONDS = 30;

/** @throws {RequestError} */
export function readTime(text: string): number {
  const ms = parseTime(text);
  if (ms !== undefined) return ms;
  throw invalidRequest('parsing time: not a time of RFC 3339');
}

/** What is written has whole seconds. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

function wantedStart({ not_before: asked }: Wanted, { role, nowMs }: Limits): number | undefined {
  if (role.not_before !== '') return readTime(role.not_before);
  if (asked === undefined) return undefined;
  const bound = role.not_before_bound;
  if (bound === 'forbid') {
    throw invalidRequest(`not_before_bound is set to ${bound}. not_before cannot be provided.`);
  }
  const ms = readTime(asked);
  if (bound === 'duration' && ms < nowMs - role.not_before_duration * 1000) {
    const allowed = formatGoDuration(role.not_before_duration * 1000);
    throw invalidRequest(
      `not_before_bound is set to ${bound}. Cannot satisfy request as it would result in notBefore of ${formatTimeSeconds(ms)} that is older than the allowed not_before_duration of ${allowed}`,
    );
  }
  return ms;
}

const NAMED_BOUNDS = ['', 'permit', 'forbid', 'ttl-limited'];

interface End {
  readonly ms: number;
  readonly warnings: readonly string[];
}

function end(wanted: Wanted, limits: Limits): End {
  const { role, mount, nowMs } = limits;
  const bound = role.not_after_bound;
  const latest = NAMED_BOUNDS.includes(bound) ? undefined : readTime(bound);
  if (role.not_after === '' && wanted.not_after !== undefined && bound === 'forbid') {
    throw invalidRequest(`not_after_bound is set to ${bound}. not_after cannot be provided.`);
  }
  const text = role.not_after === '' ? wanted.not_after : role.not_after;
  const asked = text === undefined ? undefined : readTime(text);
  if (wanted.ttl > 0 && asked !== undefined) {
    throw invalidRequest(
      'Either ttl or not_after should be provided. Both should not be provided in the same request.',
    );
  }
  const warnings: string[] = [];
  let ttl = wanted.ttl || role.ttl || mount.defaultLeaseTtlSeconds;
  const maxTtl = role.max_ttl || mount.maxLeaseTtlSeconds;
  if (ttl > maxTtl) {
    const [long, max] = [ttl, maxTtl].map((seconds) => formatGoDuration(seconds * 1000));
    warnings.push(
      `TTL "${long}" is longer than permitted maxTTL "${max}", so maxTTL is being used`,
    );
    ttl = maxTtl;
  }
  if (bound === 'ttl-limited' && asked !== undefined && asked > nowMs + ttl * 1000) {
    throw invalidRequest(
      `not_after_bound is set to ${bound}. Cannot satisfy request as that would result in notAfter of ${formatTimeSeconds(asked)} that is beyond the TTL of ${formatGoDuration(ttl * 1000)}`,
    );
  }
  const ms = withinIssuer(asked ?? nowMs + ttl * 1000, limits);
  if (latest !== undefined && ms > latest) {
    throw invalidRequest(
      `not_after_bound is set to ${bound}. Cannot satisfy request as that would result in notAfter of ${formatTimeSeconds(ms)} that is beyond the maximum timestamp of ${formatTimeSeconds(latest)}`,
    );
  }
  return { ms, warnings };
}

function withinIssuer(ms: number, { issuer, nowMs }: Limits): number {
  if (issuer === undefined || ms <= issuer.notAfterMs || issuer.leafBehavior === 'permit') {
    return ms;
  }
  if (issuer.leafBehavior === 'truncate') {
    if (ms >= nowMs) return issuer.notAfterMs;
    throw invalidRequest(
      `cannot satisfy request, as NotAfter date ${formatTimeSeconds(ms)} is in the past`,
    );
  }
  throw invalidRequest(
    `cannot satisfy request, as TTL would result in notAfter of ${formatTimeSeconds(ms)} that is beyond the expiration of the CA certificate at ${formatTimeSeconds(issuer.notAfterMs)}`,
  );
}

/** @throws {RequestError} */
export function validityOf(wanted: Wanted, limits: Limits): Validity {
  const start = wantedStart(wanted, limits);
  const { ms, warnings } = end(wanted, limits);
  const before = limits.role.not_before_duration || SKEW_SECONDS;
  const notBeforeMs = wholeSeconds(start ?? limits.nowMs - before * 1000);
  const notAfterMs = wholeSeconds(ms);
  if (notBeforeMs >= notAfterMs) {
    const relation = notBeforeMs === notAfterMs ? 'equal to' : 'later than';
    throw invalidRequest(
      `The certificate's Not Before (${formatTimeSeconds(notBeforeMs)}) is ${relation} the certificate's Not After (${formatTimeSeconds(notAfterMs)})`,
    );
  }
  return { notBeforeMs, notAfterMs, warnings };
}
