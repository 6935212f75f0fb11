/**
 * A keyed multiset hash over everything stored, in shards: the sum, modulo 2^256, of HMAC(key ‖ revision ‖ tag) over the
 * records of a shard (Clarke et al., "Incremental Multiset Hash Functions", ASIACRYPT 2003). Whoever can write to the store but
 * lacks the key cannot replay, delete, insert or swap a record without changing a sum; the sums themselves are records.
 */
import { HmacKey } from '../../crypto/hmac.ts';
import { TAG_BYTES } from '../record.ts';
import { INTEGRITY_PREFIX } from '../storage-keys.ts';

/** Shards share the load of counting writes; each is one record. */
export const SHARDS: number = 64;
const WORDS = 8;
const WORD = 0x1_0000_0000;
export const STATE_BYTES: number = 8 + WORDS * 4;
const REVISION_BYTES = 8;
const COMMON_MESSAGE_BYTES = 512;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** How many records a shard has, and their sum in 32-bit words, least significant first. As a change, both may be "negative". */
export interface ShardState {
  count: number;
  readonly sum: Uint32Array;
}

export function emptyState(): ShardState {
  return { count: 0, sum: new Uint32Array(WORDS) };
}

export function shardKey(shard: number): string {
  return INTEGRITY_PREFIX + String(shard).padStart(2, '0');
}

export function allShardKeys(): string[] {
  return Array.from({ length: SHARDS }, (_, shard) => shardKey(shard));
}

/** The shard that counts `key` (FNV-1a over UTF-16 units). */
export function shardOf(key: string): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), FNV_PRIME);
  }
  return ((hash >>> 16) ^ hash) & (SHARDS - 1);
}

/** Adds `other` to `state`. */
export function addState(state: ShardState, other: ShardState): void {
  state.count += other.count;
  let carry = 0;
  for (let index = 0; index < WORDS; index++) {
    const sum = (state.sum[index] ?? 0) + (other.sum[index] ?? 0) + carry;
    state.sum[index] = sum;
    carry = sum >= WORD ? 1 : 0;
  }
}

/** `state` without `other`. */
export function differenceOf(state: ShardState, other: ShardState): ShardState {
  const difference = emptyState();
  difference.count = state.count - other.count;
  let borrow = 0;
  for (let index = 0; index < WORDS; index++) {
    const word = (state.sum[index] ?? 0) - (other.sum[index] ?? 0) - borrow;
    difference.sum[index] = word;
    borrow = word < 0 ? 1 : 0;
  }
  return difference;
}

export function equalStates(a: ShardState, b: ShardState): boolean {
  return a.count === b.count && a.sum.every((word, index) => word === b.sum[index]);
}

export function encodeState(state: ShardState): Buffer {
  const bytes = Buffer.allocUnsafe(STATE_BYTES);
  bytes.writeBigUInt64BE(BigInt(state.count), 0);
  state.sum.forEach((word, index) => bytes.writeUInt32LE(word, 8 + index * 4));
  return bytes;
}

export function decodeState(bytes: Buffer): ShardState {
  if (bytes.length !== STATE_BYTES) throw new Error('integrity record has the wrong length');
  const state = { count: Number(bytes.readBigUInt64BE(0)), sum: new Uint32Array(WORDS) };
  for (let index = 0; index < WORDS; index++) state.sum[index] = bytes.readUInt32LE(8 + index * 4);
  return state;
}

export interface Counted {
  readonly key: string;
  readonly revision: number;
  readonly value: Buffer;
}

/** Computes what single records add to the sums. */
export class IntegrityHash {
  readonly #hmac: HmacKey;
  #message: Buffer = Buffer.alloc(COMMON_MESSAGE_BYTES);

  constructor(key: Uint8Array) {
    this.#hmac = new HmacKey(key);
  }

  /** Counts `entry` into `state`. */
  add(state: ShardState, entry: Counted): void {
    const digest = this.#digest(entry);
    let carry = 0;
    for (let index = 0; index < WORDS; index++) {
      const sum = (state.sum[index] ?? 0) + digest.readUInt32LE(index * 4) + carry;
      state.sum[index] = sum;
      carry = sum >= WORD ? 1 : 0;
    }
    state.count += 1;
  }

  /** Counts `entry` out of `state`. */
  subtract(state: ShardState, entry: Counted): void {
    const digest = this.#digest(entry);
    let borrow = 0;
    for (let index = 0; index < WORDS; index++) {
      const difference = (state.sum[index] ?? 0) - digest.readUInt32LE(index * 4) - borrow;
      state.sum[index] = difference;
      borrow = difference < 0 ? 1 : 0;
    }
    state.count -= 1;
  }

  destroy(): void {
    this.#hmac.destroy();
  }

  /** The last two fields have a fixed length, so the message says where the key ends. */
  #digest(entry: Counted): Buffer {
    const most = entry.key.length * 3 + REVISION_BYTES + TAG_BYTES;
    if (most > this.#message.length) this.#message = Buffer.alloc(most);
    const message = this.#message;
    let at = message.write(entry.key, 0, 'utf8');
    at = message.writeUInt32BE(Math.floor(entry.revision / WORD), at);
    at = message.writeUInt32BE(entry.revision >>> 0, at);
    at += entry.value.copy(message, at, Math.max(0, entry.value.length - TAG_BYTES));
    return this.#hmac.digest(message.subarray(0, at));
  }
}
