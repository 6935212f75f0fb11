/** How long requests wait for approvals, by namespace. */
import type { Unit } from '../../model/transaction.ts';

/** Without any other word. */
export const APPROVAL_TTL_SECONDS = 86_400;
const PREFIX = 'core/control-group/';
const KEY = 'config';

interface Settings {
  readonly maxTtlSeconds: number;
}

export async function approvalMaxTtlSeconds(unit: Unit, namespaceId: string): Promise<number> {
  const settings = await unit.view(namespaceId, PREFIX).getRecord<Settings>(KEY);
  return settings?.maxTtlSeconds ?? APPROVAL_TTL_SECONDS;
}

/** Undefined puts the usual time back. */
export function putApprovalMaxTtl(
  unit: Unit,
  namespaceId: string,
  maxTtlSeconds: number | undefined,
): void {
  const view = unit.view(namespaceId, PREFIX);
  if (maxTtlSeconds === undefined) view.delete(KEY);
  else view.putJson(KEY, { maxTtlSeconds } satisfies Settings);
}
