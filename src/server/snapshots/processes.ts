/** Who works on the store, as the keeping of loaded snapshots needs to know it. */
import type { Processes } from '../../snapshots/loaded.ts';
import type { Replicas } from '../replicas/replicas.ts';

const ALONE: Processes = { id: 'this', alive: async () => new Map([['this', 'this server']]) };

/** @param replicas undefined where no other process can work on the store. */
export function processesOf(replicas: Replicas | undefined): Processes {
  if (replicas === undefined) return ALONE;
  return {
    id: replicas.id,
    alive: async (unit) => {
      const nodes = await replicas.nodes(unit);
      return new Map(nodes.map(({ id, apiAddress, hostname }) => [id, apiAddress || hostname]));
    },
  };
}
