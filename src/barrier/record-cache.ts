/** Decoded records by storage key and revision, within a bound: two generations, of which the older is dropped whole. */

/** Most memory, in estimated bytes, that decoded records may take. */
export const RECORD_CACHE_BYTES_MAX: number = 8 * 1024 * 1024;
/** What a decoded record takes beside its text: the objects and the map entry. */
const ENTRY_BYTES = 200;
/** Objects decoded from JSON take about this many times their text. */
const DECODED_FACTOR = 3;

interface Held {
  readonly revision: number;
  readonly value: unknown;
  readonly bytes: number;
}

export class RecordCache {
  readonly #generationBytesMax: number;
  #young = new Map<string, Held>();
  #old = new Map<string, Held>();
  #youngBytes = 0;

  constructor(bytesMax: number = RECORD_CACHE_BYTES_MAX) {
    this.#generationBytesMax = bytesMax / 2;
  }

  /** The value held for exactly this revision. */
  get(key: string, revision: number): { readonly value: unknown } | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young.revision === revision ? young : undefined;
    const old = this.#old.get(key);
    if (old === undefined || old.revision !== revision) return undefined;
    this.#hold(key, old);
    return old;
  }

  /** @param textBytes length of the text that was decoded. */
  set(key: string, revision: number, value: unknown, textBytes: number): void {
    const bytes = textBytes * DECODED_FACTOR + key.length * 2 + ENTRY_BYTES;
    this.#hold(key, { revision, value, bytes });
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#youngBytes = 0;
  }

  #hold(key: string, held: Held): void {
    if (held.bytes > this.#generationBytesMax) return;
    if (this.#youngBytes + held.bytes > this.#generationBytesMax) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#youngBytes += held.bytes - (this.#young.get(key)?.bytes ?? 0);
    this.#young.set(key, held);
  }
}
