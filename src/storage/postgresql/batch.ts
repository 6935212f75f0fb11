/** Decides the commits of one batch, in their order, over a known state: which hold, and what they write together. */
import { assertWrites } from '../limits.ts';
import { ConflictError } from '../storage.ts';
import type { Commit, Entry } from '../storage.ts';
import type { Place } from './mirror.ts';
import type { Batch } from './statements.ts';

/** A commit that waits for its outcome. */
export interface Pending {
  readonly commit: Commit;
  /** Length of its values, in bytes. */
  readonly bytes: number;
  readonly untilMs: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface Decided {
  /** What the batch leaves behind; undefined = deleted. */
  readonly writes: ReadonlyMap<string, Entry | undefined>;
  /** Commits that hold if the writes become durable. */
  readonly accepted: readonly Pending[];
  /** Commits that cannot be, and why: lost already, whatever becomes of this batch. */
  readonly refused: readonly (readonly [Pending, unknown])[];
  /** Commits that lose to one of this batch: only true once that is durable. */
  readonly beaten: readonly (readonly [Pending, ConflictError])[];
}

/** Every key whose present state decides over the commits. */
export function keysOf(batch: readonly Pending[]): Set<string> {
  const keys = new Set<string>();
  for (const { commit } of batch) {
    for (const { key } of commit.checks) keys.add(key);
    for (const key of commit.amend?.keys ?? []) keys.add(key);
  }
  return keys;
}

/** @param base the state; it must be known for all of {@link keysOf}. */
export function decide(
  batch: readonly Pending[],
  base: ReadonlyMap<string, Entry | undefined>,
): Decided {
  const writes = new Map<string, Entry | undefined>();
  const accepted: Pending[] = [];
  const refused: [Pending, unknown][] = [];
  const beaten: [Pending, ConflictError][] = [];
  const newest = (key: string): Entry | undefined =>
    writes.has(key) ? writes.get(key) : base.get(key);
  for (const pending of batch) {
    const { checks, puts, deletes, amend } = pending.commit;
    const failed = checks.find((check) => newest(check.key)?.revision !== check.revision);
    if (failed !== undefined) {
      const conflict = new ConflictError(failed.key);
      if (writes.has(failed.key)) beaten.push([pending, conflict]);
      else refused.push([pending, conflict]);
      continue;
    }
    try {
      const amended = amend?.apply(amend.keys.map(newest)) ?? [];
      const all = amended.length === 0 ? puts : [...puts, ...amended];
      assertWrites(all, deletes);
      for (const entry of all) writes.set(entry.key, entry);
      for (const key of deletes) writes.set(key, undefined);
      accepted.push(pending);
    } catch (error) {
      refused.push([pending, error]);
    }
  }
  return { writes, accepted, refused, beaten };
}

/** The statement's view of the writes. Here values that are made late are made. */
export function batchOf(
  writes: ReadonlyMap<string, Entry | undefined>,
  known: Place,
  id: string,
): Batch {
  const deletes: string[] = [];
  const puts: Entry[] = [];
  for (const [key, entry] of writes) {
    if (entry === undefined) deletes.push(key);
    else puts.push({ key, revision: entry.revision, value: entry.value });
  }
  return { known: known.sequence, id, keys: [...writes.keys()], deletes, puts };
}
