/**
 * A store in memory that collects the first records of a cluster, until they go to the real store in one commit: so a cluster
 * is there with everything in it or not at all.
 */
import { childName, compareKeys } from '../storage/key-order.ts';
import { ConflictError, type Entry, type Storage } from '../storage/storage.ts';

export interface StagedStorage extends Storage {
  /** Commits everything to `target`, on condition that none of it exists there. */
  moveTo(target: Storage): Promise<void>;
}

export function createStagedStorage(): StagedStorage {
  const entries = new Map<string, Entry>();
  return {
    read: async (keys) => keys.map((key) => entries.get(key)),
    list: async (prefix, page) => {
      const names = new Set<string>();
      for (const key of [...entries.keys()].sort(compareKeys)) {
        if (key.startsWith(prefix)) names.add(childName(key, prefix));
      }
      const after = page?.after;
      const wanted = [...names].filter(
        (name) => after === undefined || compareKeys(name, after) > 0,
      );
      return wanted.slice(0, page?.limit);
    },
    commit: async ({ checks, puts, deletes, amend }) => {
      for (const { key, revision } of checks) {
        if (entries.get(key)?.revision !== revision) throw new ConflictError(key);
      }
      const amended = amend?.apply(amend.keys.map((key) => entries.get(key))) ?? [];
      for (const entry of [...puts, ...amended]) entries.set(entry.key, entry);
      for (const key of deletes) entries.delete(key);
    },
    close: async () => entries.clear(),
    moveTo: (target) =>
      target.commit({
        checks: [...entries.keys()].map((key) => ({ key, revision: undefined })),
        puts: [...entries.values()],
        deletes: [],
      }),
  };
}
