/** The test restore: opens the copy of a snapshot as a store of its own and reads all of it. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Barrier } from '../barrier/barrier.ts';
import type { ScannableStorage } from '../storage/storage.ts';
import { SnapshotError } from './container.ts';

/** Records of one step, between which requests are served: about 2 ms of work. */
const STEP_RECORDS = 100;

/**
 * Opens every record of the copy with the keys of the running server and compares the sums that tell of records that are missing
 * or were replaced.
 * @returns how many records there are.
 * @throws {SnapshotError} it could not be restored as it is.
 */
export async function prove(
  barrier: Barrier,
  storage: ScannableStorage,
  signal: AbortSignal,
): Promise<number> {
  const copy = await barrier.openCopy(storage);
  try {
    const scrub = copy.scrub();
    for (;;) {
      signal.throwIfAborted();
      const { done, scanned, faults, undecided } = await scrub.step(STEP_RECORDS);
      if (done) {
        const [fault] = faults;
        if (fault !== undefined) {
          throw new SnapshotError(`${faults.length} faults, the first: ${fault.reason}`);
        }
        if (undecided.length > 0) throw new SnapshotError('its sums changed while it was read');
        return scanned;
      }
      await breathe();
    }
  } finally {
    copy.seal();
  }
}
