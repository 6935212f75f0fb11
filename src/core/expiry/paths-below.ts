/** Walks a tree of names in order, from any point on, so that long work can go on where it stopped. */
import type { ListPage } from '../../model/transaction.ts';

export type ListFolder = (folder: string, page: ListPage) => Promise<readonly string[]>;

/** Up to `limit` paths of records that come after the path `after` ('' = from the start), folders walked through. */
export async function pathsBelow(
  list: ListFolder,
  after: string,
  limit: number,
): Promise<string[]> {
  const paths: string[] = [];
  await visit('', after);
  return paths;

  async function visit(folder: string, from: string): Promise<void> {
    let last = from;
    const slash = from.indexOf('/');
    if (slash >= 0) {
      last = from.slice(0, slash + 1);
      await visit(folder + last, from.slice(slash + 1));
    }
    while (paths.length < limit) {
      const page = { limit, ...(last === '' ? {} : { after: last }) };
      const names = await list(folder, page);
      for (const name of names) {
        if (name.endsWith('/')) await visit(folder + name, '');
        else paths.push(folder + name);
        if (paths.length >= limit) return;
      }
      if (names.length < limit) return;
      last = names.at(-1) ?? '';
    }
  }
}
