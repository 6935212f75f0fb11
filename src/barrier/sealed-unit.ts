/** The unit of a sealed barrier: paths that answer while sealed get it and have no use for it. */
import type { BarrierUnit } from './barrier-unit.ts';
import { sealedError } from './keys/live-keys.ts';

function refuse(): never {
  throw sealedError();
}

async function refuseLater(): Promise<never> {
  throw sealedError();
}

export const SEALED_UNIT: BarrierUnit = {
  dirty: false,
  view: refuse,
  preload: refuseLater,
  epoch: refuseLater,
  bumpEpoch: refuse,
  createNamespaceKey: refuse,
  shredNamespaceKey: refuse,
  outdated: async () => undefined,
  commit: async () => undefined,
};
