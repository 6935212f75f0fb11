/** The barrier over a copy of the store that a running server works on: to read from it and to check it, never to change it. */
import type { Storage } from '../storage/storage.ts';
import type { BarrierUnit } from './barrier-unit.ts';
import { EncryptedStore, type Tampering } from './encrypted-store.ts';
import type { LiveKeys } from './keys/live-keys.ts';
import { keysForCopy } from './keys/stored-keyring.ts';
import type { NonceSource } from './nonce-source.ts';
import { RecordCache } from './record-cache.ts';
import { Scrub, scannable } from './scrub.ts';
import { StoredUnit } from './unit.ts';

/** Memory for decoded records, in bytes. */
const CACHE_BYTES: number = 1024 * 1024;

export interface BarrierCopy {
  /** A unit that sees the copy; it must not be committed. */
  begin(): BarrierUnit;
  /** A walk over the whole copy that checks every record and the sums. */
  scrub(): Scrub;
  /** Wipes its keys. */
  seal(): void;
}

export interface CopyPorts {
  readonly storage: Storage;
  /** The keys of the running server. */
  readonly live: LiveKeys;
  readonly nonces: NonceSource;
  readonly onTamper: (tampering: Tampering) => void;
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
  const keys = await keysForCopy(storage, live);
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
    seal: () => {
      keys.destroy();
      records.clear();
    },
  };
}
