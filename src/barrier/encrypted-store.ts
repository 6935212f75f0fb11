/**
 * Where plaintext becomes ciphertext and back: reads and opens entries, and turns a set of changes into one storage commit
 * with new revisions, ciphertexts and running sums.
 */
import type { Awaitable } from '../base/awaitable.ts';
import type { Random } from '../base/random.ts';
import { unmaskKeys } from '../crypto/key-mask.ts';
import { AuthenticationError } from '../crypto/xaes.ts';
import { RequestError, invalidRequest } from '../model/errors.ts';
import { type Commit, type Entry, type Storage } from '../storage/storage.ts';
import { BATCH_MAX, StorageError, VALUE_BYTES_MAX, isShared } from '../storage/storage.ts';
import type { ReadSession } from '../storage/storage.ts';
import {
  type ShardState,
  addState,
  allShardKeys,
  emptyState,
  shardKey,
  shardOf,
} from './sums/integrity.ts';
import {
  type ChangeSet,
  type Change,
  type Substitutes,
  encodeRecord,
  maskOf,
} from './encode-record.ts';
import { type LiveKeys, UnknownTermError } from './keys/live-keys.ts';
import { Sums } from './sums/sums.ts';
import { TermUsage } from './keys/term-usage.ts';
import { isKeyringChange, limitToRequestError } from './refusals.ts';
import { CommitGate } from './commit-gate.ts';
import type { NonceSource } from './nonce-source.ts';
import { RECORD_OVERHEAD_BYTES, type RecordKey, termOf } from './record.ts';
import { KEYRING_KEY, KEYS_PREFIX, NAMESPACE_KEY_PREFIX, isCounted } from './storage-keys.ts';

/** The plaintext of an epoch: its revision says everything. */
const EMPTY = Buffer.alloc(0);
/** Largest plaintext of one record, in bytes. */
export const PLAINTEXT_BYTES_MAX: number = VALUE_BYTES_MAX - RECORD_OVERHEAD_BYTES;

/** What the store did that only tampering or a defect explains. */
export interface Tampering {
  /** The storage key of the record, or of the shard's sum. */
  readonly key: string;
  readonly reason: string;
}

/** A commit in the terms of the running sums. */
export interface CountedCommit {
  /** The records that were counted out and in. */
  readonly counted: readonly { readonly old: Entry | undefined; readonly now: Entry | undefined }[];
  /** The new sums. */
  readonly shards: readonly Entry[];
}

export interface StoreOptions {
  readonly storage: Storage;
  readonly keys: LiveKeys;
  readonly nonces: NonceSource;
  readonly onTamper: (tampering: Tampering) => void;
  /** Reloads the keyring because a record names a term that it lacks. */
  readonly refresh: () => Promise<void>;
}

export class EncryptedStore {
  readonly keys: LiveKeys;
  /** Encryptions that are not in the stored keyring yet. */
  readonly usage: TermUsage = new TermUsage();
  readonly #storage: Storage;
  readonly #nonces: NonceSource;
  readonly #onTamper: (tampering: Tampering) => void;
  readonly #refresh: () => Promise<void>;
  readonly #keyringShared: boolean;
  readonly #sums: Sums;
  /** Shards whose sum does not hold. */
  #distrusted: ReadonlySet<number> = new Set();
  #listener: ((commit: CountedCommit) => void) | undefined;
  readonly #gate = new CommitGate();

