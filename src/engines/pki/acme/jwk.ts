/** The keys of accounts: JSON Web Keys (RFC 7517) and their thumbprints (RFC 7638). */
import { createHash, createHmac, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isJsonObject } from '../../../base/json.ts';
import { equalConstantTime } from '../../../crypto/secret-bytes.ts';

/** Members that make a key, in the order of the thumbprint. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
};

export interface AccountKey {
  readonly key: KeyObject;
  /** Public members alone. */
  readonly jwk: Readonly<Record<string, string>>;
  readonly thumbprint: string;
}

/** Undefined for what is no public key. */
export function readJwk(value: unknown): AccountKey | undefined {
  if (!isJsonObject(value)) return undefined;
  const { kty } = value;
  const names = typeof kty === 'string' && Object.hasOwn(MEMBERS, kty) ? MEMBERS[kty] : undefined;
  if (names === undefined) return undefined;
  const jwk: Record<string, string> = {};
  for (const name of names) {
    const member = value[name];
    if (typeof member !== 'string' || member === '') return undefined;
    jwk[name] = member;
  }
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const thumbprint = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url');
    return { key, jwk, thumbprint };
  } catch {
    return undefined;
  }
}

const HMACS: Readonly<Record<string, string>> = {
  HS256: 'sha256',
  HS384: 'sha384',
  HS512: 'sha512',
};

/** Whether `algorithm` is one that an external account is bound with. */
export function isMacAlgorithm(algorithm: string): boolean {
  return Object.hasOwn(HMACS, algorithm);
}

export function isMacOf(
  algorithm: string,
  key: Buffer,
  signed: string,
  signature: Buffer,
): boolean {
  const hash = HMACS[algorithm];
  if (hash === undefined) return false;
  return equalConstantTime(createHmac(hash, key).update(signed).digest(), signature);
}
