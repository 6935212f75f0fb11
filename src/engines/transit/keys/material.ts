/**
 * The secret half of one version, as it is stored: bytes, never text, so that it can be wiped. Symmetric keys are raw, private
 * keys PKCS #8; beside either lies the key of the version's HMACs. Generation is OpenSSL's for RSA and NIST curves, off the event loop.
 */
import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Random } from '../../../base/random.ts';
import { aeadKeyBytes } from '../../../crypto/aead.ts';
import { makeRsaKey } from '../../../crypto/rsa/keys.ts';
import { makeSlhDsaKey } from '../../../crypto/signatures/slh-dsa.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import type { KeyType } from './key-types.ts';

export interface Material {
  /** Empty when only the public half was imported. */
  readonly key: Buffer;
  readonly hmac: Buffer;
}

const FORMAT = 1;
const HEADER_BYTES = 3;
export const HMAC_BYTES: number = 32;
const SEED_BYTES = 32;
/** PKCS #8 of an Ed25519 private key up to its seed (RFC 8410 §7). */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

const generate = promisify(generateKeyPair);

function locationOf(name: string, version: number): string {
  return `material/${name}/${version}`;
}

export function putMaterial(
  store: Transaction,
  name: string,
  version: number,
  material: Material,
): void {
  const record = Buffer.allocUnsafeSlow(HEADER_BYTES + material.hmac.length + material.key.length);
  record.writeUInt8(FORMAT, 0);
  record.writeUInt16BE(material.hmac.length, 1);
  record.set(material.hmac, HEADER_BYTES);
  record.set(material.key, HEADER_BYTES + material.hmac.length);
  store.put(locationOf(name, version), record);
}

export function deleteMaterial(store: Transaction, name: string, version: number): void {
  store.delete(locationOf(name, version));
}

/** Runs `use` on a version's material and wipes it after. */
export async function withMaterial<T>(
  store: Reader,
  name: string,
  version: number,
  use: (material: Material) => T,
): Promise<T> {
  const record = await store.get(locationOf(name, version));
  if (record === undefined || record.length < HEADER_BYTES || record[0] !== FORMAT) {
    throw new Error('the material of a key version is missing or unreadable');
  }
  const keyAt = HEADER_BYTES + record.readUInt16BE(1);
  try {
    return use({ hmac: record.subarray(HEADER_BYTES, keyAt), key: record.subarray(keyAt) });
  } finally {
    wipe(record);
  }
}

export function privateKeyOf(pkcs8: Buffer): KeyObject {
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
}

/** SubjectPublicKeyInfo in base64. */
export function publicKeyText(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return half.export({ format: 'der', type: 'spki' }).toString('base64');
}

export function publicKeyOf(text: string): KeyObject {
  return createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
}

async function generatePrivate(type: KeyType, random: Random): Promise<KeyObject> {
  switch (type.family) {
    case 'ed25519':
      return privateKeyOf(Buffer.concat([ED25519_PREFIX, random.bytes(SEED_BYTES)]));
    case 'ecdsa':
      return (await generate('ec', { namedCurve: type.curve ?? '' })).privateKey;
    case 'rsa':
      return await makeRsaKey(type.rsaBits ?? 0);
    case 'slh-dsa':
      return await makeSlhDsaKey(type.slhDsaSet ?? '');
    default:
      return (await generate(type.name as 'ml-dsa-65')).privateKey;
  }
}

export interface Generated {
  readonly material: Material;
  readonly publicKey: string | undefined;
}

/** @param keySize in bytes, for `hmac` keys. */
export async function generateMaterial(
  type: KeyType,
  keySize: number,
  random: Random,
): Promise<Generated> {
  if (type.aead !== undefined) {
    const key = random.bytes(aeadKeyBytes(type.aead));
    return { material: { key, hmac: random.bytes(HMAC_BYTES) }, publicKey: undefined };
  }
  if (type.family === 'hmac') {
    const key = random.bytes(keySize);
    return { material: { key, hmac: key }, publicKey: undefined };
  }
  const secret = await generatePrivate(type, random);
  return {
    material: {
      key: secret.export({ format: 'der', type: 'pkcs8' }),
      hmac: random.bytes(HMAC_BYTES),
    },
    publicKey: publicKeyText(secret),
  };
}

/** Seed and public key of an Ed25519 key, 64 bytes: what Go programs take for the private key, and what derived keys derive from. */
export function ed25519Pair(secret: KeyObject): Buffer {
  const { d = '', x = '' } = secret.export({ format: 'jwk' });
  return Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]);
}

/** The key pair of an Ed25519 seed. */
export function ed25519Private(seed: Uint8Array): KeyObject {
  return privateKeyOf(Buffer.concat([ED25519_PREFIX, seed]));
}

/** The 32 raw bytes of an Ed25519 public key, in base64. */
export function ed25519PublicText(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const { x = '' } = half.export({ format: 'jwk' });
  return Buffer.from(x, 'base64url').toString('base64');
}