  constructor(options: StoreOptions) {
    this.#storage = options.storage;
    this.keys = options.keys;
    this.#nonces = options.nonces;
    this.#onTamper = options.onTamper;
    this.#refresh = options.refresh;
    this.#keyringShared = isShared(options.storage);
    this.#sums = new Sums({
      keys: options.keys,
      nonces: options.nonces,
      open: (key, entry) => this.#open(key, entry),
      tampered: (key, reason) => this.tampered(key, reason),
      encrypted: (term) => this.usage.count(term, 1),
    });
  }

  get random(): Random {
    return this.#nonces.random;
  }

  /**
   * The stored entries.
   * @param source reads on behalf of a request; the store itself without it.
   * @throws {RequestError} `internal` when one lies in a distrusted shard: there or not, it may be older than it seems.
   */
  read(
    keys: readonly string[],
    source: ReadSession = this.#storage,
  ): Awaitable<readonly (Entry | undefined)[]> {
    if (this.#distrusted.size > 0) for (const key of keys) this.#assertTrusted(key);
    const entries = source.read(keys);
    if (!(entries instanceof Promise)) return entries;
    return entries.catch((error: unknown) => {
      throw limitToRequestError(error);
    });
  }

  /**
   * From now on nothing of these shards is given out. Which of its records was replaced by an older state of itself, or is gone,
   * a shard's sum does not tell.
   */
  distrust(shards: ReadonlySet<number>): void {
    this.#distrusted = shards;
  }

  #assertTrusted(key: string): void {
    if (!isCounted(key) || !this.#distrusted.has(shardOf(key))) return;
    throw new RequestError('internal', 'stored record failed authentication', {
      detail: `records of its shard were deleted, inserted or replaced: ${key}`,
    });
  }

  /**
   * The plaintext of an entry as the store gave it, in the caller's own buffer. A promise only when keys must be fetched first.
   * @throws {RequestError} `internal` when the entry is not what was written there; `sealed`.
   */
  open(namespaceId: string, entry: Entry): Awaitable<Buffer> {
    const key = this.keys.recordKey(namespaceId, termOf(entry.value));
    return key === undefined ? this.#openLater(namespaceId, entry) : this.#open(key, entry);
  }

  /** Makes sure that the key of a namespace is held. @throws {RequestError} it does not exist. */
  async loadNamespace(namespaceId: string): Promise<void> {
    if (this.keys.recordKey(namespaceId) !== undefined) return;
    const [entry] = await this.read([NAMESPACE_KEY_PREFIX + namespaceId]);
    if (entry === undefined) {
      throw new RequestError('not_found', 'namespace does not exist', {
        detail: `no key for namespace ${namespaceId}: it never was, or was deleted, inserted or replaced`,
      });
    }
    this.keys.holdNamespace(namespaceId, await this.open('', entry));
  }

  /**
   * Commits all changes or none.
   * @throws {ConflictError} something that was read has changed.
   */
  async commit(set: ChangeSet): Promise<void> {
    try {
      await this.#commit(set);
    } catch (error) {
      if (isKeyringChange(error, set)) {
        // What was encrypted under the old keyring was not written: once more, under the new one.
        await this.#refresh();
        return await this.#commit(set);
      }
      if (!(error instanceof UnknownTermError)) throw error;
      // Another replica has rotated. Nothing was written, so the commit can be made again with its keyring.
      await this.#refresh();
      if (this.keys.recordKey('', error.term) === undefined) {
        throw this.tampered(error.key, 'record of an unknown term');
      }
      await this.#commit(set);
    }
  }

  /** Runs `action` while no commit is under way and none starts. */
  async quietly<T>(action: () => Promise<T>): Promise<T> {
    return await this.#gate.close(action);
  }

  /** Sets who is told of every commit from now on; one at a time. */
  listen(listener: ((commit: CountedCommit) => void) | undefined): void {
    this.#listener = listener;
  }

  tampered(key: string, reason: string): RequestError {
    this.#onTamper({ key, reason });
    return new RequestError('internal', 'stored record failed authentication', {
      detail: `${reason}: ${key}`,
    });
  }

  /** How far the store has come, as far as is known: see {@link Sums.position}. */
  get position(): bigint | undefined {
    return this.#sums.position;
  }

  /** Looks how far the store has come. That stays unknown when a sum is not what was written. */
  async measurePosition(): Promise<void> {
    try {
      await this.#sums.measure((keys) => this.read(keys));
    } catch (error) {
      if (error instanceof StorageError) throw error;
    }
  }

  /** Opens a shard's sum. */
  openShard(key: string, entry: Entry | undefined): ShardState {
    return this.#sums.open(key, entry);
  }

  /** Encrypts what waits for its turn to be written: before the keys are wiped. */
  finishLate(): void {
    this.#sums.finishLate();
  }

  #encode(change: Change, instead?: Substitutes): Entry {
    const entry = encodeRecord(change, this.keys, this.#nonces, instead);
    this.usage.count(termOf(entry.value), 1);
    return entry;
  }

  async #commit(set: ChangeSet): Promise<void> {
    for (const { namespaceId } of set.changes) {
      if (set.instead?.namespaces?.has(namespaceId) === true) continue;
      if (this.keys.recordKey(namespaceId) === undefined) await this.loadNamespace(namespaceId);
    }
    while (this.#gate.closed) await this.#gate.opened();
    const prepared = this.#prepare(set);
    this.#gate.enter();
    try {
      await this.#storage.commit(prepared.commit);
    } catch (error) {
      throw limitToRequestError(error);
    } finally {
      this.#sums.forget(prepared.shards);
      this.#gate.leave();
    }
    this.#sums.committed(prepared.shards);
    this.#listener?.(prepared);
  }

  #prepare(set: ChangeSet): Prepared {
    const checks = [...set.checks];
    // No process writes under a keyring that another has replaced: its term may be on its way out.
    if (this.#keyringShared) checks.push({ key: KEYRING_KEY, revision: this.keys.revision });
    const puts: Entry[] = [];
    const deletes: string[] = [];
    const deltas = new Map<string, ShardState>();
    const counted: { old: Entry | undefined; now: Entry | undefined }[] = [];
    for (const change of set.changes) {
      const { key, old } = change;
      checks.push({ key, revision: old?.revision });
      if (change.value === undefined && old === undefined) continue;
      let now: Entry | undefined;
      if (change.value === undefined) deletes.push(key);
      else puts.push((now = this.#encode(change, set.instead)));
      if (!isCounted(key)) continue;
      this.#count(deltas, old, now);
      counted.push({ old, now });
    }
    const epochs = set.epochs ?? [];
    const shards: Entry[] = [];
    // An epoch's next revision depends on its last, so the shards that count epochs are known but not by how much.
    for (const key of epochs) deltaOf(deltas, shardKey(shardOf(key)));
    if (set.renewSums === true) for (const key of allShardKeys()) deltaOf(deltas, key);
    const shardKeys = [...deltas.keys()];
    if (checks.length > BATCH_MAX || puts.length + deletes.length > BATCH_MAX) {
      throw invalidRequest(`one request may touch at most ${BATCH_MAX} records`);
    }
    const fixed = counted.length;
    const apply = (entries: readonly (Entry | undefined)[]): Entry[] => {
      const written: Entry[] = [];
      const sums = new Map<string, ShardState>();
      for (const [shard, delta] of deltas) {
        sums.set(shard, { count: delta.count, sum: delta.sum.slice() });
      }
      counted.length = fixed;
      epochs.forEach((key, index) => {
        const old = entries[index];
        const now = this.#encode({ key, namespaceId: '', old, value: EMPTY });
        written.push(now);
        this.#count(sums, old, now);
        counted.push({ old, now });
      });
      // A store that decides a commit once more asks again: what was made for the attempt before is not written.
      this.#sums.forget(shards);
      shards.length = 0;
      shardKeys.forEach((key, index) => {
        const old = entries[epochs.length + index];
        const state = sums.get(key) ?? emptyState();
        addState(state, this.#sums.open(key, old));
        const entry = this.#sums.next(key, old, state);
        shards.push(entry);
        written.push(entry);
      });
      return written;
    };
    const amend =
      shardKeys.length === 0 ? {} : { amend: { keys: [...epochs, ...shardKeys], apply } };
    return { commit: { checks, puts, deletes, ...amend }, shards, counted };
  }

  #count(deltas: Map<string, ShardState>, old: Entry | undefined, now: Entry | undefined): void {
    const key = old?.key ?? now?.key ?? '';
    const delta = deltaOf(deltas, shardKey(shardOf(key)));
    if (old !== undefined) this.keys.integrity.subtract(delta, old);
    if (now !== undefined) this.keys.integrity.add(delta, now);
  }

  #open(key: RecordKey, entry: Entry): Buffer {
    try {
      const plaintext = key.decrypt(entry.key, entry.revision, entry.value);
      return entry.key.startsWith(KEYS_PREFIX)
        ? unmaskKeys(plaintext, maskOf(entry.key, this.keys))
        : plaintext;
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      throw this.tampered(entry.key, 'record failed authentication');
    }
  }

  async #openLater(namespaceId: string, entry: Entry): Promise<Buffer> {
    if (namespaceId !== '') await this.loadNamespace(namespaceId);
    const term = termOf(entry.value);
    if (this.keys.recordKey(namespaceId, term) === undefined) await this.#refresh();
    const key = this.keys.recordKey(namespaceId, term);
    if (key === undefined) throw this.tampered(entry.key, 'record of an unknown term');
    return this.#open(key, entry);
  }
}

interface Prepared extends CountedCommit {
  readonly commit: Commit;
}

function deltaOf(deltas: Map<string, ShardState>, shard: string): ShardState {
  let delta = deltas.get(shard);
  if (delta === undefined) deltas.set(shard, (delta = emptyState()));
  return delta;
}
