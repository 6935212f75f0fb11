/** The keyed hash that stands in for values in the audit log: HMAC-SHA-256 (RFC 2104), as `sys/audit-hash` computes it. */
import { HmacKey } from '../crypto/hmac.ts';

/** Prefix of every hashed value, as in Vault's log. */
export const MAC_PREFIX = 'hmac-sha256:';

/** Hashes under one device's key. */
export class Mac {
  readonly #key: HmacKey;

  /** @param key at least 32 bytes; a copy is kept. */
  constructor(key: Uint8Array) {
    if (key.length < 32) throw new RangeError('an audit key has at least 32 bytes');
    this.#key = new HmacKey(key);
  }

  /** `hmac-sha256:` and 64 hexadecimal digits, over the UTF-8 bytes of a text or over bytes as they are. */
  of(value: string | Uint8Array): string {
    return MAC_PREFIX + this.#key.digestText(value, 'hex');
  }

  /** The 64 digits alone. */
  hex(value: string | Uint8Array): string {
    return this.#key.digestText(value, 'hex');
  }

  /** Wipes the key; every later use throws. */
  destroy(): void {
    this.#key.destroy();
  }
}

/** Integers below this are hashed once per key and remembered: versions, counters, durations recur in nearly every record. */
const REMEMBERED_INTEGERS = 1024;

/**
 * Hashes numbers, booleans and the empty string, remembering those that recur. Texts are never remembered: they may be
 * secrets, and a cache would keep them in memory.
 */
export class ScalarHashes {
  readonly #mac: Mac;
  readonly #integers: string[] = [];
  readonly #true: string;
  readonly #false: string;
  readonly #empty: string;

  constructor(mac: Mac) {
    this.#mac = mac;
    this.#true = mac.of('true');
    this.#false = mac.of('false');
    this.#empty = mac.of('');
  }

  text(value: string): string {
    return value === '' ? this.#empty : this.#mac.of(value);
  }

  boolean(value: boolean): string {
    return value ? this.#true : this.#false;
  }

  number(value: number): string {
    if (!(value >= 0 && value < REMEMBERED_INTEGERS && Number.isInteger(value))) {
      return this.#mac.of(String(value));
    }
    // Filled densely from 0, so that the array keeps its fast form.
    while (this.#integers.length <= value) {
      this.#integers.push(this.#mac.of(String(this.#integers.length)));
    }
    return this.#integers[value] ?? this.#mac.of(String(value));
  }
}
