/** Signature algorithms of certificates, requests and revocation lists (RFC 5758, RFC 8017, RFC 8410). */
import { constants, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { DER, derOf, derSequence } from '../der.ts';
import { hasSoundExponent } from '../rsa/keys.ts';
import { signMessage } from '../signatures/messages.ts';
import { isSlhDsa, signSlhDsa } from '../signatures/slh-dsa.ts';
import { contextTag, derInteger, derOid, DER_NULL } from '../der-values.ts';

export type KeyType = 'rsa' | 'ec' | 'ed25519';

export interface SignatureAlgorithm {
  /** As the API names it. */
  readonly name: string;
  /** Undefined for algorithms that sign requests only: their keys are not ones of authorities here. */
  readonly keyType: KeyType | undefined;
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  readonly pss: boolean;
  /** AlgorithmIdentifier. */
  readonly identifier: Buffer;
}

const HASHES = [
  { bits: 256, hash: 'sha256', oid: '2.16.840.1.101.3.4.2.1', rsa: 11, ecdsa: 2 },
  { bits: 384, hash: 'sha384', oid: '2.16.840.1.101.3.4.2.2', rsa: 12, ecdsa: 3 },
  { bits: 512, hash: 'sha512', oid: '2.16.840.1.101.3.4.2.3', rsa: 13, ecdsa: 4 },
] as const;

/** RSASSA-PSS-params with the hash for both purposes and a salt as long as the hash (RFC 4055 §3.1). */
function pssIdentifier(hashOid: string, bits: number): Buffer {
  const hash = derOf(DER.sequence, derOid(hashOid), DER_NULL);
  const mask = derOf(DER.sequence, derOid('1.2.840.113549.1.1.8'), hash);
  const parameters = derOf(
    DER.sequence,
    derOf(contextTag(0, true), hash),
    derOf(contextTag(1, true), mask),
    derOf(contextTag(2, true), derInteger(bits / 8)),
  );
  return derOf(DER.sequence, derOid('1.2.840.113549.1.1.10'), parameters);
}

const TABLE: readonly SignatureAlgorithm[] = [
  ...HASHES.flatMap(({ bits, hash, oid, rsa, ecdsa }): SignatureAlgorithm[] => [
    {
      name: `SHA${bits}WithRSA`,
      keyType: 'rsa',
      hash,
      pss: false,
      identifier: derOf(DER.sequence, derOid(`1.2.840.113549.1.1.${rsa}`), DER_NULL),
    },
    {
      name: `SHA${bits}WithRSAPSS`,
      keyType: 'rsa',
      hash,
      pss: true,
      identifier: pssIdentifier(oid, bits),
    },
    {
      name: `ECDSAWithSHA${bits}`,
      keyType: 'ec',
      hash,
      pss: false,
      identifier: derOf(DER.sequence, derOid(`1.2.840.10045.4.3.${ecdsa}`)),
    },
  ]),
  {
    name: 'Ed25519',
    keyType: 'ed25519',
    hash: null,
    pss: false,
    identifier: derOf(DER.sequence, derOid('1.3.101.112')),
  },
];

const BY_NAME = new Map(TABLE.map((each) => [each.name.toLowerCase(), each]));
BY_NAME.set('pureed25519', algorithmNamed('Ed25519'));

/** By the name that users write, in any case. */
export function findAlgorithm(name: string): SignatureAlgorithm | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** Names that {@link findAlgorithm} knows. */
export const ALGORITHM_NAMES: readonly string[] = [...BY_NAME.keys()];

function algorithmNamed(name: string): SignatureAlgorithm {
  const found = TABLE.find((each) => each.name === name);
  if (found === undefined) throw new RangeError(`no signature algorithm ${name}`);
  return found;
}

/** The algorithm of an AlgorithmIdentifier; undefined for one that is not signed with here. */
export function algorithmOf(identifier: Buffer): SignatureAlgorithm | undefined {
  return TABLE.find((each) => each.identifier.equals(identifier));
}

export function keyTypeOf(key: KeyObject): KeyType | undefined {
  const type = key.asymmetricKeyType;
  return type === 'rsa' || type === 'ec' || type === 'ed25519' ? type : undefined;
}

/** Bits of the modulus or of the curve's field; 256 for Ed25519; 0 for anything else. */
export function keyBitsOf(key: KeyObject): number {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'ed25519') return 256;
  return details?.modulusLength ?? CURVE_BITS[details?.namedCurve ?? ''] ?? 0;
}

const CURVE_BITS: Readonly<Record<string, number>> = {
  secp224r1: 224,
  prime256v1: 256,
  secp384r1: 384,
  secp521r1: 521,
};

/** The algorithm for a key when `hashBits` (0: the usual) are asked for; curves decide for themselves unless `strict`. */
export function algorithmFor(
  key: KeyObject,
  options: { readonly hashBits?: number; readonly pss?: boolean } = {},
): SignatureAlgorithm {
  const { hashBits = 0, pss = false } = options;
  const type = keyTypeOf(key);
  if (type === 'ed25519') return algorithmNamed('Ed25519');
  if (type === 'rsa') return algorithmNamed(`SHA${hashBits || 256}WithRSA${pss ? 'PSS' : ''}`);
  if (type !== 'ec') throw new RangeError('keys of this type do not sign certificates');
  const bits = keyBitsOf(key);
  const usual = bits === 384 ? 384 : bits === 521 ? 512 : 256;
  return algorithmNamed(`ECDSAWithSHA${hashBits || usual}`);
}

/**
 * The algorithm for a request that proves the possession of `key`. Post-quantum keys have one way to sign, which the identifier of the
 * key itself names (RFC 9881 §2, RFC 9909 §3).
 * @throws {RangeError} keys of this type do not sign
 */
export function algorithmForRequest(key: KeyObject): SignatureAlgorithm {
  const name = key.asymmetricKeyType ?? '';
  if (!/^(?:ml|slh)-dsa-/.test(name)) return algorithmFor(key);
  const [identifier] = derSequence(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  if (identifier === undefined) throw new RangeError('a public key without an algorithm');
  return { name, keyType: undefined, hash: null, pss: false, identifier: identifier.whole };
}

function keyInput(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
): { readonly key: KeyObject; readonly padding?: number; readonly saltLength?: number } {
  return algorithm.pss
    ? {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      }
    : { key };
}

export async function signBytes(
  algorithm: SignatureAlgorithm,
  bytes: Buffer,
  key: KeyObject,
): Promise<Buffer> {
  if (isSlhDsa(key)) return await signSlhDsa(key, bytes);
  return await signMessage(algorithm.hash, bytes, keyInput(algorithm, key));
}

/** False also for algorithms and keys that do not fit or are not known. */
export function verifyBytes(
  identifier: Buffer,
  bytes: Buffer,
  signature: Buffer,
  publicKeyInfo: Buffer,
): boolean {
  const algorithm = algorithmOf(identifier);
  if (algorithm === undefined) return false;
  try {
    const key = createPublicKey({ key: publicKeyInfo, format: 'der', type: 'spki' });
    if (keyTypeOf(key) !== algorithm.keyType) return false;
    if (algorithm.keyType === 'rsa' && !hasSoundExponent(key)) return false;
    return verify(algorithm.hash, bytes, keyInput(algorithm, key), signature);
  } catch {
    return false;
  }
}
