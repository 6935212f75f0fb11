/** Runs a transaction until its commit comes about, and tells when it does not. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import { ConflictError } from '../../storage/storage.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import type { Parts } from '../parts.ts';
import type { EndTurn, Turns } from './turns.ts';

/** How often a transaction runs anew when others changed what it had read. */
const ATTEMPTS_MAX = 16;

type Work = (unit: CoreUnit, count: number) => Awaitable<void>;
/** Looks at what a run has thrown, the `count`th, and tells what is to be made of it. */
type Judge = (failure: unknown, count: number) => Promise<unknown>;

/**
 * Runs `work` and commits, anew when another commit came in between; from the second time on in turn with the others.
 * @throws {ConflictError} after {@link ATTEMPTS_MAX}.
 */
export function attempt(
  parts: Parts,
  turns: Turns,
  work: Work,
  first: CoreUnit = parts.begin(),
  judge: Judge = async (failure) => failure,
): Awaitable<void> {
  const pending = workOnce(parts, first, work, 1);
  return pending?.catch((error: unknown) => attemptAgain(parts, turns, work, error, judge));
}

/** A promise only when something had to be waited for. What only reads has nothing to commit. */
function workOnce(parts: Parts, unit: CoreUnit, work: Work, count: number): Awaitable<void> {
  return after(work(unit, count), () =>
    unit.dirty ? unit.commit().then(() => parts.committed(unit)) : undefined,
  );
}

async function attemptAgain(
  parts: Parts,
  turns: Turns,
  work: Work,
  failure: unknown,
  judge: Judge,
): Promise<void> {
  let endTurn: EndTurn | undefined;
  let last = failure;
  try {
    for (let count = 2; ; count++) {
      last = await judge(last, count - 1);
      if (!(last instanceof ConflictError) || count > ATTEMPTS_MAX) throw last;
      endTurn ??= await turns.take(last.key);
      try {
        await workOnce(parts, parts.begin(), work, count);
        return;
      } catch (error) {
        last = error;
      }
    }
  } finally {
    endTurn?.();
  }
}
