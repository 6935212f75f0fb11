/**
 * One key version in a backup, written and read as Vault and OpenBao do (facts of their JSON: big numbers as decimals, byte
 * strings in base64), so that backups move either way.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject, webcrypto } from 'node:crypto';
import { decodeBase64 } from '../../../base/base64.ts';
import { isJsonObject, isRawNumber } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { formatTime, parseTime } from '../../../base/time-format.ts';
import { refused } from '../failures.ts';
import { checkSymmetric, importedPrivate, importedPublic } from './imported.ts';
import type { KeyVersion } from '../keys/key-record.ts';
import type { KeyType } from '../keys/key-types.ts';
import {
  ed25519Pair,
  ed25519Private,
  ed25519PublicText,
  privateKeyOf,
  publicKeyOf,
  publicKeyText,
} from '../keys/material.ts';
import type { Material } from '../keys/material.ts';

/** More decimal digits than any number of an RSA-4096 key has. */
const DIGITS_MAX = 1300;
const ED25519_SEED_BYTES = 32;

/** Writes and reads `JSON.rawJSON`, which TypeScript's library does not know. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => JsonValue };

function decimal(text: string | undefined): JsonValue {
  return rawJSON(numberOf(text).toString());
}

function numberOf(text: string | undefined): bigint {
  return BigInt(`0x0${Buffer.from(text ?? '', 'base64url').toString('hex')}`);
}

function bigintIn(value: JsonValue | undefined): bigint {
  const text = isRawNumber(value) ? value.rawJSON : typeof value === 'number' ? String(value) : '';
  if (!/^\d+$/.test(text) || text.length > DIGITS_MAX) throw unreadable();
  return BigInt(text);
}

/** @param bytes length that it is padded to. */
function base64url(value: bigint, bytes = 0): string {
  const hex = value.toString(16);
  const even = hex.padStart(Math.max(hex.length + (hex.length % 2), bytes * 2), '0');
  return Buffer.from(even, 'hex').toString('base64url');
}

function unreadable(): Error {
  return refused('the backup cannot be read');
}

function rsaEntry(key: KeyObject): JsonObject {
  const jwk = key.export({ format: 'jwk' });
  const shared = { N: decimal(jwk.n), E: Number(numberOf(jwk.e)) };
  if (key.type === 'public') return { rsa_key: null, rsa_public_key: shared };
  return {
    rsa_key: {
      ...shared,
      D: decimal(jwk.d),
      Primes: [decimal(jwk.p), decimal(jwk.q)],
      Precomputed: {
        Dp: decimal(jwk.dp),
        Dq: decimal(jwk.dq),
        Qinv: decimal(jwk.qi),
        CRTValues: [],
      },
    },
    rsa_public_key: null,
  };
}

function asymmetricEntry(type: KeyType, version: KeyVersion, pkcs8: Buffer): JsonObject {
  const key = pkcs8.length > 0 ? privateKeyOf(pkcs8) : publicKeyOf(version.publicKey ?? '');
  switch (type.family) {
    case 'ed25519':
      return {
        key: key.type === 'private' ? ed25519Pair(key).toString('base64') : null,
        public_key: ed25519PublicText(key),
      };
    case 'rsa':
      return rsaEntry(key);
    case 'ml-dsa':
    case 'slh-dsa':
    case 'ml-kem': {
      const half = key.type === 'private' ? createPublicKey(key) : key;
      return {
        key: pkcs8.length === 0 ? null : pkcs8.toString('base64'),
        public_key: half.export({ format: 'pem', type: 'spki' }),
      };
    }
    default: {
      const { x, y, d } = key.export({ format: 'jwk' });
      const half = key.type === 'private' ? createPublicKey(key) : key;
      return {
        ec_x: decimal(x),
        ec_y: decimal(y),
        ec_d: d === undefined ? null : decimal(d),
        public_key: half.export({ format: 'pem', type: 'spki' }),
      };
    }
  }
}

const EMPTY_ENTRY: JsonObject = {
  key: null,
  hmac_key: null,
  time: '0001-01-01T00:00:00Z',
  ec_x: null,
  ec_y: null,
  ec_d: null,
  rsa_key: null,
  rsa_public_key: null,
  public_key: '',
  convergent_version: 0,
  creation_time: 0,
  certificate_chain: null,
};

export function emptyEntry(): JsonObject {
  return EMPTY_ENTRY;
}

export function entryOf(
  type: KeyType,
  version: KeyVersion,
  material: Material,
  convergent: boolean,
): JsonObject {
  const symmetric = type.aead !== undefined || type.family === 'hmac';
  return {
    ...EMPTY_ENTRY,
    ...(symmetric
      ? { key: material.key.toString('base64') }
      : asymmetricEntry(type, version, material.key)),
    hmac_key: material.hmac.toString('base64'),
    time: formatTime(version.createdMs),
    creation_time: Math.floor(version.createdMs / 1000),
    convergent_version: convergent ? 3 : 0,
    certificate_chain:
      version.certificates?.map((pem) => pem.replaceAll(/-----[^-]*-----|\s/g, '')) ?? null,
  };
}

/** A version that was read: what is stored of it. */
export interface Restored {
  readonly version: KeyVersion;
  readonly material: Material;
}

