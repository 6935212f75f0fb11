/** What the paths of leases need of the core, and how a lease is named in a request. */
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import type { Mount } from '../../core/mounts/mount-table.ts';
import type { ExpiryQueue } from '../../leases/expiry-queue.ts';
import type { LeaseStore } from '../../leases/lease-store.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import type { TokenStore } from '../../tokens/token-store.ts';

export interface LeasePorts {
  readonly leases: LeaseStore;
  readonly tokens: TokenStore;
  readonly mountByAccessor: (unit: CoreUnit, accessor: string) => Promise<Mount | undefined>;
  readonly queue: ExpiryQueue;
}

/** Most names in one answer. */
export const NAMES_MAX = 10_000;
export const leaseId = { kind: 'string', description: 'Id of the lease.' } as const;
export const urlLeaseId = {
  kind: 'string',
  description: 'Id of the lease, as part of the path.',
} as const;

export interface LeaseFields {
  readonly lease_id?: string | undefined;
  readonly url_lease_id?: string | undefined;
}

/** A number is no id, although it could be written as one. @throws {RequestError} */
export function idOf(request: Request<LeaseFields>): string {
  const sent = request.data['lease_id'] ?? '';
  if (typeof sent !== 'string') throw invalidRequest('invalid lease ID');
  const id =
    request.fields.lease_id === undefined || request.fields.lease_id === ''
      ? request.fields.url_lease_id
      : request.fields.lease_id;
  if (id === undefined || id === '') throw invalidRequest('lease_id must be specified');
  return id;
}

/** The token behind a lease id, looked up only in the caller's namespace (CVE-2026-45808). */
export async function tokenOf(
  ports: LeasePorts,
  unit: Unit,
  request: Request<unknown>,
  id: string,
): Promise<Stored<TokenRecord> | undefined> {
  const ref = await ports.tokens.byLeaseId(unit, request.namespace.id, id);
  return ref === undefined ? undefined : await ports.tokens.byRef(unit, ref, request.nowMs);
}

export function asPrefix(text: string | undefined): string {
  const trimmed = (text ?? '').replace(/\/+$/, '');
  return trimmed === '' ? '' : `${trimmed}/`;
}
