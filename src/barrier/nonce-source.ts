/** Random nonces and first revisions, drawn from the random source many at a time: one call each would cost 4 µs. */
import type { Random } from '../base/random.ts';
import { XAES_NONCE_BYTES } from '../crypto/xaes.ts';

/** Bytes drawn at once. */
const DRAW_BYTES = 4080;
const REVISION_BYTES = 6;

export class NonceSource {
  readonly random: Random;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** Writes a fresh 24-byte nonce at `offset`. */
  write(target: Buffer, offset: number): void {
    const at = this.#take(XAES_NONCE_BYTES);
    this.#bytes.copy(target, offset, at, at + XAES_NONCE_BYTES);
  }

  /**
   * The revision of a record whose key was absent: random and 47 bits wide, so that a key that is deleted and written
   * again never gets a revision back that somebody still holds. Later revisions count up from it and stay safe integers.
   */
  firstRevision(): number {
    const at = this.#take(REVISION_BYTES);
    return Math.floor(this.#bytes.readUIntBE(at, REVISION_BYTES) / 2) + 1;
  }

  #take(length: number): number {
    if (this.#at + length > this.#bytes.length) {
      this.#bytes = this.random.bytes(DRAW_BYTES);
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
