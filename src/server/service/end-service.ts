/** What sealing does to a server in service: everything stops, the others are told, and the keys go. */
import type { Upkeep } from '../../barrier/upkeep/upkeep.ts';
import type { Unsealer } from '../../seal/unsealer.ts';
import { forgetStore } from '../assemble.ts';
import type { Assembly } from '../assemble.ts';
import type { AuditAnchors } from '../audit-anchors.ts';
import type { InstanceOptions } from '../ports/instance-options.ts';
import type { Replicas } from '../replicas/replicas.ts';
import type { SnapshotServices } from '../snapshots/snapshots.ts';

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
  // Neither is waited for: a copy that is being made, or what is under way at a database, must not hold up the end of the keys.
  snapshots?.stop().catch(() => {});
  await assembly.expirer.stop();
  assembly.stopBackends().catch(() => {});
  await replicas?.leave();
  await anchors.stop();
  const stopped = upkeep.stop();
  options.audit.sealed();
  unsealer.seal();
  await stopped;
  forgetStore(assembly);
  options.world.log.named('core').info('sealed');
}
