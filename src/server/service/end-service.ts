/** What sealing does to a server in service: everything stops, the others are told, and the keys go, whatever the store does meanwhile. */
import type { Upkeep } from '../../barrier/upkeep/upkeep.ts';
import { within } from '../../core/expiry/within.ts';
import type { Unsealer } from '../../seal/unsealer.ts';
import { forgetStore } from '../assemble.ts';
import type { Assembly } from '../assemble.ts';
import type { AuditAnchors } from '../audit-anchors.ts';
import type { InstanceOptions } from '../ports/instance-options.ts';
import type { Replicas } from '../replicas/replicas.ts';
import type { SnapshotServices } from '../snapshots/snapshots.ts';

/** The end of the keys waits no longer than this for a store that has to be told of it. */
const HAND_OVER_MS_MAX = 2_000;

export interface InService {
  readonly options: Pick<InstanceOptions, 'audit' | 'world'>;
  readonly assembly: Assembly;
  readonly anchors: AuditAnchors;
  readonly replicas: Replicas | undefined;
  readonly snapshots: SnapshotServices | undefined;
  readonly unsealer: Unsealer;
  readonly upkeep: Upkeep;
}

export async function endService(parts: InService): Promise<void> {
  const { options, assembly, anchors, replicas, snapshots, unsealer, upkeep } = parts;
  const { clock, log } = options.world;
  // Neither is waited for: a copy that is being made, or what is under way at a database, must not hold up the end of the keys.
  snapshots?.stop().catch(() => {});
  const handedOver = within(clock, HAND_OVER_MS_MAX, 'handing over', async () => {
    await assembly.expirer.stop();
    await replicas?.leave();
    await anchors.stop();
  });
  assembly.stopBackends().catch(() => {});
  await handedOver.catch((error: unknown) => {
    log.warn('sealing without having handed over', { error: String(error) });
  });
  const stopped = upkeep.stop();
  options.audit.sealed();
  unsealer.seal();
  await stopped;
  forgetStore(assembly);
  log.named('core').info('sealed');
}
