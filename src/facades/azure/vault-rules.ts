/** What a vault promises about deleted objects, and how that is written in its answers. */
import type { Retention } from '../../model/secret-task.ts';

const RECOVERABLE_DAYS_MAX = 90;
const DEFAULT_RETENTION: Retention = { recoveryDays: 90, purgeProtection: false };
const DAY_MS = 86_400_000;

/** A vault: how its ids begin, and what it promises. */
export interface Vault {
  /** `https://host[:port]`, as the client wrote it. */
  readonly base: string;
  readonly retention: Retention;
}

/** The vault of a request, with what the binding that led here promises. */
export function vaultAt(base: string, desk: { readonly retention: Retention | undefined }): Vault {
  return { base, retention: desk.retention ?? DEFAULT_RETENTION };
}

export function recoveryAttributes({ retention }: Vault): Record<string, unknown> {
  const customized = retention.recoveryDays < RECOVERABLE_DAYS_MAX ? 'Customized' : '';
  const level = retention.purgeProtection ? 'Recoverable' : 'Recoverable+Purgeable';
  return {
    recoveryLevel: `${customized}${level}`,
    recoverableDays: retention.recoveryDays,
  };
}

export function purgeTimeMs({ retention }: Vault, nowMs: number): number {
  return nowMs + retention.recoveryDays * DAY_MS;
}
