/** The keyed hash that stands in for values in the audit log: HMAC-SHA-256 (RFC 2104), as `sys/audit-hash` computes it. */
import { createHmac, createSecretKey } from 'node:crypto';

/** Prefix of every hashed value, as in Vault's log. */
export const MAC_PREFIX = 'hmac-sha256:';

/** Hashes under one device's key. */
export interface Mac {
  /** `hmac-sha256:` and 64 hexadecimal digits, over the UTF-8 bytes of a text or over bytes as they are. */
  (value: string | Uint8Array): string;
}

/** Integers below this are hashed once per key and remembered: versions, counters, durations recur in nearly every record. */
const REMEMBERED_INTEGERS = 1024;

/** Makes the hash function of `key` (at least 32 bytes; a copy is kept by the crypto library, the caller may zero its own). */
export function createMac(key: Uint8Array): Mac {
  if (key.length < 32) throw new RangeError('an audit key has at least 32 bytes');
  const secret = createSecretKey(key);
  return (value) => MAC_PREFIX + createHmac('sha256', secret).update(value).digest('hex');
}

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
    this.#true = mac('true');
    this.#false = mac('false');
    this.#empty = mac('');
  }

  text(value: string): string {
    return value === '' ? this.#empty : this.#mac(value);
  }

  boolean(value: boolean): string {
    return value ? this.#true : this.#false;
  }

  number(value: number): string {
    if (!(value >= 0 && value < REMEMBERED_INTEGERS && Number.isInteger(value))) {
      return this.#mac(String(value));
    }
    // Filled densely from 0, so that the array keeps its fast form.
    while (this.#integers.length <= value) {
      this.#integers.push(this.#mac(String(this.#integers.length)));
    }
    return this.#integers[value] ?? this.#mac(String(value));
  }
}
