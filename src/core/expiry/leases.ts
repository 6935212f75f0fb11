/** The end of a lease: its engine takes the secret back; what fails is tried again, and at last given to the operator. */
import { RequestError } from '../../model/errors.ts';
import type { DueEntry } from '../../leases/expiry-queue.ts';
import type { LeaseRecord } from '../../leases/lease-store.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import { dataPrefix } from '../mounts/mount-entry.ts';
import type { ExpirerPorts, Kind } from './work.ts';
import { within } from './within.ts';

/** Longest time that an engine may take to revoke one secret. */
export const REVOKE_MS_MAX = 30_000;
export const REVOKE_ATTEMPTS_MAX = 6;
/** Pause after the first failure; each further one doubles it. */
export const REVOKE_BACKOFF_MS = 10_000;

type Ports = Pick<ExpirerPorts, 'world' | 'begin' | 'leases' | 'mountOf' | 'backends'>;

export function leaseKind(ports: Ports): Kind {
  const { leases, world } = ports;
  return {
    outside: true,
    async work(unit, entry, nowMs) {
      const endMs = await beginRevocation(ports, entry, nowMs);
      if (endMs !== undefined) return endMs;
      const record = await leases.get(unit, entry.namespaceId, entry.id);
      if (record === undefined || record.irrevocable !== undefined) return 'done';
      if (entry.atMs < (record.retryMs ?? 0)) return 'done';
      await revokeAtTarget(ports, unit, record, nowMs);
      leases.delete(unit, record);
      return 'done';
    },
    async failed(unit, entry, nowMs, reason) {
      const record = await leases.get(unit, entry.namespaceId, entry.id);
      if (record === undefined) return 'done';
      const attempts = record.attempts + 1;
      world.log.warn('revocation failed', { lease_id: record.id, attempts, error: reason });
      if (record.forced === true) {
        world.log.error('lease dropped by force: its secret may still be valid', {
          lease_id: record.id,
        });
        leases.delete(unit, record);
        return 'done';
      }
      if (attempts >= REVOKE_ATTEMPTS_MAX) {
        leases.markIrrevocable(unit, { ...record, attempts }, reason);
        return 'done';
      }
      const retryMs = nowMs + REVOKE_BACKOFF_MS * 2 ** (attempts - 1);
      leases.put(unit, { ...record, attempts, retryMs });
      return retryMs;
    },
  };
}

/**
 * In a commit of its own, since what the engine takes back cannot be given back when a renewal turns out to have come between.
 * @returns the lease's end, when that is yet to come
 */
async function beginRevocation(
  { begin, leases }: Ports,
  { namespaceId, id }: DueEntry,
  nowMs: number,
): Promise<number | undefined> {
  const own = begin();
  const record = await leases.get(own, namespaceId, id);
  if (record === undefined || record.revoking === true) return undefined;
  if (record.expiresMs > nowMs) return record.expiresMs;
  leases.beginRevocation(own, record);
  await own.commit();
  return undefined;
}

/** Asks the engine; its own records change in the same commit. */
async function revokeAtTarget(
  { world, backends, mountOf }: Ports,
  unit: CoreUnit,
  record: LeaseRecord,
  nowMs: number,
): Promise<void> {
  const mount = await mountOf(unit, record.namespaceId, record.mountAccessor);
  if (mount === undefined) throw new RequestError('internal', 'the mount of the lease is gone');
  const secret = (await backends(mount))?.secrets?.[record.secretType];
  if (secret === undefined)
    throw new RequestError('internal', 'the engine cannot revoke this kind of secret');
  const view = unit.view(record.namespaceId, dataPrefix(mount));
  const { id: leaseId, internal, maxExpiresMs } = record;
  await within(world.clock, REVOKE_MS_MAX, 'the revocation', () =>
    secret.revoke(
      { leaseId, internal, incrementSeconds: 0, maxExpiresMs, defaultTtlSeconds: 0, nowMs },
      view,
    ),
  );
}
