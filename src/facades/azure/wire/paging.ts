/** Pages of lists: `maxresults`, and `$skiptoken` in the link to the next page. */
import { badParameter } from './errors.ts';
import type { Target } from './target.ts';

export const PAGE_DEFAULT = 25;
const PAGE_MAX = 25;
const TOKEN_LENGTH_MAX = 2048;

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
export function nextLink(
  base: string,
  path: string,
  query: Target['query'],
  after: string,
): string {
  const version = encodeURIComponent(query.get('api-version') ?? '');
  const token = Buffer.from(after).toString('base64url');
  const size = query.get('maxresults');
  const more = size === undefined ? '' : `&maxresults=${encodeURIComponent(size)}`;
  return `${base}${path}?api-version=${version}&$skiptoken=${token}${more}`;
}
