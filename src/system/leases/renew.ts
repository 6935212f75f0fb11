/** `sys/leases/renew`: a longer life, within the maximum that the lease was born with. */
import { dataPrefix } from '../../core/mounts/mount-entry.ts';
import type { LeaseRecord } from '../../leases/lease-store.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import { ttlSeconds } from '../../tokens/token-record.ts';
import { coreUnit } from '../mounts/ports.ts';
import { idOf, leaseId, tokenOf, urlLeaseId } from './ports.ts';
import type { LeaseFields, LeasePorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

async function renew(
  ports: LeasePorts,
  unit: Unit,
  request: Request<LeaseFields & { readonly increment: number }>,
): Promise<Reply> {
  const id = idOf(request);
  const lease = await ports.leases.get(unit, request.namespace.id, id);
  if (lease === undefined) {
    if ((await tokenOf(ports, unit, request, id)) !== undefined)
      throw invalidRequest('tokens cannot be renewed through this endpoint');
    throw invalidRequest('lease not found');
  }
  // A request that runs again may have come before the revocation: its time tells nothing.
  if (lease.revoking === true || request.nowMs >= lease.expiresMs)
    throw invalidRequest('lease expired');
  if (!lease.renewable) throw invalidRequest('lease is not renewable');
  const mount = await ports.mountByAccessor(coreUnit(unit), lease.mountAccessor);
  const secret = mount?.backend.secrets?.[lease.secretType];
  if (mount === undefined || secret?.renew === undefined)
    throw invalidRequest('lease is not renewable');
  const granted = await secret.renew(
    {
      leaseId: id,
      internal: lease.internal,
      incrementSeconds: request.fields.increment,
      maxExpiresMs: lease.maxExpiresMs,
      defaultTtlSeconds: mount.ref.defaultLeaseTtlSeconds,
      nowMs: request.nowMs,
    },
    unit.view(lease.namespaceId, dataPrefix(mount.entry)),
  );
  const wantedSeconds =
    request.fields.increment || granted.ttlSeconds || mount.ref.defaultLeaseTtlSeconds;
  const expiresMs = Math.min(
    request.nowMs + wantedSeconds * 1000,
    lease.maxExpiresMs,
    // The engine's bounds may have become narrower since.
    lease.issuedMs + (granted.maxTtlSeconds || Number.POSITIVE_INFINITY) * 1000,
  );
  if (expiresMs - request.nowMs < 1000) throw invalidRequest('past the max TTL, cannot renew');
  const renewed: LeaseRecord = { ...lease, expiresMs, lastRenewalMs: request.nowMs };
  ports.leases.put(unit, renewed);
  if (expiresMs < lease.expiresMs) ports.leases.reschedule(unit, renewed);
  return {
    data: null,
    issuedLease: { id, renewable: true, durationSeconds: ttlSeconds(renewed, request.nowMs) },
  };
}

export function leaseRenewPath(ports: LeasePorts): Path<Unit> {
  const increment = {
    kind: 'duration_seconds',
    description: 'How long the lease should last from now.',
    default: 0,
  } as const;
  return defineSystemPath({
    pattern: 'leases/renew[/{url_lease_id..+}]',
    fields: { lease_id: leaseId, url_lease_id: urlLeaseId, increment },
    help: { synopsis: 'Renews a lease.' },
    operations: {
      update: {
        summary: 'Renew a lease',
        handler: (request, unit) => renew(ports, unit, request),
        outsideEffects: true,
      },
    },
  });
}
