/** Checks that imported bytes are a key of the declared type. */
import { createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { aeadKeyBytes } from '../../../crypto/aead.ts';
import { kemOpen, kemSeal } from '../../../crypto/kem-seal.ts';
import { hasSoundExponent } from '../../../crypto/rsa/keys.ts';
import { signSlhDsa, verifySlhDsa } from '../../../crypto/signatures/slh-dsa.ts';
import { WorkQueueFullError } from '../../../base/slow-work.ts';
import { refused } from '../failures.ts';
import { HMAC_KEY_BYTES_MAX, HMAC_KEY_BYTES_MIN, isAsymmetric } from '../keys/key-types.ts';
import type { KeyType } from '../keys/key-types.ts';
import { privateKeyOf } from '../keys/material.ts';

/** OpenSSL's other names of the curves. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

/** @throws {RequestError} the key is of another type or size */
export function checkFits(
  type: KeyType,
  key: KeyObject,
  problem: string = `error importing key: invalid key type: expected ${type.name}`,
): void {
  const { namedCurve = '', modulusLength } = key.asymmetricKeyDetails ?? {};
  const fits =
    type.family === 'ecdsa'
      ? key.asymmetricKeyType === 'ec' && CURVES[namedCurve] === type.curve
      : type.family === 'rsa'
        ? key.asymmetricKeyType === 'rsa' && modulusLength === type.rsaBits && hasSoundExponent(key)
        : key.asymmetricKeyType === type.name;
  if (!fits) throw refused(problem);
}

/** @throws {RequestError} the bytes are no raw key of this type */
export function checkSymmetric(type: KeyType, key: Buffer): void {
  const fits =
    type.aead === undefined
      ? key.length >= HMAC_KEY_BYTES_MIN && key.length <= HMAC_KEY_BYTES_MAX
      : key.length === aeadKeyBytes(type.aead);
  if (!fits) throw refused(`invalid key size ${key.length} bytes for key type ${type.name}`);
}

/** The private key in PKCS #8. @throws {RequestError} */
export async function importedPrivate(type: KeyType, pkcs8: Buffer): Promise<KeyObject> {
  let key: KeyObject;
  try {
    key = privateKeyOf(pkcs8);
  } catch {
    throw refused('error parsing asymmetric key: it must be PKCS #8 in DER');
  }
  checkFits(type, key);
  await checkPair(key, type.family);
  return key;
}

const PROBE = Buffer.from('does the public half belong to the private one?');

const NOTHING = Buffer.alloc(0);

/** A stored public half may be another key's: what is signed or sealed here must be verified or opened. */
async function checkPair(key: KeyObject, family: KeyType['family']): Promise<void> {
  const half = createPublicKey(key);
  let fits = false;
  try {
    if (family === 'ml-kem')
      fits = kemOpen(key, kemSeal(half, PROBE, NOTHING), NOTHING).equals(PROBE);
    else if (family === 'slh-dsa') {
      fits = await verifySlhDsa(half, PROBE, await signSlhDsa(key, PROBE));
    } else {
      const hash = family === 'rsa' || family === 'ecdsa' ? 'sha256' : null;
      fits = verify(hash, PROBE, half, sign(hash, PROBE, key));
    }
  } catch (error) {
    if (error instanceof WorkQueueFullError) throw error;
    // No signature comes of it: as bad as a wrong one.
  }
  if (!fits) throw refused('error importing key: its halves do not belong together');
}

/** The public key in PEM. @throws {RequestError} */
export function importedPublic(type: KeyType, pem: string): KeyObject {
  if (!isAsymmetric(type)) throw refused('provided type does not support public_key import');
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw refused('error parsing public key: it must be a public key in PEM');
  }
  checkFits(type, key);
  return key;
}
