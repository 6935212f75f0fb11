/** A token of an issuer that a whole cloud shares: signed by one of its keys, in time, for us. */
import type { JsonObject } from '../base/json.ts';
import { claimsOf, parseJws } from '../crypto/jws.ts';
import type { Jws } from '../crypto/jws.ts';
import { ClaimError, checkParties, checkTimes, numberOf } from './claims.ts';
import { FetchError } from './fetch-json.ts';
import type { KeySets, KeySource } from './key-sets.ts';

/** Seconds that clocks may differ; a token must name its end. */
const SKEW_SECONDS = 30;
/** Longest life of a token that names no beginning. */
const LIFE_SECONDS_MAX = 24 * 3600;

export interface TokenDemands {
  /** Any, when it is left out. */
  readonly issuers?: readonly string[];
  readonly audiences: readonly string[];
  readonly nowMs: number;
}

/** Nothing in it is to be believed before {@link judgedToken}. @throws {ClaimError} */
export function openToken(token: string): { readonly jws: Jws; readonly claims: JsonObject } {
  const jws = parseJws(token);
  const claims = jws === undefined ? undefined : claimsOf(jws);
  if (jws === undefined || claims === undefined) throw new ClaimError('not a signed token');
  return { jws, claims };
}

/** The claims of a token that is what is demanded. @throws {ClaimError} */
export async function judgedToken(
  token: string,
  source: KeySource,
  keySets: KeySets,
  demands: TokenDemands,
): Promise<JsonObject> {
  const { jws, claims } = openToken(token);
  try {
    if (!(await keySets.verify(jws, source)))
      throw new ClaimError('no key of the issuer made the signature');
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    throw new ClaimError(`the keys of the issuer cannot be fetched: ${error.message}`);
  }
  if (numberOf(claims['exp'], 'exp') === undefined) throw new ClaimError('the token names no end');
  const rules = {
    expirationLeeway: -1,
    notBeforeLeeway: LIFE_SECONDS_MAX,
    clockSkewLeeway: SKEW_SECONDS,
  };
  checkTimes(claims, rules, demands.nowMs);
  if (demands.issuers !== undefined && !demands.issuers.includes(textOf(claims, 'iss')))
    throw new ClaimError('another issuer');
  checkParties(claims, { issuer: '', subject: '', audiences: demands.audiences });
  return claims;
}

/** A claim that is a text; '' when it is not there. */
export function textOf(claims: JsonObject, name: string): string {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  return typeof value === 'string' ? value : '';
}
