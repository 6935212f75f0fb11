/** A store in memory where somebody else gets in between a listing and what comes of it, as on a busy server. */
import { createMemoryStorage } from './memory/memory-storage.ts';
import type { MemoryStore } from './memory/memory-storage.ts';

export interface Overtaken {
  readonly storage: MemoryStore;
  /** Does `act` once, after the `nth` listing from here of a folder whose name ends in `suffix`, before its names are seen. */
  readonly afterListing: (suffix: string, nth: number, act: () => Promise<unknown>) => void;
}

export function overtakenStorage(): Overtaken {
  const storage = createMemoryStorage();
  const list = storage.list.bind(storage);
  let next: { suffix: string; left: number; act: () => Promise<unknown> } | undefined;
  storage.list = async (prefix, page) => {
    const names = await list(prefix, page);
    if (next !== undefined && prefix.endsWith(next.suffix) && --next.left === 0) {
      const { act } = next;
      next = undefined;
      await act();
    }
    return names;
  };
  return {
    storage,
    afterListing(suffix, nth, act) {
      next = { suffix, left: nth, act };
    },
  };
}
