/** When everything has come to rest: nothing is under way, due, or left over of what is over. */
import type { Cluster } from './cluster.ts';
import { INTENTS, queueEntryOf } from './stored-keys.ts';
import { EPOCH_MS } from './world/machine.ts';

/** How long what is left of leases, intents and failed attempts may take to be cleared away. */
export const REST_MS_MAX = 600_000;
const LOOK_MS = 2_000;
/** Names of accounts that are lent, and of those that are lent for longer than a run takes. */
const LENT = 'v-';
export const LENT_LONG = 'v-long-';
/** The end of a lease that is due within this is being tried again, or near. */
const SOON_MS = 1_200_000;
/** What the end of a place has set off, step by step. */
const ENDING = new Set(['unmount', 'namespace', 'move', 'end-below', 'cleanup']);

/** `nothing lent`: also what was lent for long has to be gone. */
export type Rest = 'nothing under way' | 'nothing lent';

/** What is under way or left over; '' = nothing. */
export function unrest(
  { storedKeys, target, scheduler, underWay }: Cluster,
  wanted: Rest = 'nothing under way',
): string {
  const nowMs = EPOCH_MS + scheduler.nowMs;
  if (underWay > 0) return 'a request';
  if (target.underWay > 0) return 'a call at the target';
  for (const name of target.accounts.keys()) {
    if (!name.startsWith(LENT)) continue;
    if (wanted === 'nothing lent' || !name.startsWith(LENT_LONG)) return `account ${name}`;
  }
  for (const key of storedKeys) {
    if (key.startsWith(INTENTS)) return 'an intent';
    const entry = queueEntryOf(key);
    if (entry === undefined) continue;
    if (entry.kind === 'lease' && entry.atMs <= nowMs + SOON_MS) return 'a lease in the queue';
    if (entry.atMs <= nowMs) return `overdue: ${entry.kind}`;
    if (wanted === 'nothing lent' && ENDING.has(entry.kind)) return `unfinished: ${entry.kind}`;
  }
  return '';
}

/** Waits for it; tells what is left after {@link REST_MS_MAX}. */
export async function comeToRest(cluster: Cluster, wanted: Rest): Promise<void> {
  const { scheduler, problems } = cluster;
  const untilMs = scheduler.nowMs + REST_MS_MAX;
  while (unrest(cluster, wanted) !== '' && scheduler.nowMs < untilMs) {
    await scheduler.sleep(LOOK_MS, 'look');
  }
  const left = unrest(cluster, wanted);
  if (left !== '') problems.push(`still there after ${REST_MS_MAX / 1000} s: ${left}`);
}
