/** The checks of the storage contract's limits that every member makes before it does anything. */
import {
  BATCH_MAX,
  COMMIT_BYTES_MAX,
  KEY_BYTES_MAX,
  LIST_PAGE_MAX,
  LimitError,
  VALUE_BYTES_MAX,
  valueBytes,
} from './storage.ts';
import type { Commit, Entry, ListPage } from './storage.ts';

/** UTF-8 needs at most this many bytes for one UTF-16 unit. */
const UTF8_BYTES_PER_UNIT_MAX = 3;

/** Refuses more than {@link BATCH_MAX} keys, and any key that is not one. */
export function assertKeys(keys: readonly string[]): void {
  if (keys.length > BATCH_MAX) throw new LimitError(`more than ${BATCH_MAX} keys in one read`);
  for (const key of keys) assertKey(key);
}

/** Refuses what is no key: empty, too long, NUL in it, or not well-formed Unicode (it would change in UTF-8). */
export function assertKey(key: string): void {
  if (key.length === 0) throw new LimitError('a storage key must not be empty');
  assertText(key, 'a storage key');
}

/** Refuses what can neither be a key nor begin one. */
function assertText(text: string, what: string): void {
  if (
    text.length * UTF8_BYTES_PER_UNIT_MAX > KEY_BYTES_MAX &&
    (text.length > KEY_BYTES_MAX || Buffer.byteLength(text) > KEY_BYTES_MAX)
  ) {
    throw new LimitError(`${what} must not be longer than ${KEY_BYTES_MAX} bytes`);
  }
  if (!text.isWellFormed() || text.includes('\0')) {
    throw new LimitError(`${what} must be well-formed Unicode without NUL`);
  }
}

/** Checks the arguments of a listing and returns how many names it may give. */
export function listLimit(prefix: string, page: ListPage | undefined): number {
  assertText(prefix, 'a prefix');
  if (prefix !== '' && !prefix.endsWith('/'))
    throw new LimitError('a prefix must be empty or end in /');
  if (page?.after !== undefined) assertText(page.after, 'a name');
  return pageLimit(page?.limit ?? LIST_PAGE_MAX, LIST_PAGE_MAX);
}

/** Checks the arguments of a scan. */
export function assertScan(prefix: string, after: string | undefined, limit: number): void {
  assertText(prefix, 'a prefix');
  if (after !== undefined) assertText(after, 'a key');
  pageLimit(limit, BATCH_MAX);
}

function pageLimit(limit: number, most: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > most) {
    throw new LimitError(`a page limit must be an integer from 1 to ${most}`);
  }
  return limit;
}

/** Checks what a caller hands in; {@link assertWrites} comes when `amend` has added its entries. */
export function assertCommit(commit: Commit): void {
  if (commit.checks.length > BATCH_MAX)
    throw new LimitError(`more than ${BATCH_MAX} checks in one commit`);
  for (const check of commit.checks) assertKey(check.key);
  if (commit.amend !== undefined) assertKeys(commit.amend.keys);
}

/** Checks everything that a commit is about to write: counts, keys, revisions, sizes, and no key twice. */
export function assertWrites(puts: readonly Entry[], deletes: readonly string[]): void {
  const count = puts.length + deletes.length;
  if (count > BATCH_MAX) throw new LimitError(`more than ${BATCH_MAX} records in one commit`);
  const seen = count > 1 ? new Set<string>() : undefined;
  let bytes = 0;
  for (const entry of puts) {
    assertKey(entry.key);
    if (!Number.isSafeInteger(entry.revision) || entry.revision < 1) {
      throw new LimitError('a revision must be a positive safe integer');
    }
    const length = valueBytes(entry);
    if (length > VALUE_BYTES_MAX) {
      throw new LimitError(`a value must not be larger than ${VALUE_BYTES_MAX} bytes`);
    }
    bytes += length;
    seen?.add(entry.key);
  }
  for (const key of deletes) {
    assertKey(key);
    seen?.add(key);
  }
  if (bytes > COMMIT_BYTES_MAX)
    throw new LimitError(`a commit must not carry more than ${COMMIT_BYTES_MAX} bytes`);
  if (seen !== undefined && seen.size !== count)
    throw new LimitError('a commit must not write a key twice');
}
