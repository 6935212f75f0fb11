/**
 * The token endpoint: OAuth 2.0 client credentials (RFC 6749 §4.4) with a secret, or with a token that the client's own issuer
 * has signed (RFC 7523 §2.2). Either is a login of ours, and what comes back is an ordinary token.
 */
import type { Answer } from '../../../core/call.ts';
import type { RequestError } from '../../../model/errors.ts';
import type { Evidence } from '../../../model/evidence.ts';
import type { WireReply } from '../../facade.ts';
import { jsonReply, TokenError } from '../wire/errors.ts';

const GRANT = 'client_credentials';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const FIELD_LENGTH_MAX = 64 * 1024;
/** What is said of a token that never ends. */
const UNENDING_SECONDS = 86_400;

/** How a client proves itself: by a credential of an identity, or by a token that a role of a login mount accepts. */
export type Proof =
  | { readonly evidence: Evidence }
  | { readonly role: string; readonly jwt: string };

/** `/{tenant}/oauth2[/v2.0]/token` */
export function isTokenEndpoint(segments: readonly string[]): boolean {
  const [, oauth2, ...rest] = segments;
  return oauth2 === 'oauth2' && /^(?:v2\.0\/)?token$/.test(rest.join('/'));
}

function invalid(description: string): TokenError {
  return new TokenError(400, 'invalid_request', description);
}

/** @throws {TokenError} */
export function proofOf(form: ReadonlyMap<string, string>): Proof {
  if (form.get('grant_type') !== GRANT) {
    throw new TokenError(400, 'unsupported_grant_type', 'The grant type is not supported.');
  }
  const client = form.get('client_id') ?? '';
  const secret = form.get('client_secret') ?? '';
  const assertion = form.get('client_assertion') ?? '';
  if (client === '') throw invalid('The parameter client_id is missing.');
  if (Math.max(client.length, secret.length, assertion.length) > FIELD_LENGTH_MAX) {
    throw invalid('A parameter is too long.');
  }
  if (assertion !== '') {
    if (form.get('client_assertion_type') !== ASSERTION_TYPE) {
      throw invalid('The client_assertion_type is not supported.');
    }
    return { role: client, jwt: assertion };
  }
  if (secret === '') throw invalid('The parameter client_secret or client_assertion is missing.');
  return { evidence: { kind: 'client-secret', client, secret } };
}

/** Whatever is wrong with a client's proof, the client hears the same. */
export function refusedLogin(error: RequestError): TokenError {
  if (error.code === 'sealed' || error.code === 'not_initialized' || error.code === 'unavailable') {
    return new TokenError(503, 'temporarily_unavailable', 'The service is not available.');
  }
  if (error.code === 'rate_limited') {
    return new TokenError(429, 'temporarily_unavailable', 'Too many requests.');
  }
  if (error.code === 'internal' || error.code === 'audit_failed') {
    return new TokenError(500, 'server_error', 'Internal error.');
  }
  return new TokenError(401, 'invalid_client', 'The credentials of the client are not valid.');
}

export interface Issued {
  readonly token: string;
  readonly expiresInSeconds: number;
}

/** @throws {TokenError} the login gave no token (a second factor is due, say) */
export function issuedBy(answer: Answer): Issued {
  const { auth } = answer;
  if (auth === undefined || auth.clientToken === '') {
    throw new TokenError(401, 'invalid_client', 'The credentials of the client are not valid.');
  }
  const seconds = auth.leaseDurationSeconds;
  return { token: auth.clientToken, expiresInSeconds: seconds > 0 ? seconds : UNENDING_SECONDS };
}

const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' } as const;

export function tokenReply({ token, expiresInSeconds }: Issued): WireReply {
  return jsonReply(
    {
      token_type: 'Bearer',
      expires_in: expiresInSeconds,
      ext_expires_in: expiresInSeconds,
      access_token: token,
    },
    200,
    NO_STORE,
  );
}

/** The managed-identity endpoints give their numbers as text, and the time of the end as well. */
export function managedIdentityReply(
  { token, expiresInSeconds }: Issued,
  options: { readonly nowMs: number; readonly resource: string; readonly client: string },
): WireReply {
  const expiresOn = Math.floor(options.nowMs / 1000) + expiresInSeconds;
  return jsonReply(
    {
      access_token: token,
      expires_in: String(expiresInSeconds),
      expires_on: String(expiresOn),
      resource: options.resource,
      token_type: 'Bearer',
      client_id: options.client,
    },
    200,
    NO_STORE,
  );
}
