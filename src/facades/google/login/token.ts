/**
 * Where Google's clients get access tokens: the grant of a service account's assertion (RFC 7523) at `token_uri`, and workload
 * identity federation (RFC 8693 token exchange) at `token_url`. Either is a login of ours and gives an ordinary token.
 */
import type { Answer } from '../../../core/call.ts';
import type { RequestError } from '../../../model/errors.ts';
import type { WireReply } from '../../facade.ts';
import { assertionOf } from './claims.ts';
import type { Assertion } from './claims.ts';

const JWT_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const SUBJECT_TYPES: ReadonlySet<string> = new Set([
  'urn:ietf:params:oauth:token-type:jwt',
  'urn:ietf:params:oauth:token-type:id_token',
]);
/**
 * The project and the role that an audience names: `//host/projects/PROJECT/locations/L/workloadIdentityPools/POOL/providers/ROLE`, or
 * `//host/locations/L/workforcePools/PROJECT/providers/ROLE`, which keeps Google's libraries from asking Google about the project.
 */
const AUDIENCES: readonly RegExp[] = [
  /^\/\/[a-z0-9.-]{1,253}\/projects\/([a-z0-9][a-z0-9.:-]{0,62})\/locations\/[a-z0-9-]{1,63}\/workloadIdentityPools\/[\w-]{1,63}\/providers\/([\w-]{1,63})$/,
  /^\/\/[a-z0-9.-]{1,253}\/locations\/[a-z0-9-]{1,63}\/workforcePools\/([a-z0-9][a-z0-9.:-]{0,62})\/providers\/([\w-]{1,63})$/,
];
const TOKEN_LENGTH_MAX = 64 * 1024;
const PARAMETERS_MAX = 32;
const UNENDING_SECONDS = 3600;

/** RFC 6749 §5.2. */
export class OauthError extends Error {
  override readonly name = 'OauthError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @throws {OauthError} */
export function parseForm(text: string): ReadonlyMap<string, string> {
  const pairs = text.split('&', PARAMETERS_MAX + 1);
  if (pairs.length > PARAMETERS_MAX) {
    throw new OauthError(400, 'invalid_request', 'Too many parameters.');
  }
  try {
    return new Map(
      pairs
        .filter((pair) => pair !== '')
        .map((pair) => {
          const [name = '', ...value] = pair.replaceAll('+', ' ').split('=');
          return [decodeURIComponent(name), decodeURIComponent(value.join('='))];
        }),
    );
  } catch {
    throw new OauthError(400, 'invalid_request', 'The form is not properly encoded.');
  }
}

/** A login by a role of the project's login mount, with a token that another issuer has signed. */
export interface Federated {
  readonly project: string;
  readonly role: string;
  readonly jwt: string;
}

const REFUSED = 'Invalid JWT Signature.';

/** @throws {OauthError} */
export function grantOf(
  form: ReadonlyMap<string, string>,
  expected: { readonly nowMs: number; readonly host: string },
): Assertion | Federated {
  switch (form.get('grant_type')) {
    case JWT_GRANT: {
      const token = form.get('assertion') ?? '';
      const assertion = assertionOf(token, { ...expected, use: 'grant' });
      if (assertion === undefined) throw new OauthError(400, 'invalid_grant', REFUSED);
      return assertion;
    }
    case EXCHANGE_GRANT:
      return exchangeOf(form);
    default:
      throw new OauthError(400, 'unsupported_grant_type', 'The grant type is not supported.');
  }
}

function exchangeOf(form: ReadonlyMap<string, string>): Federated {
  const audience = form.get('audience') ?? '';
  const match = AUDIENCES.map((one) => one.exec(audience)).find((one) => one !== null);
  const [, project, role] = match ?? [];
  if (project === undefined || role === undefined) {
    throw new OauthError(
      400,
      'invalid_request',
      'The audience names no workload identity provider.',
    );
  }
  const jwt = form.get('subject_token') ?? '';
  if (!SUBJECT_TYPES.has(form.get('subject_token_type') ?? '')) {
    throw new OauthError(400, 'invalid_request', 'The subject_token_type is not supported.');
  }
  if (jwt === '' || jwt.length > TOKEN_LENGTH_MAX) {
    throw new OauthError(400, 'invalid_request', 'The subject_token is missing or too long.');
  }
  return { project, role, jwt };
}

/** Whatever is wrong with the proof, the client hears the same. */
export function refusedGrant(error: RequestError): OauthError {
  const { code } = error;
  if (code === 'sealed' || code === 'not_initialized' || code === 'unavailable') {
    return new OauthError(503, 'temporarily_unavailable', 'The service is not available.');
  }
  if (code === 'rate_limited') return new OauthError(429, 'slow_down', 'Too many requests.');
  if (code === 'internal' || code === 'audit_failed') {
    return new OauthError(500, 'server_error', 'Internal error.');
  }
  return new OauthError(400, 'invalid_grant', REFUSED);
}

const HEADERS = { 'Cache-Control': 'no-store', 'Content-Type': 'application/json' } as const;

/** @throws {OauthError} the login gave no token */
export function tokenReply(answer: Answer): WireReply {
  const { auth } = answer;
  if (auth === undefined || auth.clientToken === '') {
    throw new OauthError(400, 'invalid_grant', REFUSED);
  }
  const body = {
    access_token: auth.clientToken,
    expires_in: auth.leaseDurationSeconds > 0 ? auth.leaseDurationSeconds : UNENDING_SECONDS,
    token_type: 'Bearer',
    issued_token_type: ACCESS_TOKEN,
  };
  return { status: 200, headers: HEADERS, body: JSON.stringify(body) };
}

/**
 * gcloud asks for an identity token when it is given a key file, and does not look at what it gets. We issue none; the answer
 * is a form without one, and no token of ours.
 */
export function noIdentityTokenReply(): WireReply {
  const body = { token_type: 'Bearer', expires_in: 0 };
  return { status: 200, headers: HEADERS, body: JSON.stringify(body) };
}

export function oauthErrorReply(error: OauthError): WireReply {
  return {
    status: error.status,
    headers: HEADERS,
    body: JSON.stringify({ error: error.code, error_description: error.message }),
  };
}
