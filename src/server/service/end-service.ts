/** What sealing and stopping do to a server in service: everything stops, the others are told, and the keys go, whatever the store does meanwhile. */
import type { Barrier } from '../../barrier/barrier.ts';
import type { Upkeep } from '../../barrier/upkeep/upkeep.ts';
import { within } from '../../core/expiry/within.ts';
import type { Unsealer } from '../../seal/unsealer.ts';
import { forgetStore } from '../assemble.ts';
import type { Assembly } from '../assemble.ts';
import type { AuditAnchors } from '../audit-anchors.ts';
import type { InstanceOptions } from '../ports/instance-options.ts';
import type { Replicas } from '../replicas/replicas.ts';
import type { SnapshotServices } from '../snapshots/snapshots.ts';
import type { Afterwards, Ending } from './ending.ts';

/** The end of the keys waits no longer than this for a store that has to be told of it. */
const HAND_OVER_MS_MAX = 2_000;

export interface InService {
  readonly options: Pick<InstanceOptions, 'audit' | 'world'>;
  readonly assembly: Assembly;
  readonly anchors: AuditAnchors;
  readonly barrier: Barrier;
  readonly replicas: Replicas | undefined;
  readonly snapshots: SnapshotServices | undefined;
  readonly unsealer: Unsealer;
  readonly upkeep: Upkeep;
}

export function endService(parts: InService, afterwards: Afterwards): Ending {
  const { assembly, snapshots, upkeep } = parts;
  // Neither is waited for: a copy that is being made, or what is under way at a database, must not hold up the end of the keys.
  snapshots?.stop().catch(() => {});
  const handedOver = handOver(parts);
  assembly.stopBackends().catch(() => {});
  const stopped = upkeep.stop();
  const wiped = wipe(parts, handedOver, afterwards);
  return { wiped, over: Promise.allSettled([handedOver, stopped]) };
}

/** All of it is for others to go on at once; without it they find out by themselves. */
async function handOver(parts: InService): Promise<void> {
  const { options, assembly, anchors, barrier, replicas } = parts;
  try {
    await assembly.expirer.stop();
    await replicas?.leave();
    await anchors.stop();
    if (!barrier.sealed) await barrier.persistUsage();
  } catch (error) {
    options.world.log.debug('not handed over', { error: String(error) });
  }
}

async function wipe(
  parts: InService,
  handedOver: Promise<void>,
  afterwards: Afterwards,
): Promise<void> {
  const { options, assembly, unsealer } = parts;
  const { clock, log } = options.world;
  const ownLog = log.named('core');
  try {
    await within(clock, HAND_OVER_MS_MAX, 'handing over', () => handedOver);
  } catch {
    ownLog.warn('sealing without having handed over: the store does not answer');
  }
  if (afterwards === 'sealed') options.audit.sealed();
  unsealer.seal();
  forgetStore(assembly);
  ownLog.info('sealed');
}
