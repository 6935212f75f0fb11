/** Names of secrets: one folder, or everything below it. Costs what is returned, not what the mount holds. */
import { invalidRequest } from '../../../model/errors.ts';
import type { Reader } from '../../../model/transaction.ts';
import { SECRET_PREFIX } from './secret-store.ts';

/** Names asked of the store at a time. */
const PAGE_NAMES = 10_000;
/** Most names that one answer holds. */
export const NAMES_MAX = 1_000_000;

function folderKey(folder: string): string {
  return SECRET_PREFIX + (folder === '' || folder.endsWith('/') ? folder : `${folder}/`);
}

function tooMany(): never {
  throw invalidRequest(`more than ${NAMES_MAX} names: list with "limit" and "after"`);
}

/**
 * Names directly below `folder`, in byte order, folders with a trailing slash.
 * @param limit most names; 0 or less = all
 */
export async function listFolder(
  store: Reader,
  folder: string,
  after = '',
  limit = 0,
): Promise<readonly string[]> {
  const wanted = limit > 0 ? Math.min(limit, NAMES_MAX) : NAMES_MAX + 1;
  const names: string[] = [];
  let last = after;
  while (names.length < wanted) {
    const pageLimit = Math.min(PAGE_NAMES, wanted - names.length);
    const page = await store.list(
      folderKey(folder),
      last === '' ? { limit: pageLimit } : { after: last, limit: pageLimit },
    );
    names.push(...page);
    if (page.length < pageLimit) return names;
    last = page.at(-1) ?? last;
  }
  return names.length > NAMES_MAX ? tooMany() : names;
}

/** Every secret below `folder`, relative to it: those of the folder itself first, then folder by folder. */
export async function scanFolder(store: Reader, folder: string): Promise<readonly string[]> {
  const root = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
  const found: string[] = [];
  const waiting: string[] = [''];
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    for (const name of await listFolder(store, root + below)) {
      if (name.endsWith('/')) waiting.push(below + name);
      else found.push(below + name);
      if (found.length + waiting.length > NAMES_MAX) tooMany();
    }
  }
  return found;
}

/**
 * The first `limit` secrets below `folder` whose path, relative to it, comes after `after` in byte order, whatever folder they
 * lie in. Costs what is returned, and one list per folder on the way.
 */
export async function pageBelow(
  store: Reader,
  folder: string,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  const root = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
  const found: string[] = [];
  await walk(store, root, '', after, limit, found);
  return found;
}

/** Adds what lies below `root + below`, after `after` (relative to that), until `found` holds `limit` names. */
async function walk(
  store: Reader,
  root: string,
  below: string,
  after: string,
  limit: number,
  found: string[],
): Promise<void> {
  const slash = after.indexOf('/');
  let last = slash < 0 ? after : after.slice(0, slash + 1);
  if (slash >= 0) await walk(store, root, below + last, after.slice(slash + 1), limit, found);
  while (found.length < limit) {
    const wanted = limit - found.length;
    const page = await store.list(
      SECRET_PREFIX + root + below,
      last === '' ? { limit: wanted } : { after: last, limit: wanted },
    );
    for (const name of page) {
      if (found.length >= limit) return;
      if (name.endsWith('/')) await walk(store, root, below + name, '', limit, found);
      else found.push(below + name);
    }
    if (page.length < wanted) return;
    last = page.at(-1) ?? last;
  }
}
