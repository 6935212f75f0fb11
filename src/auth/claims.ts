/** What a token claims, and whether that is what a role demands. Reasons name claims, never their values. */
import { globMatches } from '../base/glob.ts';
import { isJsonObject, isRawNumber } from '../base/json.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';

/** A claim is not as it must be; the message is for the log. */
export class ClaimError extends Error {
  override readonly name = 'ClaimError';
}

export interface TimeRules {
  /** Seconds: 0 = the default, negative = none. */
  readonly expirationLeeway: number;
  readonly notBeforeLeeway: number;
  readonly clockSkewLeeway: number;
}

/** The rules of a role. */
export function leewaysOf(role: {
  readonly expiration_leeway: number;
  readonly not_before_leeway: number;
  readonly clock_skew_leeway: number;
}): TimeRules {
  return {
    expirationLeeway: role.expiration_leeway,
    notBeforeLeeway: role.not_before_leeway,
    clockSkewLeeway: role.clock_skew_leeway,
  };
}

const LEEWAY_SECONDS = 150;
const CLOCK_SKEW_SECONDS = 60;
/** Steps of one JSON pointer. */
const POINTER_DEPTH_MAX = 32;

function seconds(given: number, usual: number): number {
  return given === 0 ? usual : Math.max(given, 0);
}

export function numberOf(value: JsonValue | undefined, name: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const number = isRawNumber(value) ? Number(value.rawJSON) : value;
  if (typeof number !== 'number' || !Number.isFinite(number))
    throw new ClaimError(`claim ${name} is not a time`);
  return number;
}

function own(claims: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** RFC 7519 §4.1.4 to §4.1.6; a token without any time is refused. @throws {ClaimError} */
export function checkTimes(claims: JsonObject, rules: TimeRules, nowMs: number): void {
  const issuedAt = numberOf(own(claims, 'iat'), 'iat') ?? 0;
  let notBefore = numberOf(own(claims, 'nbf'), 'nbf') ?? 0;
  let expires = numberOf(own(claims, 'exp'), 'exp') ?? 0;
  if (issuedAt === 0 && notBefore === 0 && expires === 0)
    throw new ClaimError('no time in the token');
  if (expires === 0)
    expires = Math.max(issuedAt, notBefore) + seconds(rules.expirationLeeway, LEEWAY_SECONDS);
  if (notBefore === 0)
    notBefore =
      issuedAt === 0 ? expires - seconds(rules.notBeforeLeeway, LEEWAY_SECONDS) : issuedAt;
  const skew = seconds(rules.clockSkewLeeway, CLOCK_SKEW_SECONDS);
  const now = nowMs / 1000;
  if (now - skew >= expires) throw new ClaimError('the token has expired');
  if (now + skew < notBefore) throw new ClaimError('the token is not valid yet');
  if (issuedAt !== 0 && now + skew < issuedAt)
    throw new ClaimError('the token was issued in the future');
}

function textClaim(claims: JsonObject, name: string): string | undefined {
  const value = own(claims, name);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new ClaimError(`claim ${name} is not text`);
  return value;
}

export interface Expected {
  /** '' = any. */
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

/** Issuer, subject and audience (RFC 7519 §4.1.1 to §4.1.3). @throws {ClaimError} */
export function checkParties(claims: JsonObject, expected: Expected): void {
  const issuer = textClaim(claims, 'iss');
  const subject = textClaim(claims, 'sub');
  if (expected.issuer !== '' && issuer !== expected.issuer) throw new ClaimError('another issuer');
  if (expected.subject !== '' && subject !== expected.subject)
    throw new ClaimError('another subject');
  const audiences = audienceOf(claims);
  if (expected.audiences.length === 0) {
    // A token for somebody must not be taken by anybody (CVE-2020-16250 and its kind).
    if (audiences.length > 0)
      throw new ClaimError('the token has an audience, but the role is bound to none');
    return;
  }
  if (!audiences.some((audience) => expected.audiences.includes(audience)))
    throw new ClaimError('another audience');
}

function audienceOf(claims: JsonObject): readonly string[] {
  const value = own(claims, 'aud');
  if (value === undefined || value === null) return [];
  const list = Array.isArray(value) ? value : [value];
  if (list.some((item) => typeof item !== 'string')) throw new ClaimError('claim aud is not text');
  return list as string[];
}

/** The claim of a name, or where a JSON pointer (RFC 6901) leads, when the name begins with a slash. */
export function claimAt(claims: JsonObject, name: string): JsonValue | undefined {
  return name.startsWith('/') ? pointed(claims, name) : own(claims, name);
}

export function pointed(claims: JsonObject, pointer: string): JsonValue | undefined {
  let value: JsonValue | undefined = claims;
  const steps = pointer.split('/').slice(1);
  if (steps.length > POINTER_DEPTH_MAX) return undefined;
  for (const step of steps) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(value))
      value = /^(?:0|[1-9]\d{0,5})$/.test(name) ? value[Number(name)] : undefined;
    else if (value !== undefined && isJsonObject(value)) value = own(value, name);
    else return undefined;
  }
  return value;
}

function listOf(value: JsonValue): readonly JsonValue[] {
  return Array.isArray(value) ? value : [value];
}

function same(a: JsonValue, b: JsonValue): boolean {
  const left = isRawNumber(a) ? Number(a.rawJSON) : a;
  const right = isRawNumber(b) ? Number(b.rawJSON) : b;
  return typeof left === typeof right && typeof left !== 'object' && left === right;
}

/** Every bound claim must be there and have one of the values. @throws {ClaimError} */
export function checkBoundClaims(
  claims: JsonObject,
  bound: Readonly<Record<string, JsonValue>>,
  type: 'string' | 'glob',
): void {
  for (const [name, wanted] of Object.entries(bound)) {
    const actual = claimAt(claims, name);
    if (actual === undefined || actual === null) throw new ClaimError(`claim ${name} is missing`);
    const matches = listOf(actual).some((value) =>
      listOf(wanted).some((candidate) =>
        type === 'glob' && typeof candidate === 'string' && typeof value === 'string'
          ? globMatches(candidate, value)
          : same(candidate, value),
      ),
    );
    if (!matches) throw new ClaimError(`claim ${name} does not match`);
  }
}

/** Metadata from claims that are there. @throws {ClaimError} when one is no text */
export function mappedClaims(
  claims: JsonObject,
  mappings: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const metadata: [string, string][] = [];
  for (const [name, key] of Object.entries(mappings)) {
    const value = claimAt(claims, name);
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string') throw new ClaimError(`claim ${name} cannot be metadata`);
    metadata.push([key, value]);
  }
  return Object.fromEntries(metadata);
}

/** @throws {ClaimError} when the claim is not a text or a list of them */
export function groupsOf(claims: JsonObject, name: string): readonly string[] {
  const value = claimAt(claims, name);
  if (value === undefined || value === null)
    throw new ClaimError(`groups claim ${name} is not in the token`);
  const list = listOf(value);
  if (list.some((item) => typeof item !== 'string'))
    throw new ClaimError(`groups claim ${name} is not a list of texts`);
  return (list as string[]).filter((group) => group !== '');
}

/** Who it is. @throws {ClaimError} */
export function userOf(claims: JsonObject, name: string, isPointer: boolean): string {
  const value = isPointer ? claimAt(claims, name) : own(claims, name);
  if (value === undefined || value === null) throw new ClaimError(`user claim ${name} is missing`);
  if (typeof value !== 'string' || value === '')
    throw new ClaimError(`user claim ${name} is not a text`);
  return value;
}
