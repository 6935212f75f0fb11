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
/** A certificate is replaced when this part of its life is over, or a little later. */
const CERTIFICATE_AT = 0.87;
const CERTIFICATE_SPREAD = 0.05;
/** One that was just issued is kept for this part of its life, whatever the clock says. */
const FRESH_PART_MIN = 0.05;

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

export interface CertificateLife {
  readonly fromMs: number;
  readonly untilMs: number;
  /** It was issued a moment ago; otherwise it was found. */
  readonly isFresh: boolean;
}

/**
 * The same for a certificate. Its times are those of the server; where they do not fit to the clock of this machine, that is
 * wrong, and must neither keep the certificate beyond its end nor ask for a new one every second.
 */
export function certificateDue(
  nowMs: number,
  { fromMs, untilMs, isFresh }: CertificateLife,
  chance: number,
): Due {
  const lifeMs = untilMs - fromMs;
  const partMs = lifeMs * (CERTIFICATE_AT + chance * CERTIFICATE_SPREAD);
  const inMs = Math.min(fromMs + partMs - nowMs, partMs);
  return anew(isFresh ? Math.max(inMs, lifeMs * FRESH_PART_MIN) : inMs);
}

function anew(inMs: number): Due {
  return { inMs: Math.max(inMs, DUE_MS_MIN), renew: false };
}
