/**
 * The scrub: walks the whole store, opens every record and compares the sums of the shards. It finds what single reads cannot:
 * records that were deleted, or replaced by an older state of themselves; nothing of their shard is given out from then on, until
 * a scrub finds the sum to hold again. It runs beside the traffic, page by page.
 *
 * While a page is read no commit is under way, so for every commit it is known which of its records the walk has passed: those
 * are counted by what the commit changed, the others when the walk comes to them. Commits of other replicas are not seen; a shard
 * that they wrote meanwhile is reported as undecided and decided by a later scrub.
 */
import { AuthenticationError } from '../crypto/xaes.ts';
import { wipe } from '../crypto/secret-bytes.ts';
import { RequestError } from '../model/errors.ts';
import { compareKeys } from '../storage/key-order.ts';
import type { Entry, ScannableStorage, Storage } from '../storage/storage.ts';
import type { CountedCommit, EncryptedStore, Tampering } from './encrypted-store.ts';
import {
  SHARDS,
  type ShardState,
  allShardKeys,
  differenceOf,
  emptyState,
  equalStates,
  shardKey,
  shardOf,
} from './sums/integrity.ts';
import { CLEAR_PREFIX, KEYRING_KEY, isCounted, namespaceOf } from './storage-keys.ts';

/** Records of one step, unless the caller says otherwise: about 5 ms of work. */
export const SCRUB_PAGE_DEFAULT = 200;

export interface ScrubReport {
  readonly done: boolean;
  /** Records walked so far. */
  readonly scanned: number;
  readonly faults: readonly Tampering[];
  /** Shards that other replicas wrote during the walk. */
  readonly undecided: readonly string[];
}

export class Scrub {
  readonly #store: EncryptedStore;
  readonly #storage: ScannableStorage;
  readonly #computed: readonly ShardState[] = Array.from({ length: SHARDS }, emptyState);
  readonly #faults: Tampering[] = [];
  readonly #undecided: string[] = [];
  /** Revision of each sum when the walk began, plus the commits of this replica since. */
  #expected: Map<string, number> | undefined;
  /** Everything up to and including this key has been walked. */
  #cursor: string | undefined;
  #walked = false;
  #scanned = 0;
  #done = false;

  constructor(store: EncryptedStore, storage: ScannableStorage) {
    this.#store = store;
    this.#storage = storage;
  }

  get report(): ScrubReport {
    const { length } = this.#undecided;
    return {
      done: this.#done,
      scanned: this.#scanned,
      faults: [...this.#faults],
      undecided: this.#undecided.slice(0, length),
    };
  }

  /** Walks the next `limit` records, or after the last compares the sums. */
  async step(limit: number = SCRUB_PAGE_DEFAULT): Promise<ScrubReport> {
    if (this.#done) return this.report;
    try {
      const entries = await this.#store.quietly(async () => {
        if (this.#expected === undefined) await this.#begin();
        const page = await this.#storage.scan('', this.#cursor, limit);
        this.#cursor = page.at(-1)?.key ?? this.#cursor;
        this.#walked = page.length < limit;
        return page;
      });
      for (const entry of entries) await this.#examine(entry);
      this.#scanned += entries.length;
      if (this.#walked) await this.#compare();
    } catch (error) {
      this.stop();
      throw error;
    }
    return this.report;
  }

  /** Ends the walk before its time. */
  stop(): void {
    if (!this.#done && this.#expected !== undefined) this.#store.listen(undefined);
    this.#done = true;
  }

  async #begin(): Promise<void> {
    const expected = new Map<string, number>();
    const keys = allShardKeys();
    const sums = await this.#store.read(keys);
    keys.forEach((key, index) => expected.set(key, sums[index]?.revision ?? 0));
    this.#expected = expected;
    this.#store.listen((commit) => this.#follow(commit));
  }

  #follow(commit: CountedCommit): void {
    for (const { key } of commit.shards) {
      this.#expected?.set(key, (this.#expected.get(key) ?? 0) + 1);
    }
    for (const { old, now } of commit.counted) {
      const key = old?.key ?? now?.key;
      if (key === undefined || !this.#hasPassed(key)) continue;
      const state = this.#stateOf(key);
      if (old !== undefined) this.#store.keys.integrity.subtract(state, old);
      if (now !== undefined) this.#store.keys.integrity.add(state, now);
    }
  }

  #hasPassed(key: string): boolean {
    return this.#walked || (this.#cursor !== undefined && compareKeys(key, this.#cursor) <= 0);
  }

  async #examine(entry: Entry): Promise<void> {
    if (!isCounted(entry.key)) {
      if (!entry.key.startsWith(CLEAR_PREFIX)) await this.#open(entry);
      return;
    }
    this.#store.keys.integrity.add(this.#stateOf(entry.key), entry);
    await this.#open(entry);
  }

