/**
 * HChaCha20 (draft-irtf-cfrg-xchacha-03 §2.2), which makes ChaCha20-Poly1305's nonce 24 bytes long. OpenSSL has the ChaCha20 block
 * function, which is HChaCha20's permutation plus its own input; the words of that input that HChaCha20's output is made of
 * (constants and nonce) are public, so taking them away again gives HChaCha20, with the key never leaving OpenSSL.
 */
import { createCipheriv } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { secretBuffer } from './secret-bytes.ts';

export const HCHACHA_NONCE_BYTES: number = 16;
const BLOCK_BYTES = 64;
const KEY_BYTES = 32;
const WORD_BYTES = 4;
/** Where the nonce's words lie in a block. */
const NONCE_AT = 48;
const HALF_BYTES = 16;
/** "expand 32-byte k" (RFC 8439 §2.3). */
const CONSTANTS = Buffer.from('expand 32-byte k');
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** The subkey for the first 16 bytes of a 24-byte nonce, in a buffer that the caller wipes. */
export function hchacha20(key: KeyObject | Uint8Array, nonce: Uint8Array): Buffer {
  if (nonce.length !== HCHACHA_NONCE_BYTES) throw new RangeError('nonce must be 16 bytes');
  const block = createCipheriv('chacha20', key, nonce).update(ZEROS);
  const words = Buffer.from(nonce);
  const subkey = secretBuffer(KEY_BYTES);
  for (let at = 0; at < HALF_BYTES; at += WORD_BYTES) {
    subkey.writeUInt32LE((block.readUInt32LE(at) - CONSTANTS.readUInt32LE(at)) >>> 0, at);
    subkey.writeUInt32LE(
      (block.readUInt32LE(NONCE_AT + at) - words.readUInt32LE(at)) >>> 0,
      HALF_BYTES + at,
    );
  }
  block.fill(0);
  return subkey;
}
