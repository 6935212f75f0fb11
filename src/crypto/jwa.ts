/** JSON Web Algorithms (RFC 7518 §3.1, §4.1) for keys with two halves: signatures over digests, and RSA encryption. */
import { constants, privateDecrypt, publicEncrypt, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Random } from '../base/random.ts';
import {
  digestBytes,
  signDigestPkcs1,
  signDigestPss,
  verifyDigestPkcs1,
  verifyDigestPss,
} from './rsa/digest.ts';
import type { DigestName } from './rsa/digest.ts';
import { signDigestEcdsa, verifyDigestEcdsa } from './signatures/ecdsa-digest.ts';

/** The key is none for the algorithm, or the input none for the key. The text repeats no value. */
export class JwaError extends Error {
  override readonly name = 'JwaError';
}

interface SignatureRow {
  readonly keyType: 'rsa' | 'ec';
  readonly hash: DigestName;
  readonly pss?: true;
  /** OpenSSL's name. */
  readonly curve?: string;
}

const SIGNATURES: Readonly<Partial<Record<string, SignatureRow>>> = {
  RS256: { keyType: 'rsa', hash: 'sha256' },
  RS384: { keyType: 'rsa', hash: 'sha384' },
  RS512: { keyType: 'rsa', hash: 'sha512' },
  PS256: { keyType: 'rsa', hash: 'sha256', pss: true },
  PS384: { keyType: 'rsa', hash: 'sha384', pss: true },
  PS512: { keyType: 'rsa', hash: 'sha512', pss: true },
  ES256: { keyType: 'ec', hash: 'sha256', curve: 'prime256v1' },
  ES384: { keyType: 'ec', hash: 'sha384', curve: 'secp384r1' },
  ES512: { keyType: 'ec', hash: 'sha512', curve: 'secp521r1' },
};

/** @throws {JwaError} */
function rowFor(key: KeyObject, algorithm: string, digest: Buffer): SignatureRow {
  const row = SIGNATURES[algorithm];
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (row === undefined || row.keyType !== key.asymmetricKeyType || row.curve !== curve) {
    throw new JwaError('the key is not one for this algorithm');
  }
  if (digest.length !== digestBytes(row.hash)) {
    throw new JwaError('the digest does not have the length of the algorithm’s function');
  }
  return row;
}

/** @throws {JwaError} */
export function signDigest(
  key: KeyObject,
  algorithm: string,
  digest: Buffer,
  random: Random,
): Buffer {
  const { keyType, hash, pss } = rowFor(key, algorithm, digest);
  if (keyType === 'ec') return signDigestEcdsa(key, digest, random);
  return pss === true
    ? signDigestPss(key, hash, digest, digestBytes(hash), random)
    : signDigestPkcs1(key, hash, digest);
}

/** @throws {JwaError} */
export function verifyDigest(
  key: KeyObject,
  algorithm: string,
  digest: Buffer,
  signature: Buffer,
): boolean {
  const { keyType, hash, pss } = rowFor(key, algorithm, digest);
  if (keyType === 'ec') return verifyDigestEcdsa(key, digest, signature);
  return pss === true
    ? verifyDigestPss(key, hash, digest, signature, digestBytes(hash))
    : verifyDigestPkcs1(key, hash, digest, signature);
}

const OAEP_HASHES: Readonly<Partial<Record<string, readonly [string, string]>>> = {
  'RSA-OAEP': ['sha1', 'SHA-1'],
  'RSA-OAEP-256': ['sha256', 'SHA-256'],
};

/** @throws {JwaError} */
export function encryptRsa(key: KeyObject, algorithm: string, plaintext: Buffer): Buffer {
  assertRsa(key);
  const [oaepHash] = OAEP_HASHES[algorithm] ?? [];
  try {
    return oaepHash === undefined
      ? publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, plaintext)
      : publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, plaintext);
  } catch {
    throw new JwaError('the plaintext is too long for the key');
  }
}

/**
 * Of PKCS #1 v1.5, OpenSSL answers a wrong padding with made-up bytes, so that nobody learns from the difference (implicit
 * rejection). @throws {JwaError}
 */
export async function decryptRsa(
  key: KeyObject,
  algorithm: string,
  ciphertext: Buffer,
): Promise<Buffer> {
  assertRsa(key);
  const [, hash] = OAEP_HASHES[algorithm] ?? [];
  try {
    return hash === undefined
      ? privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, ciphertext)
      : await rsaDecrypt(key, ciphertext, hash);
  } catch {
    throw new JwaError('the ciphertext cannot be decrypted');
  }
}

function assertRsa(key: KeyObject): void {
  if (key.asymmetricKeyType !== 'rsa') throw new JwaError('the key is not one for this algorithm');
}

/** RSA decryption costs milliseconds: it runs off the event loop. @param hash as Web Cryptography names it */
export async function rsaDecrypt(key: KeyObject, sealed: Buffer, hash: string): Promise<Buffer> {
  const cryptoKey = key.toCryptoKey({ name: 'RSA-OAEP', hash }, false, ['decrypt']);
  return Buffer.from(
    await webcrypto.subtle.decrypt({ name: 'RSA-OAEP' }, cryptoKey, Uint8Array.from(sealed)),
  );
}