  async #open(entry: Entry): Promise<void> {
    try {
      const plaintext =
        entry.key === KEYRING_KEY
          ? this.#store.keys.root.decrypt(entry.key, entry.revision, entry.value)
          : await this.#store.open(namespaceOf(entry.key), entry);
      wipe(plaintext);
    } catch (error) {
      if (error instanceof AuthenticationError) {
        this.#blame(entry.key, 'record failed authentication');
        return;
      }
      if (!(error instanceof RequestError)) throw error;
      // A namespace without a key was shredded; what is left of it is noise until it is cleared away.
      if (error.code === 'not_found') return;
      if (error.code !== 'internal') throw error;
      this.#faults.push({ key: entry.key, reason: 'record failed authentication' });
    }
  }

  async #compare(): Promise<void> {
    const keys = allShardKeys();
    const mismatched: { readonly key: string; readonly excess: ShardState }[] = [];
    const distrusted = new Set<number>();
    await this.#store.quietly(async () => {
      const sums = await this.#store.read(keys);
      this.stop();
      for (const [shard, key] of keys.entries()) {
        const entry = sums[shard];
        const computed = this.#computed[shard] ?? emptyState();
        try {
          const stored = this.#store.openShard(key, entry);
          if (equalStates(stored, computed)) continue;
          if (entry?.revision !== this.#expected?.get(key)) this.#undecided.push(key);
          else {
            mismatched.push({ key, excess: differenceOf(computed, stored) });
            distrusted.add(shard);
          }
        } catch (error) {
          const reason = 'integrity record failed authentication';
          if (error instanceof RequestError) {
            this.#faults.push({ key, reason });
            distrusted.add(shard);
          } else this.#undecided.push(key);
        }
      }
    });
    this.#store.distrust(distrusted);
    for (const { key, excess } of mismatched) {
      this.#blame(key, 'records of this shard were deleted, inserted or replaced');
      const inserted = await this.#findRecord(key, excess);
      if (inserted !== undefined) this.#blame(inserted, 'record was inserted');
    }
  }

  /** The one record of a shard that makes up `excess`: one that was put there behind the barrier's back. */
  async #findRecord(shard: string, excess: ShardState): Promise<string | undefined> {
    if (excess.count !== 1) return undefined;
    let after: string | undefined;
    for (;;) {
      const page: readonly Entry[] = await this.#storage.scan('', after, SCRUB_PAGE_DEFAULT);
      for (const entry of page) {
        if (!isCounted(entry.key) || shardKey(shardOf(entry.key)) !== shard) continue;
        const state = emptyState();
        this.#store.keys.integrity.add(state, entry);
        if (equalStates(state, excess)) return entry.key;
      }
      after = page.at(-1)?.key;
      if (page.length < SCRUB_PAGE_DEFAULT) return undefined;
    }
  }

  #blame(key: string, reason: string): void {
    this.#store.tampered(key, reason);
    this.#faults.push({ key, reason });
  }

  #stateOf(key: string): ShardState {
    return this.#computed[shardOf(key)] ?? emptyState();
  }
}

/** @throws {RequestError} `unsupported_operation` */
export function scannable(storage: Storage): ScannableStorage {
  if (!('scan' in storage)) {
    throw new RequestError('unsupported_operation', 'the storage cannot be walked');
  }
  return storage as ScannableStorage;
}
