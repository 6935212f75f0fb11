/** The barrier over a copy of the store that a running server works on: to read from it and to check it, never to change it. */
import { RequestError } from '../model/errors.ts';
import type { Entry, Storage } from '../storage/storage.ts';
import type { BarrierUnit } from './barrier-unit.ts';
import { EncryptedStore, type Tampering } from './encrypted-store.ts';
import { keysForCopy } from './keys/stored-keyring.ts';
import type { NonceSource } from './nonce-source.ts';
import { RecordCache } from './record-cache.ts';
import { Scrub, scannable } from './scrub.ts';
import { allShardKeys, encodeState } from './sums/integrity.ts';
import { StoredUnit } from './unit.ts';

/** Memory for decoded records, in bytes. */
const CACHE_BYTES: number = 1024 * 1024;

export interface BarrierCopy {
  /** A unit that sees the copy; it must not be committed. */
  begin(): BarrierUnit;
  /** A walk over the whole copy that checks every record and the sums. */
  scrub(): Scrub;
  /**
   * The record of a sum that puts the position of the copy so many commits beyond the running store, if it takes the place of the one that
   * is there. Undefined when it has come that far.
   * @throws {RequestError} a sum of either is not what was written.
   */
  sumAhead(commits: bigint): Promise<Entry | undefined>;
  /** Wipes its keys. */
  seal(): void;
}

export interface CopyPorts {
  readonly storage: Storage;
  /** The store of the running server. */
  readonly live: EncryptedStore;
  readonly nonces: NonceSource;
  readonly onTamper: (tampering: Tampering) => void;
}

function unmeasured(): RequestError {
  return new RequestError('internal', 'the integrity sums cannot be read');
}

/**
 * With the copy's own keyring, or, when the root key has been changed since it was made, with the present one, whose terms may no
 * longer be those of the copy.
 * @throws {RequestError} `invalid_request` when the copy is of another cluster, or holds none.
 */
export async function openCopy({
  storage,
  live,
  nonces,
  onTamper,
}: CopyPorts): Promise<BarrierCopy> {
  const keys = await keysForCopy(storage, live.keys);
  const records = new RecordCache(CACHE_BYTES);
  const store = new EncryptedStore({
    storage,
    keys,
    nonces,
    onTamper,
    // Nobody changes a copy.
    refresh: async () => {},
  });
  return {
    begin: () => new StoredUnit({ store, storage, records, random: nonces.random }),
    scrub: () => new Scrub(store, scannable(storage)),
    sumAhead: async (commits) => {
      await live.measurePosition();
      await store.measurePosition();
      const [here, there] = [store.position, live.position];
      if (here === undefined || there === undefined) throw unmeasured();
      const missing = there + commits - here;
      if (missing <= 0n) return undefined;
      const [key = ''] = allShardKeys();
      const [entry] = await storage.read([key]);
      const state = store.openShard(key, entry);
      const revision = (entry?.revision ?? 0) + Number(missing);
      const value = keys.recordKey('')?.encrypt(key, revision, encodeState(state), nonces);
      if (value === undefined) throw unmeasured();
      return { key, value, revision };
    },
    seal: () => {
      keys.destroy();
      records.clear();
    },
  };
}
