/**
 * Secrets that an engine made outside the server for a request that then failed, or had to run again: nobody holds them. Each
 * becomes a lease that has ended already, so that its engine takes it back.
 */
import { base62 } from '../base/random.ts';
import type { LeaseGrant } from '../model/request.ts';
import type { CoreUnit } from './epoch-cache.ts';
import type { Exchange } from './exchange.ts';
import type { Parts } from './parts.ts';

export interface AbandonedSecret {
  readonly namespaceId: string;
  readonly mountAccessor: string;
  readonly path: string;
  readonly grant: LeaseGrant;
}

const RANDOM_LENGTH = 24;

/** What the last run of a request has made, if it was a leased secret. */
export function abandonedBy(exchange: Exchange): readonly AbandonedSecret[] {
  const { mount, namespace, path, reply } = exchange;
  if (reply?.lease === undefined || mount === undefined) return [];
  const { accessor: mountAccessor } = mount.entry;
  return [{ namespaceId: namespace.id, mountAccessor, path, grant: reply.lease }];
}

/** Registers them as leases that are over, in the unit of the caller. */
export function endAbandoned(
  { leases, world }: Pick<Parts, 'leases' | 'world'>,
  unit: CoreUnit,
  abandoned: readonly AbandonedSecret[],
  nowMs: number,
): void {
  for (const { namespaceId, mountAccessor, path, grant } of abandoned) {
    const id = `${path}/${base62(world.random, RANDOM_LENGTH)}`;
    leases.register(
      unit,
      { id, namespaceId, mountAccessor, tokenId: '', tokenNamespaceId: namespaceId },
      { ...grant, ttlSeconds: 0, maxTtlSeconds: 0, renewable: false },
      nowMs,
    );
  }
}
