/** Passes requests on to the server, with the agent's token where that is wanted, and answers from the cache where it may. */
import type { Facade, WireReply, WireRequest } from '../../facades/facade.ts';
import { BodyError } from '../../facades/facade.ts';
import type { Log } from '../../base/log.ts';
import { ConnectionError } from '../../client/errors.ts';
import type { Transport, WireAnswer } from '../../client/transport.ts';
import type { ApiProxyKeys } from '../config/agent-keys.ts';
import { LeaseCache } from './lease-cache.ts';

export interface ProxyOptions {
  readonly transport: Transport;
  /** Scheme and host of the server, without a path. */
  readonly origin: string;
  readonly namespace: string;
  readonly settings: ApiProxyKeys;
  /** The agent's token; undefined while it has none. */
  readonly token: () => string | undefined;
  readonly cache: LeaseCache | undefined;
  readonly log: Log;
  readonly requireHeader: boolean;
  /** Present where `POST /agent/v1/quit` may end the agent. */
  readonly quit: (() => void) | undefined;
  /** The server refused the agent's own token. */
  readonly refused: () => void;
}

/** As much as the server takes itself. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;

/** Headers of one connection (RFC 9110 §7.6.1), and those that the transport sets itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function createProxy(options: ProxyOptions): Facade {
  return {
    refuse,
    async handle(request) {
      try {
        return await answer(request, options);
      } catch (cause) {
        if (cause instanceof BodyError) {
          return refuse(cause.reason === 'too_large' ? 413 : 400, cause.message);
        }
        const error = cause instanceof Error ? cause.message : 'unknown error';
        options.log.warn('a request could not be passed on', { error });
        const unreachable = cause instanceof ConnectionError;
        return refuse(502, unreachable ? 'the server cannot be reached' : 'the agent failed');
      }
    },
  };
}

function refuse(status: number, message: string): WireReply {
  return {
    status,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ errors: [message] }),
  };
}

async function answer(request: WireRequest, options: ProxyOptions): Promise<WireReply> {
  const { method, target } = request;
  if (options.requireHeader && request.headers['x-vault-request'] !== 'true') {
    return refuse(412, "missing 'X-Vault-Request' header");
  }
  const [path = ''] = target.split('?', 1);
  if (path.startsWith('/agent/') || path.startsWith('/proxy/')) {
    return ownEndpoint(method, path, options);
  }
  // Anything else could lead out of the server's own addresses.
  if (!target.startsWith('/v1/')) return refuse(404, 'not found');
  const body = request.hasBody ? await request.readBody(BODY_BYTES_MAX) : undefined;
  const { headers, ownToken } = headersFor(request, options);
  const key = options.cache?.keyOf({ method, target, headers, body });
  const kept = key === undefined ? undefined : options.cache?.find(key);
  if (kept !== undefined) return replyOf(kept, true);
  const got = await options.transport.send({
    method,
    url: new URL(options.origin + target),
    headers,
    body,
  });
  if (ownToken && got.status === 403) options.refused();
  options.cache?.heard({ key, method, path, headers, body, answer: got });
  return replyOf(got, false);
}

function ownEndpoint(method: string, path: string, options: ProxyOptions): WireReply {
  const name = path.replace(/^\/(?:agent|proxy)\/v1\//, '');
  const writes = method === 'POST' || method === 'PUT';
  if (name === 'quit' && options.quit !== undefined) {
    if (!writes) return refuse(405, 'unsupported operation');
    options.quit();
    return { status: 204, headers: {}, body: '' };
  }
  if (name === 'cache-clear' && options.cache !== undefined) {
    if (!writes) return refuse(405, 'unsupported operation');
    options.cache.clear();
    return { status: 204, headers: {}, body: '' };
  }
  return refuse(404, 'not found');
}

function headersFor(
  request: WireRequest,
  { settings, token, namespace }: ProxyOptions,
): { headers: Record<string, string>; ownToken: boolean } {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || OWN_HEADERS.has(name)) continue;
    headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  const brings =
    (headers['x-vault-token'] ?? '') !== '' || /^bearer /i.test(headers['authorization'] ?? '');
  const own = token();
  const ownToken =
    own !== undefined &&
    (settings.useToken === 'force' || (settings.useToken === 'true' && !brings));
  if (ownToken) {
    delete headers['authorization'];
    headers['x-vault-token'] = own;
  }
  const asked = headers['x-vault-namespace'];
  if (asked === undefined) {
    if (namespace !== '') headers['x-vault-namespace'] = namespace;
  } else if (settings.prependNamespace && namespace !== '') {
    headers['x-vault-namespace'] = `${namespace.replace(/\/+$/, '')}/${asked}`;
  }
  return { headers, ownToken };
}

function replyOf({ status, headers, body }: WireAnswer, fromCache: boolean): WireReply {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || OWN_HEADERS.has(name) || name === 'date') continue;
    passed[name] = typeof value === 'string' ? value : value.join(', ');
  }
  if (fromCache) passed['x-cache'] = 'HIT';
  return { status, headers: passed, body };
}
