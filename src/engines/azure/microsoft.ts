/** Microsoft’s APIs, as the application of the configuration: its password gives a token for each API, which the calls carry. */
import { RequestError } from '../../model/errors.ts';
import { jsonOf, member } from '../../model/outgoing.ts';
import type { IncomingReply, OutgoingRequest } from '../../model/outgoing.ts';
import { endpointOf, resourceOf } from './config.ts';
import type { Api, AzureConfig } from './config.ts';
import type { AzurePorts } from './ports.ts';

const FAILED_STATUS = 500;
const NOT_FOUND = 404;
const REASON_LENGTH_MAX = 500;

export class MicrosoftError extends Error {
  override readonly name = 'MicrosoftError';
  /** Undefined when there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export function asFailure(before: string, error: unknown): unknown {
  if (!(error instanceof MicrosoftError)) return error;
  return new RequestError('upstream_failed', `${before}: ${error.message}`, {
    vaultStatus: FAILED_STATUS,
    cause: error,
  });
}

export type Call = (
  api: Exclude<Api, 'login'>,
  method: OutgoingRequest['method'],
  path: string,
  body?: object,
) => Promise<unknown>;

async function ask({ send }: AzurePorts, url: string, request: OutgoingRequest): Promise<unknown> {
  let reply: IncomingReply;
  try {
    reply = await send(url, request);
  } catch (error) {
    throw new MicrosoftError('Azure does not answer', undefined, { cause: error });
  }
  const document = jsonOf(reply);
  if (reply.status >= 200 && reply.status < 300) return document;
  const reason = member(document, 'error', 'message') ?? member(document, 'error_description');
  const text = typeof reason === 'string' ? reason.slice(0, REASON_LENGTH_MAX) : 'no reason given';
  throw new MicrosoftError(`${reply.status}: ${text}`, reply.status);
}

/** Calls that get their tokens when they are first needed. */
export function microsoftOf(config: AzureConfig, ports: AzurePorts): Call {
  const tokens = new Map<Api, string>();
  const tokenOf = async (api: Api): Promise<string> => {
    const known = tokens.get(api);
    if (known !== undefined) return known;
    const url = `${endpointOf(config, 'login')}/${config.tenantId}/oauth2/v2.0/token`;
    const document = await ask(ports, url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: config.clientId,
        client_secret: config.clientSecret,
        scope: `${resourceOf(config, api)}/.default`,
      }).toString(),
    });
    const token = member(document, 'access_token');
    if (typeof token !== 'string') throw new MicrosoftError('the answer has no access token');
    tokens.set(api, token);
    return token;
  };
  return async (api, method, path, body) =>
    await ask(ports, endpointOf(config, api) + path, {
      method,
      headers: {
        authorization: `Bearer ${await tokenOf(api)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
}

/** A text of an answer that must be there. @throws {MicrosoftError} */
export function textOf(document: unknown, ...path: readonly string[]): string {
  const value = member(document, ...path);
  if (typeof value === 'string' && value !== '') return value;
  throw new MicrosoftError(`the answer has no ${path.join('.')}`);
}

/** The `value` of an answer with many. */
export function allOf(document: unknown, name = 'value'): readonly unknown[] {
  const value = member(document, name);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** Query that selects what has exactly this value. */
export function having(name: string, value: string): string {
  return `$filter=${encodeURIComponent(`${name} eq '${value.replaceAll("'", "''")}'`)}`;
}

/** What is gone already counts as removed. @throws {MicrosoftError} */
export async function unlessGone(act: () => Promise<unknown>): Promise<unknown> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof MicrosoftError && error.status === NOT_FOUND) return undefined;
    throw error;
  }
}
