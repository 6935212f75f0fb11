/** Those who wait until what their own request has set off is worked off. */
import type { DueEntry } from '../../leases/expiry-queue.ts';

/** What has been due for so long is being tried again and again; nobody waits for it. */
const OLD_MS = 5_000;

/** Someone who waits for what is due. */
export interface Settler {
  readonly sinceMs: number;
  /** What was under way before is not waited for. */
  readonly busyBefore: ReadonlySet<string>;
  /** The queue was read since. */
  looked: boolean;
  done: boolean;
  resolve?: () => void;
}

/** Not old business already when somebody began to wait. */
export function isNewsTo({ sinceMs }: Settler, { atMs }: DueEntry): boolean {
  return atMs > sinceMs - OLD_MS;
}
