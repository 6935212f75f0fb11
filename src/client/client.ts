/**
 * The SDK: a client of the HTTP API with no dependencies.
 *
 * ```ts
 * const client = new Client({ address: 'https://127.0.0.1:8200', token });
 * const secret = await client.read('secret/data/database');
 * ```
 * A read of nothing resolves to `undefined`; every other refusal throws an {@link ApiError}.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import {
  DEFAULT_ADDRESS,
  encodePath,
  joinPath,
  parseAddress,
  shownUrl,
  type Address,
} from './address.ts';
import { ApiError, ResponseError } from './errors.ts';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from './json.ts';
import { mayRetry, waitBeforeRetryMs } from './retry.ts';
import { parseSecret, type Secret } from './secret.ts';
import { loadTls, type TlsSettings } from './tls.ts';
import { ANSWER_BYTES_MAX, Transport, type WireAnswer, type WireRequest } from './transport.ts';

export const DEFAULT_TIMEOUT_MS = 60_000;
export const DEFAULT_RETRIES_MAX = 2;

export interface ClientOptions {
  /** `https://host:port`, `http://…` or `unix:///path`. */
  readonly address?: string;
  readonly token?: string;
  readonly namespace?: string;
  readonly tls?: TlsSettings;
  readonly timeoutMs?: number;
  readonly retriesMax?: number;
  readonly followRedirects?: boolean;
  /** Fails on a redirect, instead of following it or taking it for an answer. */
  readonly refuseRedirects?: boolean;
  /** Largest answer held in memory; {@link ANSWER_BYTES_MAX} by default. */
  readonly answerBytesMax?: number;
  /** Sent with every call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Asks for the answer to be wrapped: `60`, `5m`. */
  readonly wrapTtl?: string;
  readonly mfa?: readonly string[];
  readonly policyOverride?: boolean;
  readonly proxy?: Readonly<Record<string, string | undefined>>;
  /** Sees each call instead of the network; what it throws reaches the caller. */
  readonly intercept?: (request: WireRequest) => never;
  readonly wait?: (delayMs: number) => Promise<unknown>;
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: JsonObject | Buffer | Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is written here is wrapped in any case; without a time of its own, for this long. */
const WRAP_PATH = 'sys/wrapping/wrap';
const WRAP_TTL_DEFAULT = '5m';

/** Paths whose 429 is an answer (a standby's health), not a refusal. */
const HEALTH_PATH = '/v1/sys/health';

export class Client {
  readonly #options: ClientOptions;
  readonly #address: Address;
  readonly #transport: Transport;

