/** Who reads which version of a secret with a rotation: those who will be affected, and those who are late. */
import type { Reader, Transaction } from '../../../model/transaction.ts';

const READERS = 'rotation-readers/';
/** Readers that are kept for one secret; those who came last. */
const READERS_MAX = 200;
/** A reader who comes again with the same version is written down anew after this. */
const FRESH_MS = 3_600_000;

export interface SeenReader {
  /** What the token was called, and its entity; '' = none. */
  readonly name: string;
  readonly entityId: string;
  readonly version: number;
  readonly lastMs: number;
}

export async function readersOf(store: Reader, path: string): Promise<readonly SeenReader[]> {
  return (await store.getJson<SeenReader[]>(READERS + path)) ?? [];
}

export function forgetReaders(store: Transaction, path: string): void {
  store.delete(READERS + path);
}

/** Notes readers; false when there was nothing new. */
export async function noteReaders(
  store: Transaction,
  path: string,
  seen: readonly SeenReader[],
): Promise<boolean> {
  const before = await readersOf(store, path);
  const byKey = new Map(before.map((reader) => [keyOf(reader), reader]));
  let changed = false;
  for (const reader of seen) {
    const known = byKey.get(keyOf(reader));
    if (known?.version === reader.version && reader.lastMs - known.lastMs < FRESH_MS) continue;
    byKey.set(keyOf(reader), reader);
    changed = true;
  }
  if (!changed) return false;
  const latest = [...byKey.values()].toSorted((a, b) => b.lastMs - a.lastMs);
  store.putJson(READERS + path, latest.slice(0, READERS_MAX));
  return true;
}

function keyOf({ name, entityId }: SeenReader): string {
  return JSON.stringify([entityId, name]);
}
