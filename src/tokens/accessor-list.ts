/** Walks the accessors of a namespace. They lie under their hashes, so their order says nothing about them. */
import type { Reader } from '../model/transaction.ts';

export interface AccessorRecord {
  readonly id: string;
  readonly accessor: string;
}

const PREFIX = 'accessor/';

export interface AccessorPage {
  /** Hash of the accessor after which the page begins; undefined = from the start. */
  readonly after: string | undefined;
  readonly limit: number;
  readonly isLive: (tokenId: string) => Promise<boolean>;
}

/** At most `limit` accessors of live tokens, in the order in which they are stored. */
export async function listAccessors(view: Reader, page: AccessorPage): Promise<string[]> {
  const found: string[] = [];
  for await (const name of names(view, page.after)) {
    if (found.length >= page.limit) break;
    const entry = await view.getRecord<AccessorRecord>(PREFIX + name);
    if (entry !== undefined && (await page.isLive(entry.id))) found.push(entry.accessor);
  }
  return found;
}

/** How many there are, those of dead tokens that await clean-up included. */
export async function countAccessors(view: Reader): Promise<number> {
  let total = 0;
  for await (const _ of names(view)) total++;
  return total;
}

async function* names(view: Reader, first?: string): AsyncGenerator<string> {
  let after = first;
  for (;;) {
    const page = await view.list(PREFIX, after === undefined ? {} : { after });
    if (page.length === 0) return;
    yield* page;
    after = page.at(-1);
  }
}
