/** One request's reads and writes, committed all in one on condition that nothing it read has changed. */
import { after } from '../base/awaitable.ts';
import type { Awaitable } from '../base/awaitable.ts';
import { RequestError, invalidRequest } from '../model/errors.ts';
import type { Random } from '../base/random.ts';
import type { BarrierUnit } from './barrier-unit.ts';
import type { Transaction } from '../model/transaction.ts';
import { type UnitMemory, View, type Write } from './view.ts';
import { BATCH_MAX, type Check, type Entry, type Storage, isShared } from '../storage/storage.ts';
import type { ReadSession } from '../storage/storage.ts';
import type { Change } from './encode-record.ts';
import { type EncryptedStore, PLAINTEXT_BYTES_MAX } from './encrypted-store.ts';
import { KEY_BYTES } from './keys/keyring.ts';
import { sealedError } from './keys/live-keys.ts';
import type { RecordKey } from './record.ts';
import type { RecordCache } from './record-cache.ts';
import {
  NAMESPACE_KEY_PREFIX,
  assertNamespaceId,
  epochKey,
  namespaceOf,
  viewPrefix,
} from './storage-keys.ts';
import { wipe } from '../crypto/secret-bytes.ts';

export interface UnitOptions {
  readonly store: EncryptedStore;
  readonly storage: Storage;
  readonly records: RecordCache;
  readonly random: Random;
}

export class StoredUnit implements BarrierUnit, UnitMemory {
  readonly store: EncryptedStore;
  readonly storage: Storage;
  readonly records: RecordCache;
  readonly #random: Random;
  /** What a store that others change too shows this unit. */
  readonly #session: ReadSession | undefined;
  readonly #reads = new Map<string, Entry | undefined>();
  readonly #writes = new Map<string, Write>();
  // Most units only read: what else they may come to hold is made when it is needed.
  #epochs: Set<string> | undefined;
  #created: Map<string, Buffer> | undefined;
  #shredded: Set<string> | undefined;
  #committed = false;

  constructor(options: UnitOptions) {
    this.store = options.store;
    this.storage = options.storage;
    this.records = options.records;
    this.#random = options.random;
    this.#session = isShared(options.storage) ? options.storage.session() : undefined;
  }

  get dirty(): boolean {
    return this.#writes.size > 0 || this.#epochs !== undefined;
  }

  view(namespaceId: string, prefix: string): Transaction {
    assertNamespaceId(namespaceId);
    return new View(this, namespaceId, viewPrefix(namespaceId, prefix));
  }

  async preload(keys: readonly string[]): Promise<void> {
    await this.fetchMany(keys);
  }

  epoch(scope: string): Awaitable<number> {
    const key = epochKey(scope);
    const entry = this.fetch(key);
    if (entry === undefined) return 0;
    if (entry instanceof Promise) return entry.then((found) => this.#epochOf(key, found));
    return this.#epochOf(key, entry);
  }

  #epochOf(key: string, entry: Entry | undefined): Awaitable<number> {
    if (entry === undefined) return 0;
    // The revision is the epoch; it is authentic if the record opens under it, which need be tried only once.
    if (this.records.get(key, entry.revision) !== undefined) return entry.revision;
    return after(this.store.open('', entry), () => {
      this.records.set(key, entry.revision, undefined, 0);
      return entry.revision;
    });
  }

  bumpEpoch(scope: string): void {
    this.#assertOpen();
    this.#epochs ??= new Set();
    this.#epochs.add(epochKey(scope));
  }

  createNamespaceKey(namespaceId: string): void {
    assertNamespaceId(namespaceId);
    const key = this.#random.bytes(KEY_BYTES);
    this.#created ??= new Map();
    this.#created.set(namespaceId, key);
    this.write(NAMESPACE_KEY_PREFIX + namespaceId, key, true);
  }

  shredNamespaceKey(namespaceId: string): void {
    assertNamespaceId(namespaceId);
    this.#shredded ??= new Set();
    this.#shredded.add(namespaceId);
    this.write(NAMESPACE_KEY_PREFIX + namespaceId, undefined, false);
  }

