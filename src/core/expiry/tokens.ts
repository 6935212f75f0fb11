/** The end of a token, and of what it leaves: children, leases, cubbyhole. */
import type { DueEntry } from '../../leases/expiry-queue.ts';
import { isExpired } from '../../tokens/token-record.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import { wipe } from '../mounts/wipe.ts';
import { FAN_OUT, WIPE_RECORDS } from './work.ts';
import type { ExpirerPorts, Kind } from './work.ts';
import { cubbyholePrefix, cubbyholesAbroadPrefix } from '../cubbyhole.ts';

/** An orphaned parent's stub is looked at again after this. */
const STUB_CHECK_MS = 3_600_000;

type Ports = Pick<ExpirerPorts, 'tokens' | 'leases'>;

export function tokenKinds(ports: Ports): Record<'token' | 'cleanup' | 'cleanup-orphaning', Kind> {
  const { tokens } = ports;
  return {
    token: {
      async work(unit, entry, nowMs) {
        const record = await tokens.raw(unit, entry);
        if (record === undefined || record.orphaning === true) return 'done';
        if (!isExpired(record, nowMs)) return record.expiresMs === 0 ? 'done' : record.expiresMs;
        tokens.revoke(unit, record, nowMs);
        return 'done';
      },
    },
    cleanup: {
      async work(unit, entry, nowMs) {
        const children = await tokens.children(unit, entry, FAN_OUT);
        for (const child of children) {
          const record = await tokens.raw(unit, child);
          if (record !== undefined) tokens.revoke(unit, record, nowMs);
          tokens.forgetChild(unit, entry, child);
        }
        const empty = await cleanUpHoldings(ports, unit, entry, nowMs);
        return empty && children.length < FAN_OUT ? 'done' : 'again';
      },
    },
    'cleanup-orphaning': {
      async work(unit, entry, nowMs) {
        if (!(await cleanUpHoldings(ports, unit, entry, nowMs))) return 'again';
        const children = await tokens.children(unit, entry, 1);
        if (children.length > 0) return nowMs + STUB_CHECK_MS;
        tokens.deleteRaw(unit, entry);
        return 'done';
      },
    },
  };
}

/** Leases and cubbyhole of a token; true when nothing is left. */
async function cleanUpHoldings(
  { leases }: Ports,
  unit: CoreUnit,
  entry: DueEntry,
  nowMs: number,
): Promise<boolean> {
  const held = await leases.ofToken(unit, entry.namespaceId, entry.id, FAN_OUT);
  for (const lease of held) {
    const record = await leases.get(unit, lease.namespaceId, lease.id);
    // One that is being revoked may also have been given up.
    if (record !== undefined && record.revoking !== true) leases.expireNow(unit, record, nowMs);
    leases.forget(unit, entry.namespaceId, entry.id, lease);
  }
  if (held.length >= FAN_OUT) return false;
  for (const prefix of [cubbyholePrefix(entry.id), cubbyholesAbroadPrefix(entry.id)]) {
    if (!(await wipe(unit.view(entry.namespaceId, prefix), '', WIPE_RECORDS))) return false;
  }
  return true;
}
