/** The workload of the crash tests: records whose bytes, partners and sum can be checked after any crash. */
import { createHash } from 'node:crypto';
import type { Entry } from '../../src/storage/storage.ts';

/** Every item is written with its mirror and counted in the sum, in one commit. */
export const ITEMS = 'item/';
export const MIRRORS = 'mirror/';
export const SUM = 'sum';

const NUMBER_DIGITS = 9;
/** Lengths of values, from within a page to several pages. */
const LENGTHS: readonly number[] = [0, 32, 700, 90, 5000, 300, 20_000];

export function itemName(number: number): string {
  return String(number).padStart(NUMBER_DIGITS, '0');
}

/** The one value that `key` may have at `revision`. */
export function expectedValue(key: string, revision: number): Buffer {
  const seed = createHash('sha256').update(`${key}@${revision}`).digest();
  return Buffer.alloc(LENGTHS[revision % LENGTHS.length] ?? 0, seed);
}

export function makeEntry(key: string, revision: number): Entry {
  return { key, revision, value: expectedValue(key, revision) };
}
