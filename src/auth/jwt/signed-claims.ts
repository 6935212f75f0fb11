/** Whether one of the configured issuer's keys has signed a token, and what it then claims. */
import type { JsonObject } from '../../base/json.ts';
import { JWS_ALGORITHMS, claimsOf, parseJws, verifyWithAny } from '../../crypto/jws.ts';
import type { Jws } from '../../crypto/jws.ts';
import { FetchError } from '../fetch-json.ts';
import { ClaimError } from '../claims.ts';
import { publicKeys } from '../public-key.ts';
import { sourcesOf } from './config.ts';
import type { JwtConfig } from './config.ts';
import type { KeySets } from '../key-sets.ts';

async function signatureIsGood(jws: Jws, config: JwtConfig, keySets: KeySets): Promise<boolean> {
  const allowed =
    config.jwt_supported_algs.length === 0 ? JWS_ALGORITHMS : config.jwt_supported_algs;
  if (!allowed.includes(jws.algorithm)) return false;
  const sources = sourcesOf(config);
  if (sources.length > 0) return await signedByAny(jws, sources, keySets);
  return await verifyWithAny(jws, publicKeys(config.jwt_validation_pubkeys));
}

/** One key set that cannot be had does not keep the others from vouching. @throws {FetchError} */
async function signedByAny(
  jws: Jws,
  sources: ReturnType<typeof sourcesOf>,
  keySets: KeySets,
): Promise<boolean> {
  let fault: FetchError | undefined;
  for (const source of sources) {
    try {
      if (await keySets.verify(jws, source)) return true;
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      fault = error;
    }
  }
  if (fault !== undefined) throw fault;
  return false;
}

export interface SignedClaims {
  readonly claims: JsonObject;
  readonly algorithm: string;
}

/** @throws {ClaimError} when no key of the issuer has signed, or none can be had */
export async function signedClaims(
  token: string,
  config: JwtConfig,
  keySets: KeySets,
): Promise<SignedClaims> {
  const jws = parseJws(token);
  if (jws === undefined) throw new ClaimError('not a signed token');
  try {
    if (!(await signatureIsGood(jws, config, keySets)))
      throw new ClaimError('no known key made the signature, or not with an algorithm that may be');
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    throw new ClaimError(`the keys of the issuer cannot be fetched: ${error.message}`);
  }
  const claims = claimsOf(jws);
  if (claims === undefined) throw new ClaimError('the payload is no object');
  return { claims, algorithm: jws.algorithm };
}
