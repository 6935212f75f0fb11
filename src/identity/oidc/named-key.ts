/** Named signing keys: the current one, the next one, published ahead of its time, and retired ones that still verify. */
import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import type { JsonObject } from '../../base/json.ts';
import { signJws } from '../../crypto/jws.ts';
import { makeRsaKey } from '../../crypto/rsa/keys.ts';
import type { NamedKey as VerifyKey } from '../../crypto/jws.ts';

export interface SigningKey {
  readonly id: string;
  /** PKCS #8. */
  readonly privatePem: string;
}

export interface RetiredKey {
  readonly id: string;
  /** SPKI. */
  readonly publicPem: string;
  readonly untilMs: number;
}

export interface NamedKey {
  readonly algorithm: string;
  readonly rotationSeconds: number;
  readonly verificationSeconds: number;
  readonly allowedClientIds: readonly string[];
  readonly nextRotationMs: number;
  readonly current: SigningKey;
  readonly next: SigningKey;
  readonly retired: readonly RetiredKey[];
}

export const KEY_ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];
/** Retired keys that are kept at most. */
const RETIRED_MAX = 64;
const RSA_BITS = 2048;
const CURVES: ReadonlyMap<string, string> = new Map([
  ['ES256', 'P-256'],
  ['ES384', 'P-384'],
  ['ES512', 'P-521'],
]);
const generate = promisify(generateKeyPair);

/** On the thread pool: an RSA key takes a while. */
async function newPrivateKey(algorithm: string): Promise<KeyObject> {
  const namedCurve = CURVES.get(algorithm);
  if (namedCurve !== undefined) return (await generate('ec', { namedCurve })).privateKey;
  if (algorithm === 'EdDSA') return (await generate('ed25519')).privateKey;
  return await makeRsaKey(RSA_BITS);
}

async function newSigningKey(algorithm: string, random: Random): Promise<SigningKey> {
  const key = await newPrivateKey(algorithm);
  return {
    id: uuid(random),
    privatePem: key.export({ type: 'pkcs8', format: 'pem' }),
  };
}

export type KeySettings = Pick<
  NamedKey,
  'algorithm' | 'rotationSeconds' | 'verificationSeconds' | 'allowedClientIds'
>;

/** A key with these settings; what signs is kept unless the algorithm changes. */
export async function keyWith(
  settings: KeySettings,
  before: NamedKey | undefined,
  random: Random,
  nowMs: number,
): Promise<NamedKey> {
  const nextRotationMs = nowMs + settings.rotationSeconds * 1000;
  const kept = before !== undefined && before.algorithm === settings.algorithm;
  return {
    ...settings,
    nextRotationMs:
      before === undefined ? nextRotationMs : Math.min(nextRotationMs, before.nextRotationMs),
    current: kept ? before.current : await newSigningKey(settings.algorithm, random),
    next: kept ? before.next : await newSigningKey(settings.algorithm, random),
    retired:
      before === undefined || kept
        ? (before?.retired ?? [])
        : [retire(before.current, before, nowMs), ...before.retired],
  };
}

function retire(
  key: SigningKey,
  { verificationSeconds }: Pick<NamedKey, 'verificationSeconds'>,
  nowMs: number,
): RetiredKey {
  const publicPem = createPublicKey(key.privatePem).export({ type: 'spki', format: 'pem' });
  return {
    id: key.id,
    publicPem,
    untilMs: nowMs + verificationSeconds * 1000,
  };
}

/** The next key signs from now on; the current one verifies for a while. */
export async function rotated(
  key: NamedKey,
  random: Random,
  nowMs: number,
  verificationSeconds: number = key.verificationSeconds,
): Promise<NamedKey> {
  const live = key.retired.filter((each) => each.untilMs > nowMs);
  return {
    ...key,
    current: key.next,
    next: await newSigningKey(key.algorithm, random),
    retired: [retire(key.current, { verificationSeconds }, nowMs), ...live].slice(0, RETIRED_MAX),
    nextRotationMs: nowMs + key.rotationSeconds * 1000,
  };
}

export async function signWith(key: NamedKey, claims: JsonObject): Promise<string> {
  return await signJws(claims, {
    algorithm: key.algorithm,
    key: createPrivateKey(key.current.privatePem),
    keyId: key.current.id,
  });
}

/** Public keys of a named key that are good now. */
export function verifyKeys(key: NamedKey, nowMs: number): readonly VerifyKey[] {
  const live = key.retired.filter((each) => each.untilMs > nowMs);
  return [
    ...[key.current, key.next].map(({ id, privatePem }) => ({
      keyId: id,
      key: createPublicKey(privatePem),
    })),
    ...live.map(({ id, publicPem }) => ({ keyId: id, key: createPublicKey(publicPem) })),
  ];
}

/** The JWK Set of named keys (RFC 7517). */
export function publishedKeys(keys: readonly NamedKey[], nowMs: number): readonly JsonObject[] {
  return keys.flatMap((named) =>
    verifyKeys(named, nowMs).map(({ keyId, key }) => ({
      use: 'sig',
      kid: keyId ?? '',
      alg: named.algorithm,
      ...(key.export({ format: 'jwk' }) as JsonObject),
    })),
  );
}
