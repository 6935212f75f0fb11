/**
 * What a service account says with a token that it signed itself: as bearer with each request, or once at the token endpoint
 * (RFC 7523). Only the form, the times and the audience are looked at here; whether a known key signed it is the core's to say.
 */
import { isRawNumber } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { claimsOf, parseJws } from '../../../crypto/jws.ts';
import type { ServiceAccountEvidence } from '../../../model/evidence.ts';

/** Longest life of such a token, and how far clocks may be apart; seconds. */
const LIFE_SECONDS_MAX = 3600;
const SKEW_SECONDS = 60;
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
/** The one algorithm of service accounts: the token does not get to choose. */
const ALGORITHM = 'RS256';

/** Google's own names, which clients sign for whatever endpoint they were given. */
const API_AUDIENCES: readonly string[] = ['https://secretmanager.googleapis.com'];
const TOKEN_AUDIENCES: readonly string[] = [
  'https://oauth2.googleapis.com/token',
  'https://www.googleapis.com/oauth2/v4/token',
  'https://accounts.google.com/o/oauth2/token',
];

export interface Assertion {
  readonly evidence: ServiceAccountEvidence;
  /** Project that the account belongs to, as its e-mail says. */
  readonly project: string;
  /** The caller wants a token that names it to this audience, not one for our API. */
  readonly wantsIdentityToken: boolean;
}

export interface Expected {
  readonly nowMs: number;
  /** Host and port that the request was sent to. */
  readonly host: string;
  readonly use: 'bearer' | 'grant';
}

function numberOf(value: JsonValue | undefined): number | undefined {
  const number = isRawNumber(value) ? Number(value.rawJSON) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function inTime(claims: JsonObject, nowMs: number): boolean {
  const issued = numberOf(claims['iat']);
  const expires = numberOf(claims['exp']);
  if (issued === undefined || expires === undefined) return false;
  const now = nowMs / 1000;
  return (
    issued <= now + SKEW_SECONDS &&
    expires > now - SKEW_SECONDS &&
    expires > issued &&
    expires - issued <= LIFE_SECONDS_MAX + SKEW_SECONDS
  );
}

const PATH_BEGIN = 'https://'.length;

/** An audience of ours: this host, with or without port, and below it whatever path. */
function isHost(audience: string, host: string): boolean {
  if (!audience.startsWith('https://')) return false;
  const slash = audience.indexOf('/', PATH_BEGIN);
  const named = audience.slice(PATH_BEGIN, slash < 0 ? undefined : slash).toLowerCase();
  return named === host || named === host.split(':')[0];
}

function fitsAudience(claims: JsonObject, { host, use }: Expected): boolean {
  const audience = claims['aud'] ?? '';
  if (typeof audience !== 'string') return false;
  if (use === 'grant') return isHost(audience, host) || TOKEN_AUDIENCES.includes(audience);
  // Node and Go sign without an audience, for a scope: the key is one of ours and good for nothing else.
  if (audience === '') return textOf(claims['scope']).split(' ').includes(SCOPE);
  return isHost(audience, host) || API_AUDIENCES.includes(audience.replace(/\/$/, ''));
}

const EMAIL = /^[A-Za-z0-9._-]{1,64}@([a-z0-9][a-z0-9.:-]{0,62})\.iam\.[a-z0-9.-]{1,63}$/;

/** Undefined when it is no such token, or not for us, or not for now. */
export function assertionOf(token: string, expected: Expected): Assertion | undefined {
  const jws = parseJws(token);
  if (jws?.algorithm !== ALGORITHM || jws.keyId === undefined) return undefined;
  const claims = claimsOf(jws);
  if (claims === undefined) return undefined;
  const account = textOf(claims['iss']);
  const project = EMAIL.exec(account)?.[1];
  const subject = claims['sub'] ?? account;
  // Acting for somebody else (domain-wide delegation) does not exist here.
  if (project === undefined || subject !== account) return undefined;
  if (!inTime(claims, expected.nowMs) || !fitsAudience(claims, expected)) return undefined;
  return {
    evidence: {
      kind: 'service-account-key',
      credential: jws.keyId,
      account,
      signed: jws.signed,
      signature: jws.signature,
    },
    project,
    wantsIdentityToken: typeof claims['target_audience'] === 'string',
  };
}

/** True for text that can only be meant as a signed token; ours have no two dots. */
export function looksSigned(token: string): boolean {
  return token.startsWith('eyJ') && token.split('.').length === 3;
}
