/** Deletes everything below a prefix, a bounded number of records at a time. */
import type { Transaction } from '../../model/transaction.ts';

/** Deletes up to `limit` records; true when nothing is left. */
export async function wipe(view: Transaction, prefix: string, limit: number): Promise<boolean> {
  let left = limit;
  const folders = [prefix];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let after: string | undefined;
    for (;;) {
      const names = await view.list(folder, after === undefined ? { limit } : { after, limit });
      for (const name of names) {
        if (name.endsWith('/')) {
          folders.push(folder + name);
          continue;
        }
        if (left === 0) return false;
        view.delete(folder + name);
        left--;
      }
      if (names.length < limit) break;
      after = names.at(-1);
    }
  }
  return left > 0;
}