  async commit(): Promise<void> {
    if (!this.dirty) return;
    this.#assertOpen();
    if (this.#writes.size > BATCH_MAX) throw tooManyWrites();
    const blind: string[] = [];
    for (const [key, write] of this.#writes) {
      if (!write.fresh && !this.#reads.has(key)) blind.push(key);
    }
    if (blind.length > 0) await this.fetchMany(blind);
    this.#committed = true;
    const { keys } = this.store;
    const namespaces = new Map<string, RecordKey>();
    for (const [namespaceId, key] of this.#created ?? []) {
      namespaces.set(namespaceId, keys.newNamespaceRecordKey(namespaceId, key));
    }
    const checks: Check[] = [];
    for (const [key, entry] of this.#reads) {
      if (!this.#writes.has(key)) checks.push({ key, revision: entry?.revision });
    }
    const changes: Change[] = [];
    for (const [key, write] of this.#writes) {
      changes.push({
        key,
        namespaceId: namespaceOf(key),
        old: write.fresh ? undefined : this.#reads.get(key),
        value: write.value,
      });
    }
    try {
      await this.store.commit({
        checks,
        changes,
        epochs: [...(this.#epochs ?? [])],
        instead: { namespaces },
      });
    } finally {
      for (const key of this.#created?.values() ?? []) wipe(key);
      for (const key of namespaces.values()) key.destroy();
    }
    for (const namespaceId of this.#shredded ?? []) keys.forgetNamespace(namespaceId);
  }

  async outdated(): Promise<string | undefined> {
    const { storage } = this;
    // What a new session sees is no older than what was acknowledged by now.
    const session = isShared(storage) ? storage.session() : undefined;
    const keys = [...this.#reads.keys()];
    for (let from = 0; from < keys.length; from += BATCH_MAX) {
      const some = keys.slice(from, from + BATCH_MAX);
      const entries = await this.store.read(some, session);
      const changed = some.find(
        (key, index) => this.#reads.get(key)?.revision !== entries[index]?.revision,
      );
      if (changed !== undefined) return changed;
    }
    return undefined;
  }

  /** The write that this unit holds for a storage key. */
  written(key: string): Write | undefined {
    return this.#writes.size === 0 ? undefined : this.#writes.get(key);
  }

  /** What is stored under a storage key, the same at every call. */
  fetch(key: string): Awaitable<Entry | undefined> {
    this.#assertLive();
    const known = this.#reads.get(key);
    if (known !== undefined || this.#reads.has(key)) return known;
    const entries = this.store.read([key], this.#session);
    if (entries instanceof Promise) return entries.then(([entry]) => this.#remember(key, entry));
    const entry = entries[0];
    this.#reads.set(key, entry);
    return entry;
  }

  /** The same for several, those not yet known from one snapshot. */
  fetchMany(keys: readonly string[]): Awaitable<(Entry | undefined)[]> {
    this.#assertLive();
    const missing: string[] = [];
    for (const key of keys) if (!this.#reads.has(key)) missing.push(key);
    if (missing.length > BATCH_MAX) throw invalidRequest(`more than ${BATCH_MAX} records at once`);
    const read = missing.length === 0 ? [] : this.store.read(missing, this.#session);
    return after(read, (entries) => {
      for (let index = 0; index < missing.length; index++) {
        this.#remember(missing[index] ?? '', entries[index]);
      }
      const found: (Entry | undefined)[] = [];
      for (const key of keys) found.push(this.#reads.get(key));
      return found;
    });
  }

  write(key: string, value: Buffer | undefined, fresh: boolean): void {
    this.#assertOpen();
    if (value !== undefined && value.length > PLAINTEXT_BYTES_MAX) {
      throw new RequestError(
        'body_too_large',
        `a record may hold at most ${PLAINTEXT_BYTES_MAX} bytes`,
      );
    }
    // A key stays fresh however often this unit writes it; what was read is not.
    this.#writes.set(key, {
      value,
      fresh: (fresh && !this.#reads.has(key)) || this.#writes.get(key)?.fresh === true,
    });
  }

  #remember(key: string, entry: Entry | undefined): Entry | undefined {
    // Two reads of one key may be under way at once: the first answer counts for both.
    if (this.#reads.has(key)) return this.#reads.get(key);
    this.#reads.set(key, entry);
    return entry;
  }

  #assertLive(): void {
    if (!this.store.keys.live) throw sealedError();
  }

  #assertOpen(): void {
    if (this.#committed) throw new Error('the unit is committed');
    this.#assertLive();
  }
}

function tooManyWrites(): RequestError {
  return invalidRequest(`one request may write at most ${BATCH_MAX} records`);
}
