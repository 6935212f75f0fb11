/** A bounded cache of committed entries, absent ones included. The member that holds it knows what makes it valid. */
import type { Entry } from './storage.ts';

/** Most bytes that the cache of a store holds by default, its own overhead included. */
export const CACHE_BYTES_MAX: number = 8 * 1024 * 1024;
/** Larger values are not cached: they would push out many small ones. */
export const CACHED_VALUE_BYTES_MAX: number = 16 * 1024;
/** What an entry costs beside its key and value (measured): objects, table slots, the buffer's backing store. */
const ENTRY_OVERHEAD_BYTES = 450;

interface Slot {
  entry: Entry | undefined;
  bytes: number;
  /** Read since the hand last passed. */
  used: boolean;
}

/**
 * Evicts by second chance (the clock algorithm): a hit only sets a flag, which keeps hot reads free of writes to the table. The
 * hand is one iterator that goes on where it stopped: one that begins anew has to step over all that was deleted before.
 */
export class EntryCache {
  readonly #slots = new Map<string, Slot>();
  readonly #bytesMax: number;
  #hand = this.#slots.entries();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** The committed entry, `null` when the key is known to be absent, `undefined` when nothing is known. */
  get(key: string): Entry | null | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    slot.used = true;
    return slot.entry ?? null;
  }

  /** Takes in what is now committed under `key`; `undefined` = absent. */
  set(key: string, entry: Entry | undefined): void {
    const size = entry?.value.length ?? 0;
    const slot = this.#slots.get(key);
    if (size > CACHED_VALUE_BYTES_MAX) {
      if (slot !== undefined) this.#drop(key, slot);
      return;
    }
    const bytes = ENTRY_OVERHEAD_BYTES + 2 * key.length + size;
    if (slot === undefined) {
      this.#slots.set(key, { entry, bytes, used: false });
      this.#bytes += bytes;
    } else {
      this.#bytes += bytes - slot.bytes;
      slot.entry = entry;
      slot.bytes = bytes;
    }
    if (this.#bytes > this.#bytesMax) this.#evict();
  }

  /** From now on nothing is known of the key. */
  forget(key: string): void {
    const slot = this.#slots.get(key);
    if (slot !== undefined) this.#drop(key, slot);
  }

  clear(): void {
    this.#slots.clear();
    this.#hand = this.#slots.entries();
    this.#bytes = 0;
  }

  /** Ends because each pass over a used slot takes its flag away. */
  #evict(): void {
    while (this.#bytes > this.#bytesMax) {
      const next = this.#hand.next();
      if (next.done === true) {
        this.#hand = this.#slots.entries();
        continue;
      }
      const [key, slot] = next.value;
      if (slot.used) slot.used = false;
      else this.#drop(key, slot);
    }
  }

  #drop(key: string, slot: Slot): void {
    this.#slots.delete(key);
    this.#bytes -= slot.bytes;
  }
}
