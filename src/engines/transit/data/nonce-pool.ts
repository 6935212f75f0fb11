/** Random nonces, drawn many at a time: one system call for hundreds of them. Nonces are public, so nothing is wiped. */
import type { Random } from '../../../base/random.ts';

const POOL_BYTES = 6144;

export class NoncePool {
  readonly #random: Random;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @param length at most 24 */
  next(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) {
      this.#bytes = this.#random.bytes(POOL_BYTES);
      this.#at = 0;
    }
    const nonce = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return nonce;
  }
}
