/** Pages of lists: `maxresults`, and `$skiptoken` in the link to the next page. Of secrets, keys and certificates alike. */
import type { Answer } from '../../../core/call.ts';
import type { WireReply } from '../../facade.ts';
import { dataOf, shown } from '../asking.ts';
import type { Asking } from '../asking.ts';
import { badParameter, jsonReply } from '../wire/errors.ts';
import type { Target } from '../wire/target.ts';
import type { Reply } from '../../../model/reply.ts';

const PAGE_DEFAULT = 25;
const PAGE_MAX = 25;
const TOKEN_LENGTH_MAX = 2048;
/** Names looked at for one page; with many that this API cannot express, a page may be short or empty. */
const LOOKED_AT_MAX = 1000;

export interface Page {
  readonly size: number;
  /** Start after this name or version; empty for the first page. */
  readonly after: string;
}

/** @throws {AzureError} */
export function pageOf(query: Target['query']): Page {
  const sent = query.get('maxresults');
  const size = sent === undefined || sent === '' ? PAGE_DEFAULT : Number(sent);
  if (!Number.isSafeInteger(size) || size < 1 || size > PAGE_MAX) {
    throw badParameter(`The maxresults parameter must be between 1 and ${PAGE_MAX}.`);
  }
  const token = query.get('$skiptoken') ?? '';
  return { size, after: token === '' ? '' : readToken(token) };
}

function readToken(token: string): string {
  const after = token.length > TOKEN_LENGTH_MAX ? '' : Buffer.from(token, 'base64url').toString();
  if (after === '' || Buffer.from(after).toString('base64url') !== token) {
    throw badParameter('The $skiptoken parameter is not valid.');
  }
  return after;
}

/** The absolute link that a client follows as it is. */
function nextLink(base: string, path: string, query: Target['query'], after: string): string {
  const version = encodeURIComponent(query.get('api-version') ?? '');
  const token = Buffer.from(after).toString('base64url');
  const size = query.get('maxresults');
  const more = size === undefined ? '' : `&maxresults=${encodeURIComponent(size)}`;
  return `${base}${path}?api-version=${version}&$skiptoken=${token}${more}`;
}

type Entry = Record<string, unknown> | undefined;

/** What a mount has next; undefined entries are not shown. */
export type More = (
  after: string,
  limit: number,
) => Promise<{ readonly entries: readonly Entry[]; readonly next: string | undefined }>;

/** One page out of all that a mount has, for {@link pageReply}. */
export async function collected(page: Page, more: More): Promise<Reply> {
  const value: unknown[] = [];
  let { after } = page;
  for (let looked = 0; looked < LOOKED_AT_MAX;) {
    const limit = page.size - value.length;
    const { entries, next } = await more(after, limit);
    value.push(...entries.filter((entry) => entry !== undefined));
    if (next === undefined) return shown({ value, after: '' });
    after = next;
    if (value.length >= page.size) break;
    looked += limit;
  }
  return shown({ value, after });
}

/** One page of the versions of an object, oldest first; the link goes on after the mark of the last one. */
export function versionPage<T>(
  page: Page,
  versions: readonly T[],
  markOf: (version: T) => string,
  entry: (version: T) => Record<string, unknown>,
): Reply {
  const at = page.after === '' ? -1 : versions.findIndex((one) => markOf(one) === page.after);
  const some = versions.slice(at + 1, at + 1 + page.size);
  const last = some.at(-1);
  const isEnd = last === undefined || at + 1 + some.length >= versions.length;
  return shown({ value: some.map(entry), after: isEnd ? '' : markOf(last) });
}

export function pageReply({ base, target }: Asking, path: string, answer: Answer): WireReply {
  const { value, after } = dataOf(answer) as { value: unknown; after: string };
  const link = after === '' ? null : nextLink(base, path, target.query, after);
  return jsonReply({ value, nextLink: link });
}
