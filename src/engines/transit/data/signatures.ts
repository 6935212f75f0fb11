/** Signs and verifies one input with one version of a key. */
import { constants } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Random } from '../../../base/random.ts';
import { signDigestEcdsa, verifyDigestEcdsa } from '../../../crypto/signatures/ecdsa-digest.ts';
import { signMessage, verifyMessage } from '../../../crypto/signatures/messages.ts';
import { signSlhDsa, verifySlhDsa } from '../../../crypto/signatures/slh-dsa.ts';
import { isDerEcdsaSignature } from '../../../crypto/der.ts';
import {
  DigestError,
  digestBytes,
  signDigestPkcs1,
  signDigestPss,
  verifyDigestPkcs1,
  verifyDigestPss,
} from '../../../crypto/rsa/digest.ts';
import type { DigestName } from '../../../crypto/rsa/digest.ts';
import { ItemError } from '../failures.ts';
import type { KeyType } from '../keys/key-types.ts';

/** Names of the API, and of OpenSSL. `none` is for digests whose function is not named in the signature. */
export const HASHES: ReadonlyMap<string, DigestName | undefined> = new Map([
  ['none', undefined],
  ['sha1', 'sha1'],
  ['sha2-224', 'sha224'],
  ['sha2-256', 'sha256'],
  ['sha2-384', 'sha384'],
  ['sha2-512', 'sha512'],
  ['sha3-224', 'sha3-224'],
  ['sha3-256', 'sha3-256'],
  ['sha3-384', 'sha3-384'],
  ['sha3-512', 'sha3-512'],
]);

export interface SignatureOptions {
  readonly hash: DigestName | undefined;
  readonly marshaling: 'asn1' | 'jws';
  /** The input is a digest already. */
  readonly prehashed: boolean;
  /** Of RSA: `pss`, the default, or `pkcs1v15`. */
  readonly algorithm: string;
  readonly salt: 'auto' | 'hash' | number;
}

function saltBytes({ salt, hash }: SignatureOptions): number | undefined {
  if (salt === 'auto') return undefined;
  return salt === 'hash' ? digestBytes(hash ?? 'sha256') : salt;
}

function checkRsa(key: KeyObject, options: SignatureOptions): 'pss' | 'pkcs1v15' {
  const algorithm = options.algorithm === '' ? 'pss' : options.algorithm;
  if (algorithm !== 'pss' && algorithm !== 'pkcs1v15') {
    throw new ItemError('unsupported rsa signature algorithm', 'internal');
  }
  if (algorithm === 'pss') {
    const { hash } = options;
    if (hash === undefined) throw new ItemError('unsupported hash algorithm', 'internal');
    const modulusBytes = Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
    const wanted = saltBytes(options) ?? 0;
    if (wanted > modulusBytes - 2 - digestBytes(hash)) {
      throw new ItemError('requested salt length is invalid');
    }
  }
  return algorithm;
}

async function signRsa(
  key: KeyObject,
  input: Buffer,
  options: SignatureOptions,
  random: Random,
): Promise<Buffer> {
  const algorithm = checkRsa(key, options);
  const { hash } = options;
  if (!options.prehashed && hash !== undefined) {
    if (algorithm === 'pkcs1v15') return await signMessage(hash, input, { key });
    const saltLength = saltBytes(options) ?? constants.RSA_PSS_SALTLEN_MAX_SIGN;
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return await signMessage(hash, input, { key, padding, saltLength });
  }
  try {
    if (algorithm === 'pkcs1v15') return signDigestPkcs1(key, hash, input);
    return signDigestPss(key, hash ?? 'sha256', input, saltBytes(options), random);
  } catch (error) {
    if (!(error instanceof DigestError)) throw error;
    throw new ItemError(`crypto/rsa: ${error.message}`, 'internal');
  }
}

async function verifyRsa(
  key: KeyObject,
  input: Buffer,
  signature: Buffer,
  options: SignatureOptions,
): Promise<boolean> {
  const algorithm = checkRsa(key, options);
  const { hash } = options;
  if (!options.prehashed && hash !== undefined) {
    if (algorithm === 'pkcs1v15') return await verifyMessage(hash, input, key, signature);
    const saltLength = saltBytes(options) ?? constants.RSA_PSS_SALTLEN_AUTO;
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return await verifyMessage(hash, input, { key, padding, saltLength }, signature);
  }
  if (algorithm === 'pkcs1v15') return verifyDigestPkcs1(key, hash, input, signature);
  return verifyDigestPss(key, hash ?? 'sha256', input, signature, saltBytes(options));
}

export async function signInput(
  type: KeyType,
  key: KeyObject,
  input: Buffer,
  options: SignatureOptions,
  random: Random,
): Promise<Buffer> {
  switch (type.family) {
    case 'rsa':
      return await signRsa(key, input, options, random);
    case 'ecdsa': {
      if (options.prehashed) {
        return signDigestEcdsa(
          key,
          input,
          random,
          options.marshaling === 'jws' ? 'compact' : 'der',
        );
      }
      const dsaEncoding = options.marshaling === 'jws' ? 'ieee-p1363' : 'der';
      return await signMessage(options.hash, input, { key, dsaEncoding });
    }
    case 'slh-dsa':
      return await signSlhDsa(key, input);
    default:
      // Ed25519 and ML-DSA hash for themselves.
      return await signMessage(null, input, key);
  }
}

export async function verifyInput(
  type: KeyType,
  key: KeyObject,
  input: Buffer,
  signature: Buffer,
  options: SignatureOptions,
): Promise<boolean> {
  switch (type.family) {
    case 'rsa':
      return await verifyRsa(key, input, signature, options);
    case 'ecdsa': {
      if (options.marshaling === 'asn1' && !isDerEcdsaSignature(signature)) {
        throw new ItemError('supplied signature is invalid');
      }
      if (options.prehashed) {
        const format = options.marshaling === 'jws' ? 'compact' : 'der';
        return verifyDigestEcdsa(key, input, signature, format);
      }
      const dsaEncoding = options.marshaling === 'jws' ? 'ieee-p1363' : 'der';
      return await verifyMessage(options.hash, input, { key, dsaEncoding }, signature);
    }
    case 'slh-dsa':
      return await verifySlhDsa(key, input, signature);
    default:
      return await verifyMessage(null, input, key, signature);
  }
}
