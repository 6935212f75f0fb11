/** A stored record that is encrypted when it is about to be written. */
import type { LateEntry } from '../../storage/storage.ts';

export class LateRecord implements LateEntry {
  readonly key: string;
  readonly revision: number;
  readonly valueBytes: number;
  readonly #encode: () => Buffer;
  #value: Buffer | undefined;

  constructor(key: string, revision: number, valueBytes: number, encode: () => Buffer) {
    this.key = key;
    this.revision = revision;
    this.valueBytes = valueBytes;
    this.#encode = encode;
  }

  get value(): Buffer {
    this.#value ??= this.#encode();
    return this.#value;
  }
}
