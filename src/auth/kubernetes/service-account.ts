/** What a service account's token says, and what the API server says of the token. Reasons are for the log. */
import { isRawNumber } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { claimsOf, parseJws, verifyWithAny } from '../../crypto/jws.ts';
import { FetchError } from '../fetch-json.ts';
import type { FetchJson } from '../fetch-json.ts';
import { publicKey } from './config.ts';
import type { KubernetesConfig } from './config.ts';

export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Of tokens that lie in a Secret; else ''. */
  readonly secretName: string;
}

/** Why a token is not accepted. */
export class ReviewError extends Error {
  override readonly name = 'ReviewError';
}

/** Issuer of tokens that lie in a Secret, where no other is configured. */
const LEGACY_ISSUER = 'kubernetes/serviceaccount';
const LEGACY = 'kubernetes.io/serviceaccount/';

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function seconds(value: JsonValue | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  const number = isRawNumber(value) ? Number(value.rawJSON) : value;
  if (typeof number !== 'number') throw new ReviewError('a time in the token is no number');
  return number;
}

/** Whose token it is by its own word; to be believed only after {@link reviewed}. */
export function accountOf(claims: JsonObject): ServiceAccount {
  const bound = objectOf(claims['kubernetes.io']);
  const account = objectOf(bound['serviceaccount']);
  const projected = text(account['name']) !== '';
  return projected
    ? {
        namespace: text(bound['namespace']),
        name: text(account['name']),
        uid: text(account['uid']),
        secretName: '',
      }
    : {
        namespace: text(claims[`${LEGACY}namespace`]),
        name: text(claims[`${LEGACY}service-account.name`]),
        uid: text(claims[`${LEGACY}service-account.uid`]),
        secretName: text(claims[`${LEGACY}secret.name`]),
      };
}

export interface TokenRules {
  /** '' = any. */
  readonly audience: string;
  readonly nowMs: number;
}

/** The claims of a token that is worth a review. @throws {ReviewError} */
export function claimsWorthReview(
  token: string,
  config: KubernetesConfig,
  rules: TokenRules,
): JsonObject {
  const jws = parseJws(token);
  const claims = jws === undefined ? undefined : claimsOf(jws);
  if (jws === undefined || claims === undefined) throw new ReviewError('not a signed token');
  if (config.pem_keys.length > 0) {
    const keys = config.pem_keys.flatMap((pem) => {
      const key = publicKey(pem);
      return key === undefined ? [] : [{ keyId: undefined, key }];
    });
    if (!verifyWithAny(jws, keys)) throw new ReviewError('no known key made the signature');
  }
  if (!config.disable_iss_validation) {
    const issuer = config.issuer === '' ? LEGACY_ISSUER : config.issuer;
    if (claims['iss'] !== issuer) throw new ReviewError('another issuer');
  }
  const audiences = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud'] ?? null];
  if (rules.audience !== '' && !audiences.includes(rules.audience))
    throw new ReviewError('another audience');
  const now = rules.nowMs / 1000;
  const expires = seconds(claims['exp']);
  if (expires !== undefined && now >= expires) throw new ReviewError('the token has expired');
  const notBefore = seconds(claims['nbf']);
  if (notBefore !== undefined && now < notBefore)
    throw new ReviewError('the token is not valid yet');
  return claims;
}

export interface Reviewer {
  readonly fetch: FetchJson;
  /** Token and certificates of the pod that this server runs in; undefined outside of one. */
  readonly local: (file: 'token' | 'ca.crt') => Promise<string | undefined>;
}

/**
 * Asks the API server whether a token is good, for `audience` when one is given, and whose it is
 * (`authentication.k8s.io/v1`, TokenReview). @throws {ReviewError}
 */
export async function reviewed(
  reviewer: Reviewer,
  config: KubernetesConfig,
  token: string,
  audience: string,
): Promise<Omit<ServiceAccount, 'secretName'>> {
  const usesLocal = !config.disable_local_ca_jwt;
  const local = async (file: 'token' | 'ca.crt'): Promise<string> =>
    usesLocal ? ((await reviewer.local(file)) ?? '') : '';
  const caPem = config.kubernetes_ca_cert || (await local('ca.crt'));
  const bearer = config.token_reviewer_jwt || (await local('token')).trim() || token;
  const audiences = audience === '' ? {} : { audiences: [audience] };
  const host = config.kubernetes_host.replace(/\/$/, '');
  let document: unknown;
  try {
    const fetched = await reviewer.fetch(`${host}/apis/authentication.k8s.io/v1/tokenreviews`, {
      method: 'POST',
      ...(caPem === '' ? {} : { caPem }),
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, ...audiences },
      }),
    });
    if (fetched.status < 200 || fetched.status > 206)
      throw new ReviewError(`the API server answered with status ${fetched.status}`);
    ({ document } = fetched);
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    throw new ReviewError(`the API server cannot be asked: ${error.message}`);
  }
  return judged(objectOf(objectOf(document)['status']), audience);
}

function judged(
  status: Readonly<Record<string, unknown>>,
  audience: string,
): Omit<ServiceAccount, 'secretName'> {
  if (text(status['error']) !== '' || status['authenticated'] !== true)
    throw new ReviewError('the API server does not accept the token');
  // An API server that does not know audiences answers without any.
  const audiences = status['audiences'];
  if (audience !== '' && !(Array.isArray(audiences) && audiences.includes(audience)))
    throw new ReviewError('the API server did not vouch for the audience');
  const user = objectOf(status['user']);
  const [system, kind, namespace, name, ...more] = text(user['username']).split(':');
  if (
    system !== 'system' ||
    kind !== 'serviceaccount' ||
    namespace === undefined ||
    name === undefined ||
    more.length > 0
  ) {
    throw new ReviewError('the token is not a service account’s');
  }
  return { namespace, name, uid: text(user['uid']) };
}
