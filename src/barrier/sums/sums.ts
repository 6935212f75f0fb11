/** The running sums of the shards as the store holds them, and how far all of them have come. */
import type { Awaitable } from '../../base/awaitable.ts';
import { after } from '../../base/awaitable.ts';
import type { RequestError } from '../../model/errors.ts';
import type { Entry } from '../../storage/storage.ts';
import type { LiveKeys } from '../keys/live-keys.ts';
import { UnknownTermError } from '../keys/live-keys.ts';
import type { NonceSource } from '../nonce-source.ts';
import { RECORD_OVERHEAD_BYTES, termOf } from '../record.ts';
import type { RecordKey } from '../record.ts';
import { SHARDS, STATE_BYTES, allShardKeys, decodeState, encodeState } from './integrity.ts';
import type { ShardState } from './integrity.ts';
import { LateRecord } from './late-record.ts';

const SUM_RECORD_BYTES = STATE_BYTES + RECORD_OVERHEAD_BYTES;

export interface SumsOptions {
  readonly keys: LiveKeys;
  readonly nonces: NonceSource;
  readonly open: (key: RecordKey, entry: Entry) => Buffer;
  readonly tampered: (key: string, reason: string) => RequestError;
  readonly encrypted: (term: number) => void;
}

interface Memo {
  readonly entry: Entry;
  readonly state: ShardState;
}

export class Sums {
  readonly #options: SumsOptions;
  /** Sums with the very entry that holds each, so that neither the next change nor the next scrub need decrypt it. */
  readonly #memos = new Map<string, Memo>();
  /** Sums that are queued but not encrypted yet. One that was overtaken is dropped with its group. */
  readonly #late = new Set<Entry>();
  /** The highest revision of each sum that is known to be committed. */
  readonly #committed = new Map<string, number>();
  /** All of them together. */
  #position = 0n;

  constructor(options: SumsOptions) {
    this.#options = options;
  }

  /**
   * How far the store has come, as far as this process knows: the revisions of all sums together. Each commit raises it, and
   * nothing but an older state of the whole store lowers it. Undefined until {@link measure} has looked.
   */
  get position(): bigint | undefined {
    return this.#committed.size < SHARDS ? undefined : this.#position;
  }

  /** Opens the sums of all shards. @throws {RequestError} one of them is not what was written. */
  measure(
    read: (keys: readonly string[]) => Awaitable<readonly (Entry | undefined)[]>,
  ): Awaitable<void> {
    const keys = allShardKeys();
    return after(read(keys), (entries) => {
      keys.forEach((key, index) => {
        const entry = entries[index];
        this.open(key, entry);
        this.#saw(key, entry?.revision ?? 0);
      });
    });
  }

  /** Opens a shard's sum; what is opened again unchanged is remembered. */
  open(key: string, entry: Entry | undefined): Readonly<ShardState> {
    if (entry === undefined) throw this.#options.tampered(key, 'integrity record is missing');
    if (entry.revision < (this.#committed.get(key) ?? 0)) {
      throw this.#options.tampered(key, 'integrity record was rolled back');
    }
    const memo = this.#memos.get(key);
    if (memo !== undefined && sameEntry(memo.entry, entry)) return memo.state;
    const recordKey = this.#options.keys.recordKey('', termOf(entry.value));
    if (recordKey === undefined) throw new UnknownTermError(key, termOf(entry.value));
    const state = decodeState(this.#options.open(recordKey, entry));
    this.#memos.set(key, { entry, state });
    return state;
  }

  /** The record of a shard's new sum, encrypted only if no later commit of the same group replaces it first. */
  next(key: string, old: Entry | undefined, state: ShardState): Entry {
    const { nonces, keys, encrypted } = this.#options;
    const revision = old === undefined ? nonces.firstRevision() : old.revision + 1;
    const sealed = { count: state.count, sum: state.sum.slice() };
    const entry: LateRecord = new LateRecord(key, revision, SUM_RECORD_BYTES, () => {
      this.#late.delete(entry);
      const recordKey = keys.recordKey('');
      if (recordKey === undefined) throw new Error('the keys are gone');
      const value = recordKey.encrypt(key, revision, encodeState(sealed), nonces);
      encrypted(termOf(value));
      return value;
    });
    this.#late.add(entry);
    this.#memos.set(key, { entry, state });
    return entry;
  }

  /** Written, overtaken or refused: nobody will ask for them any more. */
  forget(entries: readonly Entry[]): void {
    for (const entry of entries) this.#late.delete(entry);
  }

  /** These were committed. */
  committed(entries: readonly Entry[]): void {
    for (const { key, revision } of entries) this.#saw(key, revision);
  }

  /** Encrypts what waits for its turn to be written: before the keys are wiped. */
  finishLate(): void {
    for (const entry of this.#late) void entry.value;
  }

  #saw(key: string, revision: number): void {
    const before = this.#committed.get(key);
    if (before !== undefined && revision <= before) return;
    this.#committed.set(key, revision);
    this.#position += BigInt(revision - (before ?? 0));
  }
}

function sameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  return a.revision === b.revision && (a.value === b.value || a.value.equals(b.value));
}
