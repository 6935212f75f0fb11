/** What is stored of second factors: methods, the rules that demand them, and each entity's secret. */
import type { TotpHash, TotpShape } from '../../crypto/totp.ts';

/** A way to show a second factor. Codes that an app counts by the clock are the only one so far. */
export interface MfaMethod {
  readonly id: string;
  readonly type: 'totp';
  /** '' = none; names are unique within a namespace. */
  readonly name: string;
  readonly namespaceId: string;
  readonly issuer: string;
  readonly periodSeconds: number;
  readonly algorithm: string;
  readonly digits: number;
  /** Time steps before and after the present one whose codes are taken too. */
  readonly skew: number;
  readonly keyBytes: number;
  readonly qrPixels: number;
  readonly attemptsMax: number;
}

/** Who has to show one of some methods to log in: whoever fits any of the four lists. */
export interface MfaEnforcement {
  readonly id: string;
  readonly name: string;
  readonly namespaceId: string;
  readonly methodIds: readonly string[];
  readonly accessors: readonly string[];
  readonly types: readonly string[];
  readonly groupIds: readonly string[];
  readonly entityIds: readonly string[];
}

/** An entity's secret for one method, with the method's settings when it was made: those are what the app was told. */
export interface TotpSecret {
  /** Base32. */
  readonly secret: string;
  readonly periodSeconds: number;
  readonly algorithm: string;
  readonly digits: number;
  readonly skew: number;
}

/** The time steps whose codes are used up. */
export interface UsedSteps {
  readonly steps: readonly number[];
}

/** Names of the API, and of the hash. */
export const TOTP_ALGORITHMS: ReadonlyMap<string, TotpHash> = new Map([
  ['SHA1', 'sha1'],
  ['SHA256', 'sha256'],
  ['SHA512', 'sha512'],
]);

export function totpShape(
  secret: Pick<TotpSecret, 'algorithm' | 'digits' | 'periodSeconds'>,
): TotpShape {
  return {
    hash: TOTP_ALGORITHMS.get(secret.algorithm) ?? 'sha1',
    digits: secret.digits,
    periodSeconds: secret.periodSeconds,
  };
}

export function shownMethod(method: MfaMethod, namespacePath: string): Record<string, unknown> {
  return {
    algorithm: method.algorithm,
    digits: method.digits,
    id: method.id,
    issuer: method.issuer,
    key_size: method.keyBytes,
    max_validation_attempts: method.attemptsMax,
    name: method.name,
    namespace_id: method.namespaceId,
    namespace_path: namespacePath,
    period: method.periodSeconds,
    qr_size: method.qrPixels,
    skew: method.skew,
    type: method.type,
  };
}

export function shownEnforcement(
  rule: MfaEnforcement,
  namespacePath: string,
): Record<string, unknown> {
  return {
    auth_method_accessors: rule.accessors,
    auth_method_types: rule.types,
    id: rule.id,
    identity_entity_ids: rule.entityIds,
    identity_group_ids: rule.groupIds,
    mfa_method_ids: rule.methodIds,
    name: rule.name,
    namespace_id: rule.namespaceId,
    namespace_path: namespacePath,
  };
}
