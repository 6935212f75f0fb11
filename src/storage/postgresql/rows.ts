/** Rows of entries, and the order of their keys as the database sees it. */
import type { Entry } from '../storage.ts';
import type { Row } from './link.ts';

/** Sorts after every key: no key may hold a code point above it, and none may be this long. */
export const AFTER_ALL_KEYS: string = '\u{10ffff}'.repeat(513);

/** The first key after `key`: NUL, which would come first, is in no key and in no text of the database. */
export function firstAfter(key: string): string {
  return `${key}\u0001`;
}

export function entryOf([key, revision, value]: Row): Entry {
  return { key: String(key), revision: Number(revision), value: value as Buffer };
}
