/** Counts leases and login tokens below a path, as far as a quota needs to know. */
import type { QuotaWorld } from '../../core/quotas/keeper.ts';
import type { LeaseStore } from '../../leases/lease-store.ts';
import type { ListPage, Unit } from '../../model/transaction.ts';
import type { TokenStore } from '../../tokens/token-store.ts';

type Lister = (
  unit: Unit,
  namespaceId: string,
  prefix: string,
  page: ListPage,
) => Promise<readonly string[]>;

export function leaseCounter(leases: LeaseStore, tokens: TokenStore): QuotaWorld['countLeases'] {
  return async (unit, namespaceId, prefix, max) => {
    const ofSecrets = await countBelow(leases.list.bind(leases), unit, namespaceId, prefix, max);
    if (ofSecrets >= max) return max;
    const ofTokens = await countBelow(
      tokens.listLeases.bind(tokens),
      unit,
      namespaceId,
      prefix,
      max - ofSecrets,
    );
    return ofSecrets + ofTokens;
  };
}

async function countBelow(
  list: Lister,
  unit: Unit,
  namespaceId: string,
  prefix: string,
  max: number,
): Promise<number> {
  let count = 0;
  const folders = [prefix];
  for (let folder = folders.pop(); folder !== undefined && count < max; folder = folders.pop()) {
    for (const name of await list(unit, namespaceId, folder, { limit: max })) {
      if (name.endsWith('/')) folders.push(folder + name);
      else count++;
    }
  }
  return Math.min(count, max);
}
