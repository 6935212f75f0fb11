/** One HTTP exchange over node:http or node:https: timeouts, a size limit, redirects, sockets, proxies. */
import type { Agent as HttpAgent, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { shownUrl, type Address } from './address.ts';
import { ConnectionError } from './errors.ts';

/** Not by an import statement, which would load all that the module can export: another HTTP client of 16 MB among it. */
const http = process.getBuiltinModule('node:http');

/** Largest answer held in memory. */
export const ANSWER_BYTES_MAX: number = 256 * 1024 * 1024;
/** A node that is not the active one answers with a redirect; more than one in a row is a loop. */
const REDIRECTS_MAX = 1;

export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream is sent once: such a request is neither redirected nor repeated. */
  readonly body: string | Buffer | Readable | undefined;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface TransportOptions {
  readonly address: Address;
  readonly tls: () => ConnectionOptions;
  readonly timeoutMs: number;
  readonly followRedirects: boolean;
  /** A redirect is a failure: nothing of what was meant for one server may reach another. */
  readonly refuseRedirects: boolean;
  readonly answerBytesMax: number;
  /** Proxy settings in the style of the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY). */
  readonly proxy: Readonly<Record<string, string | undefined>> | undefined;
}

export class Transport {
  readonly #options: TransportOptions;
  #httpAgent: HttpAgent | undefined;
  #httpsAgent: HttpsAgent | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** @throws {ConnectionError} when no complete answer arrives in time. */
  async send(wire: WireRequest): Promise<WireAnswer> {
    const message = await this.open(wire, AbortSignal.timeout(this.#options.timeoutMs));
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of message) {
        bytes += (chunk as Buffer).length;
        if (bytes > this.#options.answerBytesMax)
          throw new ConnectionError('the answer is too large', 'TOO_LARGE');
        chunks.push(chunk as Buffer);
      }
    } catch (cause) {
      throw connectionError(wire, cause);
    }
    return {
      status: message.statusCode ?? 0,
      headers: message.headers,
      body: Buffer.concat(chunks),
    };
  }

  /** The answer as a stream, for backups and logs, whose length nobody knows. */
  async open(wire: WireRequest, signal: AbortSignal, redirects = 0): Promise<IncomingMessage> {
    const message = await this.#start(wire, signal);
    const location = message.headers.location;
    const status = message.statusCode ?? 0;
    if (this.#options.refuseRedirects && status >= 300 && status < 400) {
      message.destroy();
      throw new ConnectionError(
        'the server answers with a redirect: name the address that it leads to',
        'REDIRECTS',
      );
    }
    const redirected = status === 301 || status === 302 || status === 307 || status === 308;
    const repeatable = !(wire.body instanceof Readable) && this.#options.followRedirects;
    if (!redirected || location === undefined || !repeatable) return message;
    message.resume();
    const url = new URL(location, wire.url);
    if (redirects >= REDIRECTS_MAX) throw new ConnectionError('too many redirects', 'REDIRECTS');
    // The token travels with the redirect, so it must not be sent in clear where it was encrypted before.
    if (wire.url.protocol === 'https:' && url.protocol !== 'https:') {
      throw new ConnectionError('redirect would cause protocol downgrade', 'DOWNGRADE');
    }
    return this.open({ ...wire, url }, signal, redirects + 1);
  }

  close(): void {
    this.#httpAgent?.destroy();
    this.#httpsAgent?.destroy();
  }

  #start(wire: WireRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { address } = this.#options;
    const secure = wire.url.protocol === 'https:';
    const socketPath = address.socketPath;
    const options = {
      method: wire.method,
      headers: wire.headers,
      signal,
      agent: secure ? this.#secureAgent() : this.#plainAgent(),
      ...(socketPath === undefined ? {} : { socketPath }),
    };
    return new Promise((resolve, reject) => {
      const outgoing = secure ? httpsRequest(wire.url, options) : http.request(wire.url, options);
      outgoing.once('response', resolve);
      outgoing.once('error', (cause) => reject(connectionError(wire, cause)));
      if (wire.body instanceof Readable) {
        wire.body.once('error', (cause) => outgoing.destroy(cause));
        wire.body.pipe(outgoing);
      } else {
        outgoing.end(wire.body);
      }
    });
  }

  #plainAgent(): HttpAgent {
    this.#httpAgent ??= new http.Agent({ keepAlive: true, ...this.#proxy() });
    return this.#httpAgent;
  }

  #secureAgent(): HttpsAgent {
    this.#httpsAgent ??= new HttpsAgent({
      keepAlive: true,
      ...this.#options.tls(),
      ...this.#proxy(),
    });
    return this.#httpsAgent;
  }

  #proxy(): { proxyEnv: NodeJS.ProcessEnv } | Record<string, never> {
    const { proxy, address } = this.#options;
    const local = ['localhost', '127.0.0.1', '[::1]'].includes(address.url.hostname);
    return proxy === undefined || local ? {} : { proxyEnv: proxy };
  }
}

/** Words for the codes of failed connections, as other clients print them. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connect: connection refused'],
  ['EHOSTUNREACH', 'connect: no route to host'],
  ['ENETUNREACH', 'connect: network is unreachable'],
  ['ECONNRESET', 'connection reset by peer'],
  ['ETIMEDOUT', 'i/o timeout'],
  ['ABORT_ERR', 'context deadline exceeded'],
  ['ENOENT', 'connect: no such file or directory'],
  ['EACCES', 'connect: permission denied'],
  ...[
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
  ].map(
    (code) =>
      [
        code,
        'tls: failed to verify certificate: signed by an unknown authority (trust it with -ca-cert or VAULT_CACERT)',
      ] as const,
  ),
  ['CERT_HAS_EXPIRED', 'tls: failed to verify certificate: it has expired'],
]);

function connectionError(wire: WireRequest, cause: unknown): ConnectionError {
  if (cause instanceof ConnectionError) return cause;
  const code = codeOf(cause);
  const verb = wire.method.charAt(0) + wire.method.slice(1).toLowerCase();
  const place = wire.url.host;
  const where = shownUrl(wire.url);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new ConnectionError(
      `${verb} "${where}": dial tcp: lookup ${wire.url.hostname}: no such host`,
      code,
    );
  }
  if (code === 'EPROTO' || code === 'HPE_INVALID_CONSTANT') {
    const message =
      wire.url.protocol === 'https:'
        ? 'http: server gave HTTP response to HTTPS client'
        : 'malformed HTTP response (is the server speaking HTTPS?)';
    return new ConnectionError(`${verb} "${where}": ${message}`, code);
  }
  const reason = REASONS.get(code);
  const known = reason ?? (cause instanceof Error ? cause.message : 'the connection failed');
  const dial = reason?.startsWith('connect:') === true ? `dial tcp ${place}: ` : '';
  return new ConnectionError(`${verb} "${where}": ${dial}${known}`, code);
}

function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'UNKNOWN';
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error)
    return codeOf(cause.errors[0]);
  if (cause.name === 'AbortError' || cause.name === 'TimeoutError') return 'ABORT_ERR';
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : 'UNKNOWN';
}
