/** What a service account's token says, and what the API server says of the token. Reasons are for the log. */
import { isRawNumber } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { claimsOf, parseJws, verifyWithAny } from '../../crypto/jws.ts';
import { FetchError } from '../fetch-json.ts';
import type { FetchJson, FetchOptions } from '../fetch-json.ts';
import type { KeySets } from '../key-sets.ts';
import { publicKeys } from '../public-key.ts';
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
export async function claimsWorthReview(
  token: string,
  config: KubernetesConfig,
  rules: TokenRules,
): Promise<JsonObject> {
  const jws = parseJws(token);
  const claims = jws === undefined ? undefined : claimsOf(jws);
  if (jws === undefined || claims === undefined) throw new ReviewError('not a signed token');
  if (config.pem_keys.length > 0) {
    if (!(await verifyWithAny(jws, publicKeys(config.pem_keys))))
      throw new ReviewError('no known key made the signature');
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

/** A request to the API server, with the certificates that are trusted for it. @throws {ReviewError} */
async function asked(
  reviewer: Reviewer,
  config: KubernetesConfig,
  path: string,
  options: FetchOptions & { readonly bearer: string },
): Promise<{ readonly status: number; readonly document: unknown }> {
  const caPem = config.kubernetes_ca_cert || (await localFile(reviewer, config, 'ca.crt'));
  const host = config.kubernetes_host.replace(/\/$/, '');
  const { bearer, ...rest } = options;
  try {
    return await reviewer.fetch(host + path, {
      ...rest,
      ...(caPem === '' ? {} : { caPem }),
      headers: { authorization: `Bearer ${bearer}`, ...rest.headers },
    });
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    throw new ReviewError(`the API server cannot be asked: ${error.message}`);
  }
}

async function localFile(
  reviewer: Reviewer,
  config: KubernetesConfig,
  file: 'token' | 'ca.crt',
): Promise<string> {
  return config.disable_local_ca_jwt ? '' : ((await reviewer.local(file)) ?? '');
}

/** The token with which the API server is asked; '' when only the caller's own is there. */
async function ownToken(reviewer: Reviewer, config: KubernetesConfig): Promise<string> {
  return config.token_reviewer_jwt || (await localFile(reviewer, config, 'token')).trim();
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
  const audiences = audience === '' ? {} : { audiences: [audience] };
  const answer = await asked(reviewer, config, '/apis/authentication.k8s.io/v1/tokenreviews', {
    bearer: (await ownToken(reviewer, config)) || token,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, ...audiences },
    }),
  });
  if (answer.status < 200 || answer.status > 206)
    throw new ReviewError(`the API server answered with status ${answer.status}`);
  return judged(objectOf(objectOf(answer.document)['status']), audience);
}

/** Labels of a namespace that a review has named. @throws {ReviewError} */
export async function namespaceLabels(
  reviewer: Reviewer,
  config: KubernetesConfig,
  namespace: string,
): Promise<ReadonlyMap<string, string>> {
  const bearer = await ownToken(reviewer, config);
  if (bearer === '') throw new ReviewError('there is no token to look up namespaces with');
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}`;
  const { status, document } = await asked(reviewer, config, path, { bearer });
  if (status !== 200) throw new ReviewError(`the namespace cannot be read: status ${status}`);
  const labels = objectOf(objectOf(objectOf(document)['metadata'])['labels']);
  return new Map(Object.entries(labels).map(([name, value]) => [name, text(value)]));
}

/** Whether a key that the cluster's issuer publishes has signed the token, and in the issuer's name. @throws {ReviewError} */
export async function vouchedByIssuer(
  keySets: KeySets,
  config: KubernetesConfig,
  token: string,
): Promise<void> {
  const url = config.issuer_discovery_url ?? '';
  const source = { kind: 'discovery', url, caPem: config.issuer_ca_pem ?? '' } as const;
  const jws = parseJws(token);
  const claims = jws === undefined ? undefined : claimsOf(jws);
  if (jws === undefined || claims === undefined) throw new ReviewError('not a signed token');
  try {
    if (!(await keySets.verify(jws, source)))
      throw new ReviewError('no key of the issuer made the signature');
    const metadata = await keySets.metadata(source);
    if (claims['iss'] !== metadata?.issuer) throw new ReviewError('another issuer');
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    throw new ReviewError(`the keys of the issuer cannot be fetched: ${error.message}`);
  }
  if (seconds(claims['exp']) === undefined) throw new ReviewError('the token names no end');
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
