/** AES key wrap with padding (RFC 5649), as PKCS #11's CKM_AES_KEY_WRAP_KWP does it; OpenSSL does the work. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { AuthenticationError } from './xaes.ts';

/** The alternative initial value's constant (RFC 5649 §3). */
const INITIAL_VALUE = Buffer.from('a65959a6', 'hex');

function cipherFor(key: Uint8Array): string {
  return `id-aes${key.length * 8}-wrap-pad`;
}

/** @param key 16, 24 or 32 bytes. @param secret 1 byte or more */
export function wrapKey(key: Uint8Array, secret: Uint8Array): Buffer {
  const cipher = createCipheriv(cipherFor(key), key, INITIAL_VALUE);
  return Buffer.concat([cipher.update(secret), cipher.final()]);
}

/** @throws {AuthenticationError} it was not wrapped under this key */
export function unwrapKey(key: Uint8Array, wrapped: Uint8Array): Buffer {
  try {
    const decipher = createDecipheriv(cipherFor(key), key, INITIAL_VALUE);
    return Buffer.concat([decipher.update(wrapped), decipher.final()]);
  } catch {
    throw new AuthenticationError('the wrapped key failed authentication');
  }
}
