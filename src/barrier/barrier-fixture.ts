/** What the barrier's tests share: an unsealed barrier over a store of their choice. */
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import type { World } from '../base/world.ts';
import type { Storage } from '../storage/storage.ts';
import { Barrier } from './barrier.ts';
import type { Tampering } from './encrypted-store.ts';

export const TEST_WORLD: World = {
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  fatal: (reason) => {
    throw new Error(reason);
  },
};

export const ROOT_KEY: Buffer = Buffer.alloc(32, 0x5a);

export interface OpenedBarrier<S extends Storage> {
  readonly barrier: Barrier;
  readonly storage: S;
  readonly tamperings: Tampering[];
  /** Seals and unseals, so that nothing comes from memory. */
  readonly reopen: () => Promise<void>;
}

export async function openBarrier<S extends Storage>(storage: S): Promise<OpenedBarrier<S>> {
  const tamperings: Tampering[] = [];
  const barrier = new Barrier({
    storage,
    world: TEST_WORLD,
    onTamper: (tampering) => tamperings.push(tampering),
  });
  await barrier.initialize(ROOT_KEY);
  await barrier.unseal(ROOT_KEY);
  const reopen = async (): Promise<void> => {
    barrier.seal();
    await barrier.unseal(ROOT_KEY);
  };
  return { barrier, storage, tamperings, reopen };
}
