/**
 * Ends everything below a path: tokens that were made there and leases of its secrets. The work goes on step by step from
 * where the last one stopped, so that a million leases are walked through once.
 */
import type { Unit } from '../../model/transaction.ts';
import type { DueEntry, ExpiryQueue } from '../../leases/expiry-queue.ts';
import type { LeaseStore } from '../../leases/lease-store.ts';
import type { TokenStore } from '../../tokens/token-store.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import { pathsBelow } from './paths-below.ts';
import { FAN_OUT } from './work.ts';
import type { ExpirerPorts, Kind, Outcome } from './work.ts';

type Ports = Pick<ExpirerPorts, 'tokens' | 'leases' | 'queue'>;

/** Where the walk is; the id of the entry, as JSON. */
interface Walk {
  readonly prefix: string;
  /** Leases are dropped even when their engine cannot revoke them. */
  readonly force: boolean;
  readonly part: 'tokens' | 'leases';
  /** The last path that was taken up, below the prefix. */
  readonly after: string;
}

/** Schedules the end of all that lies below `prefix` (which is '' or ends in '/') in a namespace. */
export function endBelow(
  queue: ExpiryQueue,
  unit: Unit,
  namespaceId: string,
  prefix: string,
  nowMs: number,
  force: boolean,
): void {
  proceed(queue, unit, namespaceId, nowMs, { prefix, force, part: 'tokens', after: '' });
}

function proceed(
  queue: ExpiryQueue,
  unit: Unit,
  namespaceId: string,
  nowMs: number,
  walk: Walk,
): void {
  queue.schedule(unit, { kind: 'end-below', namespaceId, id: JSON.stringify(walk) }, nowMs);
}

/** Whether a token or lease is left below a path. */
export async function anyBelow(
  { tokens, leases }: { readonly tokens: TokenStore; readonly leases: LeaseStore },
  unit: Unit,
  namespaceId: string,
  prefix: string,
): Promise<boolean> {
  const one = { limit: 1 };
  if ((await leases.list(unit, namespaceId, prefix, one)).length > 0) return true;
  return (await tokens.listLeases(unit, namespaceId, prefix, one)).length > 0;
}

/** Entries that are looked at for a step of a walk. */
const STEPS_SOUGHT = 1000;

/**
 * Whether something is left of what was there when the end of all below `prefix` began: a step of the walk, or a lease that is
 * yet to be revoked. What has been made there since is none of its business.
 */
export async function isEndingBelow(
  { queue, leases }: Ports,
  unit: Unit,
  namespaceId: string,
  prefix: string,
  nowMs: number,
): Promise<boolean> {
  const entries = await queue.earliest(unit, STEPS_SOUGHT);
  for (const { kind, namespaceId: where, id } of entries) {
    if (kind !== 'end-below' || where !== namespaceId) continue;
    if ((JSON.parse(id) as Walk).prefix === prefix) return true;
  }
  const last = entries.at(-1);
  if (entries.length === STEPS_SOUGHT && last !== undefined && last.atMs <= nowMs) return true;
  for (let after = ''; ;) {
    const paths = await pathsBelow(
      (folder, page) => leases.list(unit, namespaceId, prefix + folder, page),
      after,
      FAN_OUT,
    );
    for (const path of paths) {
      const record = await leases.get(unit, namespaceId, prefix + path);
      if (record?.revoking === true) return true;
    }
    if (paths.length < FAN_OUT) return false;
    after = paths.at(-1) ?? '';
  }
}

export function endBelowKind(ports: Ports): Kind {
  return {
    async work(unit, entry, nowMs) {
      const walk = JSON.parse(entry.id) as Walk;
      const next =
        walk.part === 'tokens'
          ? await endTokens(ports, unit, entry, walk, nowMs)
          : await endLeases(ports, unit, entry, walk, nowMs);
      if (next !== undefined) proceed(ports.queue, unit, entry.namespaceId, nowMs, next);
      return 'done' satisfies Outcome;
    },
  };
}

async function endTokens(
  { tokens }: Ports,
  unit: CoreUnit,
  { namespaceId }: DueEntry,
  walk: Walk,
  nowMs: number,
): Promise<Walk> {
  const { prefix } = walk;
  const paths = await pathsBelow(
    (folder, page) => tokens.listLeases(unit, namespaceId, prefix + folder, page),
    walk.after,
    FAN_OUT,
  );
  for (const path of paths) {
    const ref = await tokens.byLeaseId(unit, namespaceId, prefix + path);
    const record = ref === undefined ? undefined : await tokens.raw(unit, ref);
    if (record !== undefined) tokens.revoke(unit, record, nowMs);
    else tokens.forgetLease(unit, namespaceId, prefix + path);
  }
  const last = paths.at(-1);
  return paths.length < FAN_OUT || last === undefined
    ? { ...walk, part: 'leases', after: '' }
    : { ...walk, after: last };
}

async function endLeases(
  { leases }: Ports,
  unit: CoreUnit,
  { namespaceId }: DueEntry,
  walk: Walk,
  nowMs: number,
): Promise<Walk | undefined> {
  const { prefix, force } = walk;
  const paths = await pathsBelow(
    (folder, page) => leases.list(unit, namespaceId, prefix + folder, page),
    walk.after,
    FAN_OUT,
  );
  for (const path of paths) {
    const record = await leases.get(unit, namespaceId, prefix + path);
    if (record !== undefined) leases.expireNow(unit, record, nowMs, force);
  }
  const last = paths.at(-1);
  return paths.length < FAN_OUT || last === undefined ? undefined : { ...walk, after: last };
}
