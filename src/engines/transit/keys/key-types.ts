/** The kinds of keys, and what each can do. */
import type { AeadName } from '../../../crypto/aead.ts';
import { SLH_DSA_SETS } from '../../../crypto/signatures/slh-dsa.ts';

export type KeyFamily =
  | 'aead'
  | 'hmac'
  | 'ecdsa'
  | 'ed25519'
  | 'rsa'
  | 'ml-dsa'
  | 'ml-kem'
  | 'slh-dsa';

export interface KeyType {
  readonly name: string;
  readonly family: KeyFamily;
  readonly encrypts: boolean;
  readonly signs: boolean;
  readonly derives: boolean;
  /** What read calls each version; the type's name without it. */
  readonly shownName?: string;
  readonly aead?: AeadName;
  /** OpenSSL's name of the curve. */
  readonly curve?: string;
  readonly rsaBits?: number;
  readonly slhDsaSet?: string;
  /** May change its wire form with a later version. */
  readonly experimental?: true;
}

function aead(name: string, cipher: AeadName): KeyType {
  return { name, family: 'aead', encrypts: true, signs: false, derives: true, aead: cipher };
}

function ecdsa(bits: number): KeyType {
  return {
    name: `ecdsa-p${bits}`,
    family: 'ecdsa',
    encrypts: false,
    signs: true,
    derives: false,
    shownName: `P-${bits}`,
    curve: `P-${bits}`,
  };
}

function rsa(bits: number): KeyType {
  return {
    name: `rsa-${bits}`,
    family: 'rsa',
    encrypts: true,
    signs: true,
    derives: false,
    rsaBits: bits,
  };
}

function mlDsa(parameters: number): KeyType {
  return {
    name: `ml-dsa-${parameters}`,
    family: 'ml-dsa',
    encrypts: false,
    signs: true,
    derives: false,
    experimental: true,
  };
}

function slhDsa(set: string): KeyType {
  return {
    name: `slh-dsa-${set}`,
    family: 'slh-dsa',
    encrypts: false,
    signs: true,
    derives: false,
    slhDsaSet: set,
    experimental: true,
  };
}

function mlKem(parameters: number): KeyType {
  return {
    name: `ml-kem-${parameters}`,
    family: 'ml-kem',
    encrypts: true,
    signs: false,
    derives: false,
    experimental: true,
  };
}

const TYPES: readonly KeyType[] = [
  aead('aes128-gcm96', 'aes-128-gcm'),
  aead('aes256-gcm96', 'aes-256-gcm'),
  aead('chacha20-poly1305', 'chacha20-poly1305'),
  aead('xchacha20-poly1305', 'xchacha20-poly1305'),
  ecdsa(256),
  ecdsa(384),
  ecdsa(521),
  { name: 'ed25519', family: 'ed25519', encrypts: false, signs: true, derives: true },
  rsa(2048),
  rsa(3072),
  rsa(4096),
  { name: 'hmac', family: 'hmac', encrypts: false, signs: false, derives: false },
  mlDsa(44),
  mlDsa(65),
  mlDsa(87),
  ...SLH_DSA_SETS.map(slhDsa),
  mlKem(512),
  mlKem(768),
  mlKem(1024),
];

export const KEY_TYPES: ReadonlyMap<string, KeyType> = new Map(
  TYPES.map((type) => [type.name, type]),
);

/** Shortest and longest `hmac` key, in bytes. */
export const HMAC_KEY_BYTES_MIN: number = 32;
export const HMAC_KEY_BYTES_MAX: number = 512;

/** A type that a stored record names. */
export function keyTypeOf(record: { readonly type: string }): KeyType {
  const type = KEY_TYPES.get(record.type);
  if (type === undefined) throw new Error('a stored key is of no known type');
  return type;
}

/** Its ciphertexts authenticate associated data. */
export function takesAssociatedData(type: KeyType): boolean {
  return type.aead !== undefined || type.family === 'ml-kem';
}

/** It has a public half. */
export function isAsymmetric(type: KeyType): boolean {
  return type.family !== 'aead' && type.family !== 'hmac';
}
