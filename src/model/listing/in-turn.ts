/**
 * What a listing shows is no part of what a commit depends on: of two requests that judge one at the same moment, neither
 * would see what the other adds to it.
 */
import type { Transaction } from '../transaction.ts';

/** Lets the requests that call this with one `key` of one view happen one after the other: to be called before the listing. */
export async function inTurn(store: Transaction, key: string): Promise<void> {
  await store.get(key);
  store.put(key, '');
}
