/** The first commit of a cluster: its keys, and the sum of every shard, so that a missing sum is always a fault. */
import type { Entry, Storage } from '../storage/storage.ts';
import { encodeRecord } from './encode-record.ts';
import {
  SHARDS,
  type ShardState,
  emptyState,
  encodeState,
  shardKey,
  shardOf,
} from './sums/integrity.ts';
import type { LiveKeys } from './keys/live-keys.ts';
import type { NonceSource } from './nonce-source.ts';
import { isCounted } from './storage-keys.ts';

/** A record that is written together with a change of keys. */
export interface Alongside {
  /** Below {@link CLEAR_PREFIX} it is stored as it is, elsewhere below `core/` encrypted. */
  readonly key: string;
  /** undefined = delete. */
  readonly value: Uint8Array | undefined;
}

/** @throws {ConflictError} the store holds a cluster already, or part of one. */
export async function createRecords(
  storage: Storage,
  keys: LiveKeys,
  nonces: NonceSource,
  records: readonly Alongside[],
): Promise<void> {
  const states: ShardState[] = Array.from({ length: SHARDS }, emptyState);
  const puts: Entry[] = [];
  for (const { key, value } of records) {
    const entry = encodeRecord({ key, namespaceId: '', old: undefined, value }, keys, nonces);
    puts.push(entry);
    const state = states[shardOf(key)];
    if (state !== undefined && isCounted(key)) keys.integrity.add(state, entry);
  }
  states.forEach((state, shard) => {
    const change = {
      key: shardKey(shard),
      namespaceId: '',
      old: undefined,
      value: encodeState(state),
    };
    puts.push(encodeRecord(change, keys, nonces));
  });
  const checks = puts.map(({ key }) => ({ key, revision: undefined }));
  await storage.commit({ checks, puts, deletes: [] });
}
