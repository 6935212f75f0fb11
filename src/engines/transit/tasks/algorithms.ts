/** JSON Web Algorithms (RFC 7518) on the keys of this engine: signatures over digests, and RSA encryption. */
import { constants, privateDecrypt, publicEncrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Random } from '../../../base/random.ts';
import { signDigestEcdsa, verifyDigestEcdsa } from '../../../crypto/signatures/ecdsa-digest.ts';
import {
  digestBytes,
  signDigestPkcs1,
  signDigestPss,
  verifyDigestPkcs1,
  verifyDigestPss,
} from '../../../crypto/rsa/digest.ts';
import type { DigestName } from '../../../crypto/rsa/digest.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { EncryptionAlgorithm, SignatureAlgorithm } from '../../../model/tasks/key-task.ts';
import { rsaDecrypt } from '../data/crypt.ts';
import type { KeyType } from '../keys/key-types.ts';

interface SignatureRow {
  readonly family: 'rsa' | 'ecdsa';
  readonly hash: DigestName;
  readonly pss?: true;
  readonly curve?: string;
}

const SIGNATURES: Readonly<Record<SignatureAlgorithm, SignatureRow>> = {
  RS256: { family: 'rsa', hash: 'sha256' },
  RS384: { family: 'rsa', hash: 'sha384' },
  RS512: { family: 'rsa', hash: 'sha512' },
  PS256: { family: 'rsa', hash: 'sha256', pss: true },
  PS384: { family: 'rsa', hash: 'sha384', pss: true },
  PS512: { family: 'rsa', hash: 'sha512', pss: true },
  ES256: { family: 'ecdsa', hash: 'sha256', curve: 'P-256' },
  ES384: { family: 'ecdsa', hash: 'sha384', curve: 'P-384' },
  ES512: { family: 'ecdsa', hash: 'sha512', curve: 'P-521' },
};

/** @throws {RequestError} the key is none for the algorithm, or the digest none of its function */
function rowFor(type: KeyType, algorithm: SignatureAlgorithm, digest: Buffer): SignatureRow {
  const row = SIGNATURES[algorithm];
  if (row.family !== type.family || (row.curve !== undefined && row.curve !== type.curve)) {
    throw invalidRequest('the key is not one for this algorithm');
  }
  if (digest.length !== digestBytes(row.hash)) {
    throw invalidRequest('the digest does not have the length of the algorithm’s function');
  }
  return row;
}

export function signDigest(
  type: KeyType,
  key: KeyObject,
  algorithm: SignatureAlgorithm,
  digest: Buffer,
  random: Random,
): Buffer {
  const { family, hash, pss } = rowFor(type, algorithm, digest);
  if (family === 'ecdsa') return signDigestEcdsa(key, digest, random);
  return pss === true
    ? signDigestPss(key, hash, digest, digestBytes(hash), random)
    : signDigestPkcs1(key, hash, digest);
}

export function verifyDigest(
  type: KeyType,
  key: KeyObject,
  algorithm: SignatureAlgorithm,
  digest: Buffer,
  signature: Buffer,
): boolean {
  const { family, hash, pss } = rowFor(type, algorithm, digest);
  if (family === 'ecdsa') return verifyDigestEcdsa(key, digest, signature);
  return pss === true
    ? verifyDigestPss(key, hash, digest, signature, digestBytes(hash))
    : verifyDigestPkcs1(key, hash, digest, signature);
}

const OAEP_HASHES: Readonly<Partial<Record<EncryptionAlgorithm, readonly [string, string]>>> = {
  'RSA-OAEP': ['sha1', 'SHA-1'],
  'RSA-OAEP-256': ['sha256', 'SHA-256'],
};

/** @throws {RequestError} */
export function encryptRsa(
  key: KeyObject,
  algorithm: EncryptionAlgorithm,
  plaintext: Buffer,
): Buffer {
  const [oaepHash] = OAEP_HASHES[algorithm] ?? [];
  try {
    return oaepHash === undefined
      ? publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, plaintext)
      : publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, plaintext);
  } catch {
    throw invalidRequest('the plaintext is too long for the key');
  }
}

/**
 * Of PKCS #1 v1.5, OpenSSL answers a wrong padding with made-up bytes, so that nobody learns from the difference (implicit
 * rejection). @throws {RequestError}
 */
export async function decryptRsa(
  key: KeyObject,
  algorithm: EncryptionAlgorithm,
  ciphertext: Buffer,
): Promise<Buffer> {
  const [, hash] = OAEP_HASHES[algorithm] ?? [];
  try {
    return hash === undefined
      ? privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, ciphertext)
      : await rsaDecrypt(key, ciphertext, hash);
  } catch {
    throw invalidRequest('the ciphertext cannot be decrypted');
  }
}
