/** Which requests are Google's. Stands apart from the facade, which is loaded when it first gets one. */
import type { WireRequest } from '../facade.ts';

/** Where clients get access tokens: `token_uri` of a key file, and `token_url` of an external account. */
export const TOKEN_PATH = '/google/token';
export const EXCHANGE_PATH = '/google/sts';

export const SECRETS_SERVICE = '/google.cloud.secretmanager.v1.SecretManagerService/';
export const LOCATION_SERVICE = '/google.cloud.location.Locations/';
export const IAM_SERVICE = '/google.iam.v1.IAMPolicy/';
/** Everything that a gRPC path of this API begins with. */
export const SERVICE_PREFIXES: readonly string[] = [SECRETS_SERVICE, LOCATION_SERVICE, IAM_SERVICE];

export const GRPC_CONTENT_TYPE = 'application/grpc';
/** A Vault mount may be called `projects`, but hardly has `secrets` or `locations` one level below. */
const REST_PATH = /^\/v1\/projects\/[^/?]+\/(?:secrets|locations)(?:[/?:]|$)/;

export function isGoogle({ target, headers }: WireRequest): boolean {
  if (isGrpc(headers['content-type'])) {
    return SERVICE_PREFIXES.some((prefix) => target.startsWith(prefix));
  }
  return REST_PATH.test(target) || isTokenPath(target.split('?', 1)[0] ?? '');
}

export function isGrpc(contentType: unknown): boolean {
  if (typeof contentType !== 'string') return false;
  const [type] = contentType.toLowerCase().split(';');
  return type === GRPC_CONTENT_TYPE || type === `${GRPC_CONTENT_TYPE}+proto`;
}

export function isTokenPath(path: string): boolean {
  return path === TOKEN_PATH || path === EXCHANGE_PATH;
}
