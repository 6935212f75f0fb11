/** Google’s APIs, as the account of the configuration: a signed assertion gives a token, which the calls carry. */
import { createPrivateKey } from 'node:crypto';
import { signJws } from '../../crypto/jws.ts';
import { RequestError } from '../../model/errors.ts';
import { jsonOf, member } from '../../model/outgoing.ts';
import type { IncomingReply, OutgoingRequest } from '../../model/outgoing.ts';
import { ENDPOINTS } from './config.ts';
import type { Api, GcpConfig } from './config.ts';
import type { GcpPorts } from './ports.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ASSERTION_SECONDS = 600;
const FAILED_STATUS = 500;
const REASON_LENGTH_MAX = 500;

export class GoogleError extends Error {
  override readonly name = 'GoogleError';
  /** Undefined when there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export function asFailure(before: string, error: unknown): unknown {
  if (!(error instanceof GoogleError)) return error;
  return new RequestError('upstream_failed', `${before}: ${error.message}`, {
    vaultStatus: FAILED_STATUS,
    cause: error,
  });
}

export type Call = (
  api: Exclude<Api, 'oauth2'>,
  method: OutgoingRequest['method'],
  path: string,
  body?: object,
) => Promise<unknown>;

function endpoint(config: GcpConfig, api: Api): string {
  return (config.endpoints[api] ?? ENDPOINTS[api]).replace(/\/+$/, '');
}

async function ask({ send }: GcpPorts, url: string, request: OutgoingRequest): Promise<unknown> {
  let reply: IncomingReply;
  try {
    reply = await send(url, request);
  } catch (error) {
    throw new GoogleError('Google does not answer', undefined, { cause: error });
  }
  const document = jsonOf(reply);
  if (reply.status >= 200 && reply.status < 300) return document;
  const reason = member(document, 'error', 'message') ?? member(document, 'error_description');
  const text = typeof reason === 'string' ? reason.slice(0, REASON_LENGTH_MAX) : 'no reason given';
  throw new GoogleError(`${reply.status}: ${text}`, reply.status);
}

/** Exchanges an assertion for a token (RFC 7523), and makes calls with it. @throws {GoogleError} */
export async function googleOf(config: GcpConfig, ports: GcpPorts, nowMs: number): Promise<Call> {
  const { credentials } = config;
  const audience = endpoint(config, 'oauth2');
  const issued = Math.floor(nowMs / 1000);
  const assertion = await signJws(
    {
      iss: credentials.email,
      scope: SCOPE,
      aud: audience,
      iat: issued,
      exp: issued + ASSERTION_SECONDS,
    },
    {
      algorithm: 'RS256',
      key: createPrivateKey(credentials.privateKeyPem),
      keyId: credentials.privateKeyId,
    },
  );
  const document = await ask(ports, audience, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: GRANT, assertion }).toString(),
  });
  const token = member(document, 'access_token');
  if (typeof token !== 'string') throw new GoogleError('the answer has no access token');
  return async (api, method, path, body) =>
    await ask(ports, endpoint(config, api) + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
}
