/** The first records of a cluster, and tokens that may do everything. */
import type { World } from '../../base/world.ts';
import { bootstrapCluster, issueRootToken } from '../../core/bootstrap.ts';
import type { Services } from '../services.ts';

export interface Founding {
  readonly world: World;
  /** Of the cluster; generated without it. */
  readonly name: string | undefined;
  readonly rootTokenId: string | undefined;
}

/** Writes what every cluster has. @returns its root token. */
export async function foundCluster(
  { begin, policies, table, tokens }: Services,
  { world, name, rootTokenId }: Founding,
): Promise<string> {
  const unit = begin();
  await bootstrapCluster(unit, { world, table, policies, name });
  const token = await issueRootToken(unit, tokens, world.clock.nowMs(), rootTokenId);
  await unit.commit();
  return token;
}

/** For a quorum of key shares. */
export async function makeRootToken(
  { begin, tokens }: Services,
  { clock }: Pick<World, 'clock'>,
): Promise<string> {
  const unit = begin();
  const token = await issueRootToken(unit, tokens, clock.nowMs());
  await unit.commit();
  return token;
}
