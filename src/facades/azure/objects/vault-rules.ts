/** What a vault promises about deleted objects, and how that is written in its answers. */
import type { Retention } from '../../../model/tasks/secret-task.ts';
import { AzureError } from '../wire/errors.ts';
import type { ObjectKind } from '../wire/errors.ts';

const RECOVERABLE_DAYS_MAX = 90;
const DEFAULT_RETENTION: Retention = { recoveryDays: 90, purgeProtection: false };
const DAY_MS = 86_400_000;

/** Times as this API has them. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

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

const COLLECTIONS: Readonly<Record<ObjectKind, string>> = {
  secret: 'deletedsecrets',
  key: 'deletedkeys',
  certificate: 'deletedcertificates',
};

/** What stands beside an object that can be recovered. */
export function deletionOf(
  vault: Vault,
  kind: ObjectKind,
  name: string,
  { deletedMs, purgeMs }: { readonly deletedMs?: number; readonly purgeMs?: number },
): Record<string, unknown> {
  return {
    recoveryId: `${vault.base}/${COLLECTIONS[kind]}/${name}`,
    ...(deletedMs === undefined ? {} : { deletedDate: seconds(deletedMs) }),
    ...(purgeMs === undefined ? {} : { scheduledPurgeDate: seconds(purgeMs) }),
  };
}

/** @throws {AzureError} */
export function assertPurgeable({ retention }: Vault): void {
  if (!retention.purgeProtection) return;
  throw new AzureError(
    403,
    'Forbidden',
    'Operation purge is not allowed because purge protection is enabled for this vault.',
    { inner: 'ForbiddenByPolicy' },
  );
}

export function purgeTimeMs({ retention }: Vault, nowMs: number): number {
  return nowMs + retention.recoveryDays * DAY_MS;
}
