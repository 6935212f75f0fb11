/**
 * XAES-256-GCM (C2SP XAES-256-GCM): AES-256-GCM with a 24-byte nonce, so that random nonces never run out. From the key and
 * the first half of the nonce AES-CMAC (NIST SP 800-108 counter mode) derives a key for this one record; the second half is
 * the GCM nonce.
 */
import { createCipheriv, createDecipheriv, type Cipheriv } from 'node:crypto';
import { secretBuffer, wipe } from './secret-bytes.ts';

export const XAES_KEY_BYTES: number = 32;
export const XAES_NONCE_BYTES: number = 24;
export const XAES_TAG_BYTES: number = 16;
const BLOCK_BYTES = 16;
/** Bytes of the nonce that go into the record key, and as many into GCM. */
const HALF_NONCE_BYTES = 12;
/** Reduction constant of GF(2^128) in CMAC's doubling (NIST SP 800-38B §5.3). */
const CMAC_REDUCTION = 0x87;

/** A ciphertext is not what was written under this key and these additional data. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
}

export class XaesKey {
  /**
   * AES-256-ECB under the key. ECB keeps no state between calls, so one cipher object serves for good: it holds the
   * expanded key, which costs more to set up than to use.
   */
  #blocks: Cipheriv | undefined;
  /** CMAC subkey K1. */
  readonly #subkey: Buffer;
  /** Both CMAC input blocks, already combined with K1 where they are constant. */
  readonly #input: Buffer = secretBuffer(2 * BLOCK_BYTES);

  /** @param key 32 bytes; they are used now and not kept: the caller may wipe them. */
  constructor(key: Uint8Array) {
    if (key.length !== XAES_KEY_BYTES) throw new RangeError('key must be 32 bytes');
    this.#blocks = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    const zeros = this.#blocks.update(Buffer.alloc(BLOCK_BYTES));
    this.#subkey = double(zeros);
    wipe(zeros);
    this.#input.set(this.#subkey, 0);
    this.#input.set(this.#subkey, BLOCK_BYTES);
    // 00 counter 'X' 00, counter = 1 and 2.
    for (const [at, value] of [
      [1, 1],
      [2, 0x58],
      [BLOCK_BYTES + 1, 2],
      [BLOCK_BYTES + 2, 0x58],
    ] as const) {
      this.#input[at] = (this.#input[at] ?? 0) ^ value;
    }
  }

  /**
   * Encrypts into a record that already holds its nonce.
   * @param record nonce at `nonceAt`; behind it room for exactly the ciphertext and the tag, up to the record's end.
   * @param nonceAt offset of the 24-byte nonce, which must be fresh.
   */
  seal(record: Buffer, nonceAt: number, plaintext: Uint8Array, additional: Uint8Array): void {
    const textAt = nonceAt + XAES_NONCE_BYTES;
    if (record.length !== textAt + plaintext.length + XAES_TAG_BYTES) {
      throw new RangeError('record has the wrong length');
    }
    const key = this.#recordKey(record, nonceAt);
    const cipher = createCipheriv(
      'aes-256-gcm',
      key,
      record.subarray(nonceAt + HALF_NONCE_BYTES, textAt),
    );
    wipe(key);
    cipher.setAAD(additional);
    record.set(cipher.update(plaintext), textAt);
    cipher.final();
    record.set(cipher.getAuthTag(), textAt + plaintext.length);
  }

  /**
   * Decrypts a record whose nonce lies at `nonceAt`, followed by ciphertext and tag up to its end.
   * @returns the plaintext in a buffer of its own.
   * @throws {AuthenticationError} the record or the additional data are not what was sealed.
   */
  open(record: Buffer, nonceAt: number, additional: Uint8Array): Buffer {
    const textAt = nonceAt + XAES_NONCE_BYTES;
    const tagAt = record.length - XAES_TAG_BYTES;
    if (tagAt < textAt) throw new AuthenticationError('record is too short');
    const key = this.#recordKey(record, nonceAt);
    const decipher = createDecipheriv(
      'aes-256-gcm',
      key,
      record.subarray(nonceAt + HALF_NONCE_BYTES, textAt),
    );
    wipe(key);
    decipher.setAAD(additional);
    decipher.setAuthTag(record.subarray(tagAt));
    const plaintext = decipher.update(record.subarray(textAt, tagAt));
    try {
      decipher.final();
    } catch {
      wipe(plaintext);
      throw new AuthenticationError('record failed authentication');
    }
    return plaintext;
  }

  /** Wipes what was derived from the key; every later use throws. */
  destroy(): void {
    // Ending the cipher frees its context, and OpenSSL clears the expanded key in it.
    this.#blocks?.final();
    this.#blocks = undefined;
    wipe(this.#subkey);
    wipe(this.#input);
  }

  /** CMAC(`00 01 58 00 ‖ nonce half`) ‖ CMAC(`00 02 58 00 ‖ nonce half`): each message is one full block, so one AES call. */
  #recordKey(record: Buffer, nonceAt: number): Buffer {
    if (this.#blocks === undefined) throw new Error('the key is wiped');
    const input = this.#input;
    const subkey = this.#subkey;
    for (let index = 0; index < HALF_NONCE_BYTES; index++) {
      const byte = (record[nonceAt + index] ?? 0) ^ (subkey[index + 4] ?? 0);
      input[index + 4] = byte;
      input[index + 4 + BLOCK_BYTES] = byte;
    }
    return this.#blocks.update(input);
  }
}

/** Doubling in GF(2^128), most significant bit first, without a branch on the secret. */
function double(block: Buffer): Buffer {
  const doubled = secretBuffer(BLOCK_BYTES);
  let carry = 0;
  for (let index = BLOCK_BYTES - 1; index >= 0; index--) {
    const byte = block[index] ?? 0;
    doubled[index] = (byte << 1) | carry;
    carry = byte >>> 7;
  }
  doubled[BLOCK_BYTES - 1] = (doubled[BLOCK_BYTES - 1] ?? 0) ^ (CMAC_REDUCTION & -carry);
  return doubled;
}
