/** What a new cluster is born with: the root namespace's mounts, the default policy, a root token. */
import type { World } from '../base/world.ts';
import type { PolicyStore } from '../policy/policy-store.ts';
import type { TokenStore } from '../tokens/token-store.ts';
import { builtinMounts } from './mounts/builtin-mounts.ts';
import type { CoreUnit } from './epoch-cache.ts';
import type { MountTable } from './mounts/mount-table.ts';
import { ROOT_NAMESPACE_ID } from '../model/principal.ts';

const CLUSTER_PREFIX = 'core/cluster/';

export interface ClusterRecord {
  readonly name: string;
}

export async function clusterRecord(unit: CoreUnit): Promise<ClusterRecord> {
  const record = await unit
    .view(ROOT_NAMESPACE_ID, CLUSTER_PREFIX)
    .getRecord<ClusterRecord>('identity');
  return record ?? { name: '' };
}

/** Writes the first records of a cluster. Not committed here. */
export interface BootstrapParts {
  readonly world: World;
  readonly table: MountTable;
  readonly policies: PolicyStore;
  /** Of the cluster; made up when undefined. */
  readonly name: string | undefined;
}

export async function bootstrapCluster(unit: CoreUnit, parts: BootstrapParts): Promise<void> {
  const { world, table, policies } = parts;
  for (const entry of builtinMounts(world.random, ROOT_NAMESPACE_ID)) table.put(unit, entry);
  await policies.initialize(unit, ROOT_NAMESPACE_ID, world.clock.nowMs());
  const name = parts.name ?? `strongroom-cluster-${world.random.bytes(4).toString('hex')}`;
  unit
    .view(ROOT_NAMESPACE_ID, CLUSTER_PREFIX)
    .putJson('identity', { name } satisfies ClusterRecord);
}

/** A root token; with `customId` the text is the caller's own (dev mode). */
export async function issueRootToken(
  unit: CoreUnit,
  tokens: TokenStore,
  nowMs: number,
  /** Dev mode: the token's text is the caller's, and the record looks as if it had been created. */
  customId?: string,
): Promise<string> {
  const { clientToken } = await tokens.issue(
    unit,
    {
      type: 'service',
      namespaceId: ROOT_NAMESPACE_ID,
      parent: undefined,
      policies: ['root'],
      path: customId === undefined ? 'auth/token/root' : 'auth/token/create',
      displayName: customId === undefined ? 'root' : 'token',
      metadata: null,
      ttlSeconds: 0,
      explicitMaxTtlSeconds: 0,
      periodSeconds: 0,
      renewable: false,
      numUses: 0,
      role: '',
      entityId: '',
      boundCidrs: [],
      strictlyBindIp: false,
      noDefaultPolicy: false,
      internal: null,
      mountAccessor: '',
      maxTtlSeconds: 0,
      ...(customId === undefined ? {} : { customId }),
    },
    nowMs,
  );
  return clientToken;
}
