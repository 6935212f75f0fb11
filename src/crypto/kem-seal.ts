/**
 * Encryption to an ML-KEM public key (FIPS 203): a fresh shared secret is encapsulated, and AES-256-GCM seals the data under a key
 * and nonce that HKDF-SHA-256 (RFC 5869) makes of it. The sealed form is the encapsulation, then ciphertext and tag.
 */
import { createSecretKey, decapsulate, encapsulate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AEAD_TAG_BYTES, aeadKeyBytes, aeadNonceBytes, aeadOpen, aeadSeal } from './aead.ts';
import { hkdfExpand, hkdfExtract } from './hkdf.ts';
import { wipe } from './secret-bytes.ts';
import { AuthenticationError } from './xaes.ts';

const AEAD = 'aes-256-gcm';
const LABEL = 'strongroom kem-seal aes-256-gcm v1 ';

/** Lengths of an encapsulation (FIPS 203, table 3). */
const ENCAPSULATION_BYTES: Readonly<Record<string, number>> = {
  'ml-kem-512': 768,
  'ml-kem-768': 1088,
  'ml-kem-1024': 1568,
};

/** Bytes that an encapsulation to `key` has. @throws {RangeError} the key is none of ML-KEM */
export function encapsulationBytes(key: KeyObject): number {
  const found = ENCAPSULATION_BYTES[key.asymmetricKeyType ?? ''];
  if (found === undefined) throw new RangeError('not an ML-KEM key');
  return found;
}

export interface Encapsulated {
  readonly ciphertext: Buffer;
  /** 32 bytes that the caller wipes. */
  readonly sharedKey: Buffer;
}

/** A new shared secret, and what only the holder of the private key gets it out of. */
export function encapsulateFor(publicKey: KeyObject): Encapsulated {
  const { ciphertext, sharedKey } = encapsulate(publicKey);
  return { ciphertext: Buffer.from(ciphertext), sharedKey: Buffer.from(sharedKey) };
}

/**
 * The shared secret, 32 bytes that the caller wipes. An encapsulation that was changed gives another secret, and no error: only
 * what is done with it can tell. @throws {AuthenticationError} the length is wrong
 */
export function decapsulateWith(privateKey: KeyObject, ciphertext: Buffer): Buffer {
  if (ciphertext.length !== encapsulationBytes(privateKey)) {
    throw new AuthenticationError('an encapsulation of the wrong length');
  }
  return Buffer.from(decapsulate(privateKey, ciphertext));
}

interface Derived {
  readonly key: KeyObject;
  readonly nonce: Buffer;
}

function derived(sharedKey: Buffer, type: string): Derived {
  const extracted = hkdfExtract(sharedKey);
  const keyBytes = aeadKeyBytes(AEAD);
  const info = Buffer.from(LABEL + type);
  const bytes = hkdfExpand(extracted, info, keyBytes + aeadNonceBytes(AEAD));
  const key = createSecretKey(bytes.subarray(0, keyBytes));
  const nonce = Buffer.from(bytes.subarray(keyBytes));
  for (const each of [sharedKey, extracted, bytes]) wipe(each);
  return { key, nonce };
}

export function kemSeal(publicKey: KeyObject, plaintext: Buffer, associatedData: Buffer): Buffer {
  const { ciphertext, sharedKey } = encapsulateFor(publicKey);
  const { key, nonce } = derived(sharedKey, publicKey.asymmetricKeyType ?? '');
  // The nonce is known to whoever can open it, so it is left out.
  const sealed = aeadSeal(AEAD, key, nonce, plaintext, associatedData).subarray(nonce.length);
  return Buffer.concat([ciphertext, sealed]);
}

/** @throws {AuthenticationError} */
export function kemOpen(privateKey: KeyObject, sealed: Buffer, associatedData: Buffer): Buffer {
  const length = encapsulationBytes(privateKey);
  if (sealed.length < length + AEAD_TAG_BYTES) throw new AuthenticationError('too short');
  const sharedKey = decapsulateWith(privateKey, sealed.subarray(0, length));
  const { key, nonce } = derived(sharedKey, privateKey.asymmetricKeyType ?? '');
  return aeadOpen(AEAD, key, Buffer.concat([nonce, sealed.subarray(length)]), associatedData);
}