  constructor(options: ClientOptions = {}) {
    this.#options = options;
    this.#address = parseAddress(options.address ?? DEFAULT_ADDRESS);
    this.#transport = new Transport({
      address: this.#address,
      tls: () => loadTls(options.tls ?? {}),
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      followRedirects: options.followRedirects ?? true,
      refuseRedirects: options.refuseRedirects ?? false,
      answerBytesMax: options.answerBytesMax ?? ANSWER_BYTES_MAX,
      proxy: options.proxy,
    });
  }

  get address(): string {
    return this.#address.text;
  }

  get token(): string {
    return this.#options.token ?? '';
  }

  get namespace(): string {
    return this.#options.namespace ?? '';
  }

  get tls(): TlsSettings {
    return this.#options.tls ?? {};
  }

  /** A client that differs in some options. It has its own connections. */
  with(changes: {
    readonly [Key in keyof ClientOptions]?: ClientOptions[Key] | undefined;
  }): Client {
    const merged = { ...this.#options, ...changes };
    return new Client(
      Object.fromEntries(
        Object.entries(merged).filter(([, value]) => value !== undefined),
      ) as ClientOptions,
    );
  }

  /** Reads a path; `undefined` when nothing is there. A 404 that carries data or warnings is a result. */
  async read(path: string, query?: CallOptions['query']): Promise<Secret | undefined> {
    return this.#maybe('GET', path, query === undefined ? {} : { query });
  }

  async list(path: string, query: CallOptions['query'] = {}): Promise<Secret | undefined> {
    return this.#maybe('GET', path, { query: { ...query, list: 'true' } });
  }

  /** Lists a path with everything below it. */
  async scan(path: string, query: CallOptions['query'] = {}): Promise<Secret | undefined> {
    return this.#maybe('GET', path, { query: { ...query, scan: 'true' } });
  }

  async write(path: string, body: JsonObject): Promise<Secret | undefined> {
    return parseSecret((await this.request('PUT', path, { body })).body);
  }

  async post(path: string, body: JsonObject): Promise<Secret | undefined> {
    return parseSecret((await this.request('POST', path, { body })).body);
  }

  /** Like {@link read}, but a 404 throws: for paths that always answer. */
  async get(path: string): Promise<Secret | undefined> {
    return parseSecret((await this.request('GET', path)).body);
  }

  /** A JSON merge patch (RFC 7396). */
  async patch(path: string, body: JsonObject): Promise<Secret | undefined> {
    const headers = { 'Content-Type': 'application/merge-patch+json' };
    return parseSecret((await this.request('PATCH', path, { body, headers })).body);
  }

  async delete(path: string, query?: CallOptions['query']): Promise<Secret | undefined> {
    const options = query === undefined ? {} : { query };
    return parseSecret((await this.request('DELETE', path, options)).body);
  }

  /** Opens a wrapped answer: of `wrappingToken`, or of this client's own token. */
  async unwrap(wrappingToken?: string): Promise<Secret | undefined> {
    const own = this.token;
    const path = 'sys/wrapping/unwrap';
    if (wrappingToken === undefined || wrappingToken === '' || wrappingToken === own) {
      return this.#maybe('PUT', path, {});
    }
    if (own === '') return this.with({ token: wrappingToken }).unwrap();
    return this.#maybe('PUT', path, { body: { token: wrappingToken } });
  }

  /** A call whose answer is a bare object (`sys/seal-status`, `sys/init`, …). */
  async object(method: string, path: string, options: CallOptions = {}): Promise<JsonObject> {
    const answer = await this.request(method, path, options);
    const value = answer.body.length === 0 ? {} : readJson(answer.body);
    if (!isJsonObject(value)) throw new ResponseError('the answer is not a JSON object');
    return value;
  }

  /**
   * Any call; resolves with the raw answer, whatever good status it has.
   * @throws {ApiError} for 400 and above @throws {ConnectionError} when no answer comes.
   */
  async request(method: string, path: string, options: CallOptions = {}): Promise<WireAnswer> {
    const wire = this.#wire(method, path, options);
    const answer = await this.#send(wire);
    const healthy = answer.status === 429 && wire.url.pathname === HEALTH_PATH;
    if (answer.status >= 400 && !healthy) throw apiError(wire, answer);
    return answer;
  }

  /** The answer as a stream. The caller ends it, or aborts the signal. */
  async stream(
    method: string,
    path: string,
    options: CallOptions & { readonly signal?: AbortSignal } = {},
  ): Promise<IncomingMessage> {
    const wire = this.#wire(method, path, options);
    const message = await this.#transport.open(
      wire,
      options.signal ?? new AbortController().signal,
    );
    const status = message.statusCode ?? 0;
    if (status < 400) return message;
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    throw apiError(wire, { status, headers: message.headers, body: Buffer.concat(chunks) });
  }

  close(): void {
    this.#transport.close();
  }

  async #maybe(method: string, path: string, options: CallOptions): Promise<Secret | undefined> {
    const wire = this.#wire(method, path, options);
    const answer = await this.#send(wire);
    if (answer.status === 404) {
      const secret = parse404(answer.body);
      const told = secret?.data !== undefined || (secret?.warnings?.length ?? 0) > 0;
      return told ? secret : undefined;
    }
    if (answer.status >= 400) throw apiError(wire, answer);
    return parseSecret(answer.body);
  }

  async #send(wire: WireRequest): Promise<WireAnswer> {
    const retriesMax = this.#options.retriesMax ?? DEFAULT_RETRIES_MAX;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#transport.send(wire);
      if (attempt > retriesMax || !mayRetry(answer.status)) return answer;
      const delayMs = waitBeforeRetryMs(attempt, answer.headers['retry-after']);
      await (this.#options.wait ?? sleep)(delayMs);
    }
  }

  #wire(method: string, path: string, options: CallOptions): WireRequest {
    const url = new URL(this.#address.url);
    url.pathname = `/${encodePath(joinPath(decodeURI(url.pathname), 'v1', path))}`;
    for (const [name, value] of Object.entries(options.query ?? {})) {
      for (const one of typeof value === 'string' ? [value] : value)
        url.searchParams.append(name, one);
    }
    const { body } = options;
    const request: WireRequest = {
      method,
      url,
      headers: {
        ...(method !== 'GET' && path === WRAP_PATH && { 'X-Vault-Wrap-TTL': WRAP_TTL_DEFAULT }),
        ...this.#headers(),
        ...options.headers,
      },
      body: wireBody(body),
    };
    this.#options.intercept?.(request);
    return request;
  }

  #headers(): Record<string, string> {
    const { token, namespace, wrapTtl, mfa, policyOverride, headers } = this.#options;
    return {
      'X-Vault-Request': 'true',
      ...(token !== undefined && token !== '' && { 'X-Vault-Token': token }),
      ...(namespace !== undefined && namespace !== '' && { 'X-Vault-Namespace': namespace }),
      ...(wrapTtl !== undefined && wrapTtl !== '' && { 'X-Vault-Wrap-TTL': wrapTtl }),
      ...(mfa !== undefined && mfa.length > 0 && { 'X-Vault-MFA': mfa.join(',') }),
      ...(policyOverride === true && { 'X-Vault-Policy-Override': 'true' }),
      ...headers,
    };
  }
}

