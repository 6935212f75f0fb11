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
import { bitsOf, contextTag, derBitString, derOid, DER_NULL } from '../der-values.ts';
import { DER, derElements, derOf, derSequence } from '../der.ts';
import { pemOf } from '../pem.ts';
import { makeRsaKey } from '../rsa/keys.ts';
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
  if (type === 'rsa') return await makeRsaKey(bits);
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

type UsualForm = 'pkcs1' | 'sec1' | 'pkcs8';

const USUAL_FORM: Readonly<Record<string, UsualForm>> = {
  rsa: 'pkcs1',
  ec: 'sec1',
  ed25519: 'pkcs8',
};
const PEM_LABELS: Readonly<Record<UsualForm, string>> = {
  pkcs1: 'RSA PRIVATE KEY',
  sec1: 'EC PRIVATE KEY',
  pkcs8: 'PRIVATE KEY',
};

/** A private key as it is handed out, with what a certificate says of it. */
export interface WrittenKey {
  readonly key: KeyObject;
  readonly form: UsualForm;
  /** DER in the form usual for its type; {@link wipe} it after use. */
  readonly der: Buffer;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKeyInfo: Buffer;
}

/** OpenSSL writes a key once for all that is needed of it: each export costs as much as a signature. */
export function writeKey(key: KeyObject): WrittenKey {
  const form = USUAL_FORM[key.asymmetricKeyType ?? ''] ?? 'pkcs8';
  const der = key.export({ format: 'der', type: form });
  return { key, form, der, publicKeyInfo: publicKeyInfoIn(der, form) ?? publicKeyInfoOf(key) };
}

const RSA_KEY = derOf(DER.sequence, derOid('1.2.840.113549.1.1.1'), DER_NULL);
const EC_KEY_OID = derOid('1.2.840.10045.2.1');

/** From the public half that lies in an RSAPrivateKey (RFC 8017 A.1.2) or an ECPrivateKey (RFC 5915 §3). */
function publicKeyInfoIn(der: Buffer, form: UsualForm): Buffer | undefined {
  if (form === 'pkcs8') return undefined;
  const elements = derSequence(der);
  if (form === 'pkcs1') {
    const numbers = elements.slice(1, 3).map((each) => each.whole);
    return derOf(DER.sequence, RSA_KEY, derBitString(derOf(DER.sequence, ...numbers)));
  }
  const curve = elements.find(({ tag }) => tag === contextTag(0, true));
  const point = elements.find(({ tag }) => tag === contextTag(1, true));
  if (curve === undefined || point === undefined) return undefined;
  const bits = bitsOf(derElements(point.content)[0]);
  const algorithm = derOf(DER.sequence, EC_KEY_OID, curve.content);
  return derOf(DER.sequence, algorithm, derBitString(bits));
}

/** Method 1 of RFC 5280 §4.2.1.2: the SHA-1 of the public key. */
export function keyIdOf(publicKeyInfo: Buffer): Buffer {
  return createHash('sha1').update(publicKeyBits({ publicKeyInfo })).digest();
}

/** PEM without a line end after it. */
export function privateKeyPem({ key, form, der }: WrittenKey, wanted: 'usual' | 'pkcs8'): string {
  if (wanted === 'usual' || form === 'pkcs8') return pemOf(der, PEM_LABELS[form]);
  return key.export({ format: 'pem', type: 'pkcs8' }).trim();
}

/** DER in base64. */
export function privateKeyBase64(
  { key, form, der }: WrittenKey,
  wanted: 'usual' | 'pkcs8',
): string {
  if (wanted === 'usual' || form === 'pkcs8') return der.toString('base64');
  const bytes = key.export({ format: 'der', type: 'pkcs8' });
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
