/** Listings of what is stored by name: users, roles, keys. */
import { notFound } from '../errors.ts';
import type { Reader } from '../transaction.ts';
import type { Reply } from '../reply.ts';

/** Most names that one listing answers; whoever has more pages through them. */
const NAMES_MAX = 1_000_000;

export const LIST_FIELDS: {
  readonly after: { readonly kind: 'string'; readonly description: string };
  readonly limit: { readonly kind: 'int'; readonly description: string };
} = {
  after: { kind: 'string', description: 'For listing: only names after this one.' },
  limit: { kind: 'int', description: 'For listing: most names to answer; all of them by default.' },
};

export interface ListRequest {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** Names below `prefix`, which ends in '/'. */
export async function namesBelow(
  store: Reader,
  prefix: string,
  request: ListRequest = {},
): Promise<string[]> {
  const wanted = Math.min(
    request.limit === undefined || request.limit <= 0 ? NAMES_MAX : request.limit,
    NAMES_MAX,
  );
  const names: string[] = [];
  let { after } = request;
  while (names.length < wanted) {
    const page = await store.list(prefix, after === undefined || after === '' ? {} : { after });
    if (page.length === 0) break;
    names.push(...page);
    after = page.at(-1);
  }
  return names.slice(0, wanted);
}

/** @throws {RequestError} not_found when there is nothing */
export async function listedNames(
  store: Reader,
  prefix: string,
  request: ListRequest,
): Promise<string[]> {
  const keys = await namesBelow(store, prefix, request);
  if (keys.length === 0) throw notFound();
  return keys;
}

/** @throws {RequestError} not_found when there is nothing */
export async function listNames(
  store: Reader,
  prefix: string,
  request: ListRequest,
): Promise<Reply> {
  return { data: { keys: await listedNames(store, prefix, request) } };
}