function bytesIn(entry: JsonObject, name: string): Buffer {
  const text = entry[name] ?? '';
  const bytes = typeof text === 'string' ? decodeBase64(text) : undefined;
  if (bytes === undefined) throw unreadable();
  return bytes;
}

function fromJwk(jwk: webcrypto.JsonWebKey): KeyObject {
  try {
    return jwk.d === undefined
      ? createPublicKey({ key: jwk, format: 'jwk' })
      : createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    throw unreadable();
  }
}

function rsaKey(entry: JsonObject): KeyObject {
  const secret = entry['rsa_key'] ?? null;
  if (!isJsonObject(secret)) {
    const half = entry['rsa_public_key'] ?? null;
    if (!isJsonObject(half)) throw unreadable();
    return fromJwk({
      kty: 'RSA',
      n: base64url(bigintIn(half['N'])),
      e: base64url(bigintIn(half['E'])),
    });
  }
  const primes = secret['Primes'];
  if (!Array.isArray(primes) || primes.length !== 2) throw unreadable();
  const [p, q] = primes.map(bigintIn);
  const d = bigintIn(secret['D']);
  if (p === undefined || q === undefined || p < 3n || q < 3n) throw unreadable();
  return fromJwk({
    kty: 'RSA',
    n: base64url(bigintIn(secret['N'])),
    e: base64url(bigintIn(secret['E'])),
    d: base64url(d),
    p: base64url(p),
    q: base64url(q),
    dp: base64url(d % (p - 1n)),
    dq: base64url(d % (q - 1n)),
    qi: base64url(inverse(q, p)),
  });
}

/** The inverse of `value` modulo `modulus`, by the extended Euclidean algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (a > 1n && b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  if (a !== 1n) throw unreadable();
  return ((x % modulus) + modulus) % modulus;
}

const CURVE_BYTES: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };

function ecKey(type: KeyType, entry: JsonObject): KeyObject {
  const crv = type.curve ?? '';
  const bytes = CURVE_BYTES[crv];
  const d = entry['ec_d'] ?? null;
  return fromJwk({
    kty: 'EC',
    crv,
    x: base64url(bigintIn(entry['ec_x']), bytes),
    y: base64url(bigintIn(entry['ec_y']), bytes),
    ...(d === null ? {} : { d: base64url(bigintIn(d), bytes) }),
  });
}

function ed25519Key(entry: JsonObject): KeyObject {
  const pair = bytesIn(entry, 'key');
  if (pair.length === 2 * ED25519_SEED_BYTES) {
    const key = ed25519Private(pair.subarray(0, ED25519_SEED_BYTES));
    if (!ed25519Pair(key).equals(pair)) throw unreadable();
    return key;
  }
  const x = bytesIn(entry, 'public_key').toString('base64url');
  return fromJwk({ kty: 'OKP', crv: 'Ed25519', x });
}

function certificatesIn(entry: JsonObject): readonly string[] {
  const chain = entry['certificate_chain'] ?? [];
  if (!Array.isArray(chain)) throw unreadable();
  return chain.map((item) => {
    const bytes = typeof item === 'string' ? decodeBase64(item) : undefined;
    if (bytes === undefined) throw unreadable();
    const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----`;
  });
}

async function asymmetricIn(type: KeyType, entry: JsonObject): Promise<KeyObject> {
  switch (type.family) {
    case 'rsa':
      return rsaKey(entry);
    case 'ed25519':
      return ed25519Key(entry);
    case 'ml-dsa':
    case 'slh-dsa':
    case 'ml-kem': {
      const pkcs8 = bytesIn(entry, 'key');
      if (pkcs8.length > 0) return await importedPrivate(type, pkcs8);
      const pem = entry['public_key'];
      if (typeof pem !== 'string') throw unreadable();
      return importedPublic(type, pem);
    }
    default:
      return ecKey(type, entry);
  }
}

/** @throws {RequestError} the entry is none of a key of this type */
export async function readEntry(
  type: KeyType,
  entry: JsonObject,
  derived: boolean,
): Promise<Restored> {
  const hmac = bytesIn(entry, 'hmac_key');
  const time = entry['time'];
  const certificates = certificatesIn(entry);
  const shared = {
    createdMs: (typeof time === 'string' ? parseTime(time) : undefined) ?? 0,
    ...(certificates.length === 0 ? {} : { certificates }),
  };
  if (type.aead !== undefined || type.family === 'hmac') {
    const key = bytesIn(entry, 'key');
    checkSymmetric(type, key);
    return { version: shared, material: { key, hmac: type.family === 'hmac' ? key : hmac } };
  }
  const key = await asymmetricIn(type, entry);
  const publicKey = derived ? {} : { publicKey: publicKeyText(key) };
  if (key.type === 'public') {
    importedPublic(type, key.export({ format: 'pem', type: 'spki' }));
    const version = { ...shared, ...publicKey, publicOnly: true as const };
    return { version, material: { key: Buffer.alloc(0), hmac } };
  }
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  await importedPrivate(type, pkcs8);
  return { version: { ...shared, ...publicKey }, material: { key: pkcs8, hmac } };
}
