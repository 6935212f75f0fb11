/** Key pairs of certificates: made, read from PEM, and written the way each type is usually written. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { wipe } from '../secret-bytes.ts';
import type { KeyType } from './algorithms.ts';
import { publicKeyBits } from './ocsp.ts';

const makePair = promisify(generateKeyPair);

const CURVES: Readonly<Record<number, string>> = {
  224: 'secp224r1',
  256: 'prime256v1',
  384: 'secp384r1',
  521: 'secp521r1',
};

/** @param bits of the modulus or the curve; ignored for Ed25519. @throws {RangeError} no such curve */
export async function makePrivateKey(type: KeyType, bits: number): Promise<KeyObject> {
  if (type === 'rsa') return (await makePair('rsa', { modulusLength: bits })).privateKey;
  if (type === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  const namedCurve = CURVES[bits];
  if (namedCurve === undefined) throw new RangeError('no such curve');
  // A P-256 pair takes less time than handing it to another thread.
  if (bits === 256) return generateKeyPairSync('ec', { namedCurve }).privateKey;
  return (await makePair('ec', { namedCurve })).privateKey;
}

/** SubjectPublicKeyInfo in DER. */
export function publicKeyInfoOf(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
}

/** Method 1 of RFC 5280 §4.2.1.2: the SHA-1 of the public key. */
export function keyIdOf(publicKeyInfo: Buffer): Buffer {
  return createHash('sha1').update(publicKeyBits({ publicKeyInfo })).digest();
}

const USUAL_FORM: Readonly<Record<string, 'pkcs1' | 'sec1' | 'pkcs8'>> = {
  rsa: 'pkcs1',
  ec: 'sec1',
  ed25519: 'pkcs8',
};

/** PEM without a line end after it. */
export function privateKeyPem(key: KeyObject, form: 'usual' | 'pkcs8'): string {
  const type = form === 'pkcs8' ? 'pkcs8' : (USUAL_FORM[key.asymmetricKeyType ?? ''] ?? 'pkcs8');
  return key.export({ format: 'pem', type }).trim();
}

/** DER in base64. */
export function privateKeyBase64(key: KeyObject, form: 'usual' | 'pkcs8'): string {
  const type = form === 'pkcs8' ? 'pkcs8' : (USUAL_FORM[key.asymmetricKeyType ?? ''] ?? 'pkcs8');
  const bytes = key.export({ format: 'der', type });
  const text = bytes.toString('base64');
  wipe(bytes);
  return text;
}

/** Any of PKCS#1, SEC 1 and PKCS#8; undefined for what is no private key. */
export function readPrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** The key of a SubjectPublicKeyInfo; undefined for what is none. */
export function readPublicKey(publicKeyInfo: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: publicKeyInfo, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
