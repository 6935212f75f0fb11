/** Encrypts and decrypts one input with one version of a key. Formats are Vault's, so that ciphertexts move either way. */
import { constants, createHmac, createSecretKey, publicEncrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { decodeBase64 } from '../../../base/base64.ts';
import {
  AEAD_TAG_BYTES,
  aeadKeyBytes,
  aeadNonceBytes,
  aeadOpen,
  aeadSeal,
} from '../../../crypto/aead.ts';
import type { AeadName } from '../../../crypto/aead.ts';
import { hkdfExpand } from '../../../crypto/hkdf.ts';
import { rsaDecrypt } from '../../../crypto/jwa.ts';
import { kemOpen, kemSeal } from '../../../crypto/kem-seal.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import { AuthenticationError } from '../../../crypto/xaes.ts';
import { ItemError, NO_CONTEXT } from '../failures.ts';
import type { ReadyKey } from '../keys/key-cache.ts';
import type { StoredKey } from '../keys/key-record.ts';
import { keyTypeOf } from '../keys/key-types.ts';
import type { NoncePool } from './nonce-pool.ts';

/** What one input comes with, decoded. */
export interface CryptOptions {
  readonly context: Buffer;
  readonly associatedData: Buffer;
}

const HMAC_KEY_BYTES = 32;

interface AeadKeys {
  readonly key: KeyObject;
  /** Makes nonces from plaintexts, of convergent keys. */
  readonly nonceKey: KeyObject | undefined;
}

function aeadKeys(record: StoredKey, ready: ReadyKey, aead: AeadName, context: Buffer): AeadKeys {
  if (ready.root === undefined) {
    if (ready.secret === undefined) throw new Error('a symmetric key has no material');
    return { key: ready.secret, nonceKey: undefined };
  }
  if (context.length === 0) throw new ItemError(NO_CONTEXT);
  const keyBytes = aeadKeyBytes(aead);
  const bytes = hkdfExpand(
    ready.root,
    context,
    keyBytes + (record.convergent ? HMAC_KEY_BYTES : 0),
  );
  const key = createSecretKey(bytes.subarray(0, keyBytes));
  const nonceKey = record.convergent ? createSecretKey(bytes.subarray(keyBytes)) : undefined;
  wipe(bytes);
  return { key, nonceKey };
}

export function encryptBytes(
  record: StoredKey,
  ready: ReadyKey,
  plaintext: Buffer,
  options: CryptOptions,
  nonces: NoncePool,
): Buffer {
  const type = keyTypeOf(record);
  if (type.aead !== undefined) {
    const { key, nonceKey } = aeadKeys(record, ready, type.aead, options.context);
    const nonceBytes = aeadNonceBytes(type.aead);
    const nonce =
      nonceKey === undefined
        ? nonces.next(nonceBytes)
        : createHmac('sha256', nonceKey).update(plaintext).digest().subarray(0, nonceBytes);
    return aeadSeal(type.aead, key, nonce, plaintext, options.associatedData);
  }
  if (ready.publicKey === undefined) throw new Error('a key has no public half');
  if (type.family === 'ml-kem') {
    return kemSeal(ready.publicKey, plaintext, options.associatedData);
  }
  try {
    return publicEncrypt(
      { key: ready.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
      plaintext,
    );
  } catch {
    throw new ItemError(
      'failed to RSA encrypt the plaintext: it is too long for the key',
      'internal',
    );
  }
}

export function decryptBytes(
  record: StoredKey,
  ready: ReadyKey,
  sealed: Buffer,
  options: CryptOptions,
): Buffer | Promise<Buffer> {
  const type = keyTypeOf(record);
  if (type.aead !== undefined) {
    const { key } = aeadKeys(record, ready, type.aead, options.context);
    if (sealed.length < aeadNonceBytes(type.aead)) throw new ItemError('invalid ciphertext length');
    try {
      if (sealed.length < aeadNonceBytes(type.aead) + AEAD_TAG_BYTES) {
        throw new AuthenticationError('too short');
      }
      return aeadOpen(type.aead, key, sealed, options.associatedData);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      const family = type.aead.startsWith('aes') ? 'cipher' : 'chacha20poly1305';
      throw new ItemError(`${family}: message authentication failed`);
    }
  }
  if (ready.privateKey === undefined) {
    throw new ItemError(
      'cannot decrypt ciphertext, key version does not have a private counterpart',
      'internal',
    );
  }
  if (type.family === 'ml-kem') return openKem(ready.privateKey, sealed, options);
  return rsaDecrypt(ready.privateKey, sealed, 'SHA-256').catch(() => {
    throw new ItemError('failed to RSA decrypt the ciphertext: decryption error', 'internal');
  });
}

function openKem(key: KeyObject, sealed: Buffer, { associatedData }: CryptOptions): Buffer {
  try {
    return kemOpen(key, sealed, associatedData);
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error;
    throw new ItemError('ml-kem: message authentication failed');
  }
}

/** Base64 of an input. @throws {ItemError} */
export function inputBytes(text: string, problem = 'illegal base64 data'): Buffer {
  const bytes = decodeBase64(text);
  if (bytes === undefined) throw new ItemError(problem);
  return bytes;
}
