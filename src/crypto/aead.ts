/** AEAD ciphers in one call each: the sealed form is nonce, ciphertext, 16-byte tag. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { CipherGCMTypes, KeyObject } from 'node:crypto';
import { wipe } from './secret-bytes.ts';
import { HCHACHA_NONCE_BYTES, hchacha20 } from './xchacha.ts';
import { AuthenticationError } from './xaes.ts';

export type AeadName = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305' | 'xchacha20-poly1305';

export const AEAD_TAG_BYTES: number = 16;

const SIZES: Readonly<
  Record<AeadName, { readonly keyBytes: number; readonly nonceBytes: number }>
> = {
  'aes-128-gcm': { keyBytes: 16, nonceBytes: 12 },
  'aes-256-gcm': { keyBytes: 32, nonceBytes: 12 },
  'chacha20-poly1305': { keyBytes: 32, nonceBytes: 12 },
  'xchacha20-poly1305': { keyBytes: 32, nonceBytes: 24 },
};

export function aeadKeyBytes(aead: AeadName): number {
  return SIZES[aead].keyBytes;
}

export function aeadNonceBytes(aead: AeadName): number {
  return SIZES[aead].nonceBytes;
}

type Key = KeyObject | Uint8Array;

interface Inner {
  readonly cipher: 'aes-256-gcm';
  readonly key: Key;
  readonly nonce: Uint8Array;
  /** Made for this one call. */
  readonly subkey: Buffer | undefined;
}

/** XChaCha20-Poly1305 is ChaCha20-Poly1305 under a subkey, with four zero bytes before the rest of the nonce (draft §2.3). */
function innerOf(aead: AeadName, key: Key, nonce: Uint8Array): Inner {
  // Node's types know `setAuthTag` for GCM names only; both others work the same way.
  if (aead !== 'xchacha20-poly1305') {
    return { cipher: aead as CipherGCMTypes as 'aes-256-gcm', key, nonce, subkey: undefined };
  }
  const subkey = hchacha20(key, nonce.subarray(0, HCHACHA_NONCE_BYTES));
  const rest = Buffer.alloc(12);
  rest.set(nonce.subarray(HCHACHA_NONCE_BYTES), 4);
  return {
    cipher: 'chacha20-poly1305' as string as 'aes-256-gcm',
    key: subkey,
    nonce: rest,
    subkey,
  };
}

/** @param nonce never used before under this key, unless it is derived from key and plaintext. */
export function aeadSeal(
  aead: AeadName,
  key: Key,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  additional: Uint8Array,
): Buffer {
  if (nonce.length !== SIZES[aead].nonceBytes) throw new RangeError('nonce has the wrong length');
  const inner = innerOf(aead, key, nonce);
  const cipher = createCipheriv(inner.cipher, inner.key, inner.nonce, {
    authTagLength: AEAD_TAG_BYTES,
  });
  if (inner.subkey !== undefined) wipe(inner.subkey);
  if (additional.length > 0) cipher.setAAD(additional, { plaintextLength: plaintext.length });
  const text = cipher.update(plaintext);
  cipher.final();
  const tag = cipher.getAuthTag();
  // Put together by hand: `Buffer.concat` costs as much as encrypting a short text.
  const sealed = Buffer.allocUnsafe(nonce.length + text.length + tag.length);
  sealed.set(nonce);
  sealed.set(text, nonce.length);
  sealed.set(tag, nonce.length + text.length);
  return sealed;
}

/** The plaintext. @throws {AuthenticationError} it was not sealed so, under this key and with these additional data */
export function aeadOpen(
  aead: AeadName,
  key: Key,
  sealed: Uint8Array,
  additional: Uint8Array,
): Buffer {
  const { nonceBytes } = SIZES[aead];
  const tagAt = sealed.length - AEAD_TAG_BYTES;
  if (tagAt < nonceBytes) throw new AuthenticationError('message authentication failed');
  const inner = innerOf(aead, key, sealed.subarray(0, nonceBytes));
  const decipher = createDecipheriv(inner.cipher, inner.key, inner.nonce, {
    authTagLength: AEAD_TAG_BYTES,
  });
  if (inner.subkey !== undefined) wipe(inner.subkey);
  decipher.setAuthTag(sealed.subarray(tagAt));
  if (additional.length > 0) decipher.setAAD(additional, { plaintextLength: tagAt - nonceBytes });
  const plaintext = decipher.update(sealed.subarray(nonceBytes, tagAt));
  try {
    decipher.final();
  } catch {
    wipe(plaintext);
    throw new AuthenticationError('message authentication failed');
  }
  return plaintext;
}
