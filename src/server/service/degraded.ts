/** What keeps a server from serving as it should: the word that `sys/health` says for it. */
import type { SteadyClock } from '../../base/steady-clock.ts';
import type { Upkeep } from '../../barrier/upkeep/upkeep.ts';
import type { AuditBroker } from '../../audit/broker.ts';
import type { SnapshotServices } from '../snapshots/snapshots.ts';

export interface Watched {
  readonly audit: Pick<AuditBroker, 'health'>;
  readonly steadyClock?: Pick<SteadyClock, 'offMs'>;
}

/** The gravest first. */
export function degraded(
  { audit, steadyClock }: Watched,
  { integrity }: Pick<Upkeep, 'integrity'>,
  snapshots: SnapshotServices | undefined,
): string | undefined {
  if (audit.health.degraded) return 'audit';
  if (integrity.faults.length > 0) return 'integrity';
  if (snapshots?.keeper.failing === true) return 'snapshots';
  return (steadyClock?.offMs ?? 0) === 0 ? undefined : 'clock';
}
