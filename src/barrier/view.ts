/** A view: the keys below one prefix of one namespace, as a handler sees them. */
import { after } from '../base/awaitable.ts';
import type { Awaitable } from '../base/awaitable.ts';
import { parseJson } from '../base/json.ts';
import { wipe } from '../crypto/secret-bytes.ts';
import type { ListPage, Stored } from '../model/transaction.ts';
import type { Entry, Storage } from '../storage/storage.ts';
import type { Transaction } from '../model/transaction.ts';
import type { EncryptedStore } from './encrypted-store.ts';
import type { RecordCache } from './record-cache.ts';

export interface Write {
  /** undefined = delete. */
  readonly value: Buffer | undefined;
  /** The key is known to be absent. */
  readonly fresh: boolean;
}

/** What a view needs of its unit; keys are storage keys. */
export interface UnitMemory {
  readonly store: EncryptedStore;
  readonly storage: Storage;
  readonly records: RecordCache;
  /** The write that the unit holds back. */
  written(key: string): Write | undefined;
  /** What is stored, the same at every call. */
  fetch(key: string): Awaitable<Entry | undefined>;
  /** The same for several, those not yet known from one snapshot. */
  fetchMany(keys: readonly string[]): Awaitable<(Entry | undefined)[]>;
  write(key: string, value: Buffer | undefined, fresh: boolean): void;
}

/** Part of a unit: keys below one prefix of one namespace. */
export class View implements Transaction {
  readonly #unit: UnitMemory;
  readonly #namespaceId: string;
  readonly #prefix: string;

  constructor(unit: UnitMemory, namespaceId: string, prefix: string) {
    this.#unit = unit;
    this.#namespaceId = namespaceId;
    this.#prefix = prefix;
  }

  get(key: string): Awaitable<Buffer | undefined> {
    const full = this.#prefix + key;
    const write = this.#unit.written(full);
    if (write !== undefined) return copyOf(write.value);
    const entry = this.#unit.fetch(full);
    return entry instanceof Promise ? entry.then((found) => this.#open(found)) : this.#open(entry);
  }

  has(key: string): Awaitable<boolean> {
    const full = this.#prefix + key;
    const write = this.#unit.written(full);
    if (write !== undefined) return write.value !== undefined;
    return after(this.#unit.fetch(full), (entry) => entry !== undefined);
  }

  #open(entry: Entry | undefined): Awaitable<Buffer | undefined> {
    return entry === undefined ? undefined : this.#unit.store.open(this.#namespaceId, entry);
  }

  async getMany(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    return this.#each(
      keys,
      (_full, entry) => this.#unit.store.open(this.#namespaceId, entry),
      copyOf,
    );
  }

  getJson<T>(key: string): Awaitable<T | undefined> {
    return after(this.get(key), (bytes) =>
      bytes === undefined ? undefined : (decode(bytes) as T),
    );
  }

  getRecord<T>(key: string): Awaitable<Stored<T> | undefined> {
    const full = this.#prefix + key;
    const write = this.#unit.written(full);
    if (write !== undefined) return decodeWritten(write.value) as Stored<T> | undefined;
    const entry = this.#unit.fetch(full);
    return entry instanceof Promise
      ? entry.then((found) => this.#record<T>(full, found))
      : this.#record<T>(full, entry);
  }

  #record<T>(full: string, entry: Entry | undefined): Awaitable<Stored<T> | undefined> {
    if (entry === undefined) return undefined;
    const held = this.#unit.records.get(full, entry.revision);
    if (held !== undefined) return held.value as Stored<T>;
    return this.#decodeRecord(full, entry) as Awaitable<Stored<T>>;
  }

  getRecords<T>(keys: readonly string[]): Awaitable<(Stored<T> | undefined)[]> {
    const records = this.#each(
      keys,
      (full, entry) => {
        const held = this.#unit.records.get(full, entry.revision);
        return held === undefined ? this.#decodeRecord(full, entry) : held.value;
      },
      decodeWritten,
    );
    return records as Awaitable<(Stored<T> | undefined)[]>;
  }

  async list(prefix: string, page?: ListPage): Promise<readonly string[]> {
    return this.#unit.storage.list(this.#prefix + prefix, page);
  }

  put(key: string, value: Buffer | string): void {
    this.#write(key, value, false);
  }

  putJson(key: string, value: unknown): void {
    this.#write(key, encode(value), false);
  }

  putNew(key: string, value: Buffer | string): void {
    this.#write(key, value, true);
  }

  putJsonNew(key: string, value: unknown): void {
    this.#write(key, encode(value), true);
  }

  delete(key: string): void {
    this.#unit.write(this.#prefix + key, undefined, false);
  }

  #write(key: string, value: Buffer | string, fresh: boolean): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    this.#unit.write(this.#prefix + key, bytes, fresh);
  }

  #decodeRecord(full: string, entry: Entry): Awaitable<unknown> {
    return after(this.#unit.store.open(this.#namespaceId, entry), (bytes) => {
      const length = bytes.length;
      const value = decode(bytes);
      this.#unit.records.set(full, entry.revision, value, length);
      return value;
    });
  }

  #each<T>(
    keys: readonly string[],
    ofEntry: (full: string, entry: Entry) => Awaitable<T>,
    ofWrite: (value: Buffer | undefined) => T | undefined,
  ): Awaitable<(T | undefined)[]> {
    const fulls = keys.map((key) => this.#prefix + key);
    const unwritten = fulls.every((full) => this.#unit.written(full) === undefined)
      ? fulls
      : fulls.filter((full) => this.#unit.written(full) === undefined);
    return after(this.#unit.fetchMany(unwritten), (entries) => {
      let next = 0;
      const pending: Promise<void>[] = [];
      const values: (T | undefined)[] = [];
      for (let index = 0; index < fulls.length; index++) {
        const full = fulls[index] ?? '';
        const write = this.#unit.written(full);
        const entry = write === undefined ? entries[next++] : undefined;
        const value =
          write !== undefined
            ? ofWrite(write.value)
            : entry === undefined
              ? undefined
              : ofEntry(full, entry);
        if (value instanceof Promise) {
          values.push(undefined);
          pending.push(value.then((found) => void (values[index] = found)));
        } else values.push(value);
      }
      return pending.length === 0 ? values : Promise.all(pending).then(() => values);
    });
  }
}

function copyOf(value: Buffer | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value);
}

function decodeWritten(value: Buffer | undefined): unknown {
  return value === undefined ? undefined : parseJson(value.toString());
}

/** Parses and wipes the plaintext. */
function decode(bytes: Buffer): unknown {
  const text = bytes.toString();
  wipe(bytes);
  return parseJson(text);
}

function encode(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError('value has no JSON form');
  return text;
}
