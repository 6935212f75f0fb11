/** How often each term has encrypted: counted in memory, added to a stored record per term now and then. */
import { ConflictError } from '../../storage/storage.ts';
import type { EncryptedStore } from '../encrypted-store.ts';
import { ROOT_TERM } from '../record.ts';
import { USAGE_PREFIX } from '../storage-keys.ts';
import { newestTerm } from './keyring.ts';
import type { KeyStatus } from './keyring.ts';

/** Of the term that encrypts now. */
export async function keyStatusOf(store: EncryptedStore): Promise<KeyStatus> {
  const { number, installedMs } = newestTerm(store.keys.keyring);
  const stored = await storedUsage(store, number);
  return { term: number, installedMs, encryptions: stored + store.usage.of(number) };
}

async function storedUsage(store: EncryptedStore, term: number): Promise<number> {
  const [entry] = await store.read([USAGE_PREFIX + term]);
  return entry === undefined ? 0 : Number((await store.open('', entry)).toString());
}

/** What cannot be added now, because another replica adds at the same time, is kept for the next call. */
export async function persistUsage(store: EncryptedStore): Promise<void> {
  for (const [term, count] of store.usage.take()) {
    if (term === ROOT_TERM) continue;
    const key = USAGE_PREFIX + term;
    const [old] = await store.read([key]);
    const total = count + (old === undefined ? 0 : Number((await store.open('', old)).toString()));
    const change = { key, namespaceId: '', old, value: Buffer.from(String(total)) };
    try {
      await store.commit({ checks: [], changes: [change] });
    } catch (error) {
      store.usage.count(term, count);
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}
