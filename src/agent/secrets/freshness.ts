/** When a secret must be looked after again, and what is to be done then. */
import type { Secret } from '../../client/secret.ts';

export interface Due {
  readonly inMs: number;
  /** Renew the lease; otherwise ask for the secret anew. */
  readonly renew: boolean;
}

/** A renewable lease is renewed when this part of it is over. */
const RENEW_AT = 2 / 3;
/** What cannot be renewed is asked for anew when this part is over. */
const REPLACE_AT = 0.9;
const DUE_MS_MIN = 1000;

/** @param chance 0 … 1: spreads the readings of many agents */
export function dueOf(secret: Secret, staticIntervalMs: number, chance: number): Due {
  const { leaseId, leaseDurationSeconds, renewable, auth, data } = secret;
  if (auth !== undefined && auth.leaseDurationSeconds > 0) {
    return anew(auth.leaseDurationSeconds * 1000 * REPLACE_AT);
  }
  if (leaseId !== '' && leaseDurationSeconds > 0) {
    const lifeMs = leaseDurationSeconds * 1000;
    return renewable
      ? { inMs: Math.max(lifeMs * RENEW_AT, DUE_MS_MIN), renew: true }
      : anew(lifeMs * REPLACE_AT);
  }
  const ttl = data?.['ttl'];
  const rotates =
    data?.['rotation_period'] !== undefined || data?.['last_vault_rotation'] !== undefined;
  // A static role: its password is another one as soon as this time is over.
  if (rotates && typeof ttl === 'number') return anew(ttl * 1000 + DUE_MS_MIN);
  return anew(staticIntervalMs * (0.95 + chance / 10));
}

/** The same for a certificate that is good from `fromMs` until `untilMs`. */
export function certificateDue(
  nowMs: number,
  fromMs: number,
  untilMs: number,
  chance: number,
): Due {
  const atMs = fromMs + (untilMs - fromMs) * (0.87 + chance * 0.05);
  return anew(atMs - nowMs);
}

function anew(inMs: number): Due {
  return { inMs: Math.max(inMs, DUE_MS_MIN), renew: false };
}
