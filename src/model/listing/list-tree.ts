/** Every record below a prefix, folders walked through. */
import type { Reader } from '../transaction.ts';

/** Names relative to the view, in byte order of each level; `prefix` is `''` or ends in '/'. */
export async function listTree(reader: Reader, prefix: string): Promise<string[]> {
  const names: string[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await reader.list(prefix, after === undefined ? {} : { after });
    for (const name of page) {
      if (name.endsWith('/')) names.push(...(await listTree(reader, prefix + name)));
      else names.push(prefix + name);
    }
    after = page.at(-1);
    if (after === undefined) return names;
  }
}
