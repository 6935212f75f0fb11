/** What the keeping of intents needs of the core. */
import type { World } from '../../base/world.ts';
import type { ExpiryQueue } from '../../leases/expiry-queue.ts';
import type { CoreUnit } from '../epoch-cache.ts';

export interface IntentPorts {
  readonly world: Pick<World, 'clock' | 'random'>;
  readonly begin: () => CoreUnit;
  readonly queue: ExpiryQueue;
  /** Throws unless the mount is in service, and makes the unit's commit depend on that. */
  readonly assertMounted: (unit: CoreUnit, mountAccessor: string) => Promise<void>;
}
