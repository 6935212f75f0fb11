/** What removed mounts, deleted namespaces and moved mounts leave to do once their tokens and leases have ended. */
import type { CoreUnit } from '../epoch-cache.ts';
import { dataPrefix } from '../mounts/mount-entry.ts';
import type { MountEntry } from '../mounts/mount-entry.ts';
import { ROUTING_SCOPE } from '../mounts/mount-table.ts';
import { getMigration, moveStep } from '../mounts/mover.ts';
import { deleteNamespaceRecord } from '../mounts/namespaces.ts';
import { wipe } from '../mounts/wipe.ts';
import { anyBelow } from './below.ts';
import { FAN_OUT, GONE_PREFIX, WIPE_RECORDS } from './work.ts';
import type { ExpirerPorts, Kind } from './work.ts';

/** A removed mount whose clean-up is under way. */
export interface GoneMount extends MountEntry {
  /** Its namespace is being deleted: nobody can act on what cannot be revoked. */
  readonly withNamespace?: boolean;
}

export function placeKinds(ports: ExpirerPorts): Record<'unmount' | 'namespace' | 'move', Kind> {
  const { table, shred } = ports;
  return {
    unmount: {
      async work(unit, entry, nowMs) {
        const gone = unit.view(entry.namespaceId, GONE_PREFIX);
        const mount = await gone.getJson<GoneMount>(entry.id);
        if (mount === undefined) return 'done';
        // What is half done outside becomes a lease, or needs the mount's data.
        const lookMs = await ports.intents.openUntilMs(unit, mount.accessor, nowMs);
        if (lookMs !== undefined) return lookMs;
        if (await anyBelow(ports, unit, entry.namespaceId, mount.path)) {
          // The leases are being revoked at their targets; the mount's own data must wait for them.
          if (mount.withNamespace === true) await dropIrrevocable(ports, unit, entry.namespaceId);
          return unit.dirty ? 'again' : 'waiting';
        }
        const data = unit.view(entry.namespaceId, dataPrefix(mount));
        if (!(await wipe(data, '', WIPE_RECORDS))) return 'again';
        gone.delete(entry.id);
        return 'done';
      },
    },
    namespace: {
      async work(unit, entry) {
        const gone = await unit.view(entry.namespaceId, GONE_PREFIX).list('', { limit: 1 });
        if (gone.length > 0) return 'waiting';
        if (!(await wipe(unit.view(entry.namespaceId, ''), '', WIPE_RECORDS))) return 'again';
        shred(unit, entry.namespaceId);
        deleteNamespaceRecord(unit, entry.namespaceId);
        unit.bumpEpoch(ROUTING_SCOPE);
        return 'done';
      },
    },
    move: {
      async work(unit, entry, nowMs) {
        const migration = await getMigration(unit, entry.id);
        if (migration === undefined || migration.status !== 'in-progress') return 'done';
        const lookMs = await ports.intents.openUntilMs(unit, migration.entry.accessor, nowMs);
        if (lookMs !== undefined) return lookMs;
        if (await anyBelow(ports, unit, entry.namespaceId, migration.entry.path)) return 'waiting';
        return (await moveStep(unit, table, entry.id, migration)) ? 'done' : 'again';
      },
    },
  };
}

/** Nobody can reach a namespace that is being deleted, so what could not be revoked there is told and dropped. */
async function dropIrrevocable(
  { leases, world }: ExpirerPorts,
  unit: CoreUnit,
  namespaceId: string,
): Promise<void> {
  for (const id of await leases.irrevocable(unit, namespaceId, FAN_OUT)) {
    const record = await leases.get(unit, namespaceId, id);
    if (record === undefined) continue;
    world.log.error('lease dropped with its namespace: its secret may still be valid', {
      lease_id: id,
    });
    leases.delete(unit, record);
  }
}