function wireBody(body: CallOptions['body']): WireRequest['body'] {
  if (body === undefined || Buffer.isBuffer(body) || body instanceof Readable) return body;
  return JSON.stringify(body);
}

function readJson(body: Buffer): JsonValue {
  try {
    return parseJson(body.toString('utf8'));
  } catch {
    throw new ResponseError('the answer is not valid JSON');
  }
}

function parse404(body: Buffer): Secret | undefined {
  try {
    return parseSecret(body);
  } catch {
    return undefined;
  }
}

/** What a TLS listener written in Go says to a client without TLS. */
const PLAIN_TO_TLS = 'Client sent an HTTP request to an HTTPS server';

function apiError(wire: WireRequest, answer: WireAnswer): ApiError {
  const namespace = answer.headers['x-vault-namespace'];
  const place = {
    status: answer.status,
    method: wire.method,
    url: shownUrl(wire.url),
    namespace: typeof namespace === 'string' ? namespace : '',
    tokenSent: 'X-Vault-Token' in wire.headers,
  };
  if (answer.body.length === 0) return new ApiError({ ...place, errors: [] });
  try {
    const value = parseJson(answer.body.toString('utf8'));
    const list = isJsonObject(value) ? value['errors'] : undefined;
    const errors = Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
    return new ApiError({ ...place, errors });
  } catch {
    const type = answer.headers['content-type'] ?? 'unknown type';
    const unreadable = answer.body.toString('latin1').startsWith(PLAIN_TO_TLS)
      ? 'the server speaks HTTPS: use an address that begins with https://'
      : `the answer is no JSON (${type}, ${answer.body.length} bytes)`;
    return new ApiError({ ...place, errors: [], unreadable });
  }
}
