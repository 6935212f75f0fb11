/**
 * JSON Web Signatures in compact form (RFC 7515 §7.1) with asymmetric algorithms (RFC 7518 §3, RFC 8037). The algorithm must
 * fit the key: a public key can never serve as an HMAC secret, and "none" does not exist here (RFC 8725 §3.1).
 */
import { constants, createPublicKey } from 'node:crypto';
import type { JsonWebKeyInput, KeyObject, SignKeyObjectInput } from 'node:crypto';
import { assertJsonLimits, isJsonObject, parseJson } from '../base/json.ts';
import type { JsonObject } from '../base/json.ts';
import { hasSoundExponent } from './rsa/keys.ts';
import { signMessage, verifyMessage } from './signatures/messages.ts';

interface Algorithm {
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  readonly curve?: string;
  readonly pss?: true;
}

/** What every one of them needs of the key. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ['RS256', { hash: 'sha256', keyType: 'rsa' }],
  ['RS384', { hash: 'sha384', keyType: 'rsa' }],
  ['RS512', { hash: 'sha512', keyType: 'rsa' }],
  ['PS256', { hash: 'sha256', keyType: 'rsa', pss: true }],
  ['PS384', { hash: 'sha384', keyType: 'rsa', pss: true }],
  ['PS512', { hash: 'sha512', keyType: 'rsa', pss: true }],
  ['ES256', { hash: 'sha256', keyType: 'ec', curve: 'prime256v1' }],
  ['ES384', { hash: 'sha384', keyType: 'ec', curve: 'secp384r1' }],
  ['ES512', { hash: 'sha512', keyType: 'ec', curve: 'secp521r1' }],
  ['EdDSA', { hash: null, keyType: 'ed25519' }],
]);

export const JWS_ALGORITHMS: readonly string[] = [...ALGORITHMS.keys()];

/** Longest token that is looked at. */
const TOKEN_LENGTH_MAX = 64 * 1024;
/** Nesting and number of values in a header or payload. */
const JSON_LIMITS = { depthMax: 32, valuesMax: 10_000 } as const;
/** RSA keys below this size are refused (RFC 7518 §3.3). */
const RSA_BITS_MIN = 2048;

export interface Jws {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly payload: Buffer;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

const BASE64URL = /^[A-Za-z0-9_-]*$/;

function decodePart(part: string): Buffer | undefined {
  // A length of 4n + 1 cannot be base64url; other leftovers would be read leniently.
  if (!BASE64URL.test(part) || part.length % 4 === 1) return undefined;
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}

function decodeObject(bytes: Buffer | undefined): JsonObject | undefined {
  if (bytes === undefined) return undefined;
  try {
    assertJsonLimits(bytes, JSON_LIMITS);
    const value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Takes a token apart; undefined when it is no JWS. Nothing in it is to be believed before {@link verifyJws}. */
export function parseJws(token: string): Jws | undefined {
  if (token.length > TOKEN_LENGTH_MAX) return undefined;
  const [headerPart, payloadPart, signaturePart, ...more] = token.split('.');
  if (headerPart === undefined || payloadPart === undefined || signaturePart === undefined)
    return undefined;
  const header = decodeObject(decodePart(headerPart));
  const payload = decodePart(payloadPart);
  const signature = decodePart(signaturePart);
  if (more.length > 0 || header === undefined || payload === undefined || signature === undefined)
    return undefined;
  const { alg, kid, crit } = header as { alg?: unknown; kid?: unknown; crit?: unknown };
  // Extensions that must be understood are not (RFC 7515 §4.1.11).
  if (typeof alg !== 'string' || crit !== undefined) return undefined;
  return {
    algorithm: alg,
    keyId: typeof kid === 'string' ? kid : undefined,
    payload,
    signed: Buffer.from(`${headerPart}.${payloadPart}`),
    signature,
  };
}

/** The claims of a token; undefined when its payload is no JSON object (RFC 7519 §7.2). */
export function claimsOf(jws: Pick<Jws, 'payload'>): JsonObject | undefined {
  return decodeObject(jws.payload);
}

function fits(algorithm: Algorithm, key: KeyObject): boolean {
  if (key.asymmetricKeyType !== algorithm.keyType) return false;
  const details = key.asymmetricKeyDetails;
  if (algorithm.keyType === 'rsa') {
    return (details?.modulusLength ?? 0) >= RSA_BITS_MIN && hasSoundExponent(key);
  }
  return algorithm.curve === undefined || details?.namedCurve === algorithm.curve;
}

function keyInput(algorithm: Algorithm, key: KeyObject): SignKeyObjectInput {
  if (algorithm.pss === true) {
    return {
      key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    };
  }
  return algorithm.keyType === 'ec' ? { key, dsaEncoding: 'ieee-p1363' } : { key };
}

/** Whether the signature is one that this public key's owner made with the algorithm that the token names. */
export async function verifyJws(jws: Jws, key: KeyObject): Promise<boolean> {
  const algorithm = ALGORITHMS.get(jws.algorithm);
  if (algorithm === undefined || key.type !== 'public' || !fits(algorithm, key)) return false;
  return await verifyMessage(algorithm.hash, jws.signed, keyInput(algorithm, key), jws.signature);
}

/** A signed token. @throws {Error} when the algorithm does not fit the key */
export async function signJws(
  claims: JsonObject,
  options: { readonly algorithm: string; readonly key: KeyObject; readonly keyId: string },
): Promise<string> {
  const algorithm = ALGORITHMS.get(options.algorithm);
  if (algorithm === undefined || !fits(algorithm, options.key))
    throw new Error('the algorithm does not fit the key');
  const header = { alg: options.algorithm, kid: options.keyId };
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const input = keyInput(algorithm, options.key);
  const signature = await signMessage(algorithm.hash, Buffer.from(signed), input);
  return `${signed}.${signature.toString('base64url')}`;
}

export interface NamedKey {
  readonly keyId: string | undefined;
  readonly key: KeyObject;
  /** The one algorithm that its owner means it for (RFC 7517 §4.4), if the owner says so. */
  readonly algorithm?: string;
}

/** Most keys that one set may have. */
const KEYS_MAX = 256;

/** Whether its owner means it for this (RFC 7517 §4.2, §4.3), as far as the owner says. */
function isForSignatures({
  use,
  key_ops: operations,
}: {
  use?: unknown;
  key_ops?: unknown;
}): boolean {
  if (use === 'enc') return false;
  return !Array.isArray(operations) || operations.includes('verify') || operations.includes('sign');
}

/** The signature keys of a JWK Set (RFC 7517 §5); keys of other kinds are left out. Undefined when it is none. */
export function parseJwks(document: unknown): readonly NamedKey[] | undefined {
  const keys = (document as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length > KEYS_MAX) return undefined;
  const found: NamedKey[] = [];
  for (const jwk of keys as readonly (JsonWebKeyInput['key'] & {
    kid?: unknown;
    use?: unknown;
    alg?: unknown;
    key_ops?: unknown;
  })[]) {
    if (typeof jwk !== 'object' || jwk === null || jwk.kty === 'oct' || !isForSignatures(jwk))
      continue;
    try {
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      const keyId = typeof jwk.kid === 'string' ? jwk.kid : undefined;
      const named = typeof jwk.alg === 'string' && ALGORITHMS.has(jwk.alg);
      found.push({ keyId, key, ...(named ? { algorithm: String(jwk.alg) } : {}) });
    } catch {
      // A key of a kind that this runtime does not know.
    }
  }
  return found;
}

/** Tries the keys that the token may mean: those with its key id when any has it, else all. */
export async function verifyWithAny(jws: Jws, keys: readonly NamedKey[]): Promise<boolean> {
  const named = jws.keyId === undefined ? [] : keys.filter(({ keyId }) => keyId === jws.keyId);
  for (const { key, algorithm } of named.length > 0 ? named : keys) {
    if (algorithm !== undefined && algorithm !== jws.algorithm) continue;
    if (await verifyJws(jws, key)) return true;
  }
  return false;
}
