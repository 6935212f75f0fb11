/** A bare HTTP client for the rigs: one call, one answer, any method, no retries, so that what is measured is the server. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface ApiOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface ApiAnswer {
  readonly status: number;
  /** The parsed body, or its text where it is no JSON; undefined when empty. */
  readonly body: unknown;
}

const TIMEOUT_MS = 30_000;

/** Connections to one server. */
export class Api {
  readonly address: string;
  readonly #ca: string | undefined;
  readonly #insecure: boolean;
  readonly #agent: HttpAgent;

  constructor(
    address: string,
    options: { ca?: string; connectionsMax?: number; insecure?: boolean } = {},
  ) {
    this.address = address;
    this.#ca = options.ca;
    this.#insecure = options.insecure ?? false;
    const settings = { keepAlive: true, maxSockets: options.connectionsMax ?? 8 };
    this.#agent = address.startsWith('https:') ? new HttpsAgent(settings) : new HttpAgent(settings);
  }

  /** @throws when there is no complete answer. */
  call(method: string, path: string, options: ApiOptions = {}): Promise<ApiAnswer> {
    const text = options.body === undefined ? undefined : JSON.stringify(options.body);
    const send = this.address.startsWith('https:') ? httpsRequest : httpRequest;
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const request = send(
      `${this.address}/v1/${path}`,
      {
        method,
        agent: this.#agent,
        timeout: options.timeoutMs ?? TIMEOUT_MS,
        ...(this.#ca === undefined ? {} : { ca: this.#ca }),
        ...(this.#insecure ? { rejectUnauthorized: false } : {}),
        headers: {
          ...(options.token === undefined ? {} : { 'x-vault-token': options.token }),
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...options.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (!response.complete) reject(new Error('the answer broke off'));
          resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks)) });
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error(`no answer to ${method} ${path}`)));
    request.on('error', reject);
    request.end(text);
    return promise;
  }

  /** The body's object. @throws unless the answer is 2xx. */
  async expect(
    method: string,
    path: string,
    options: ApiOptions = {},
  ): Promise<Record<string, unknown>> {
    const { status, body } = await this.call(method, path, options);
    if (status < 200 || status > 299) {
      throw new Error(`${method} ${path} answered ${status} ${JSON.stringify(body)}`);
    }
    return (body ?? {}) as Record<string, unknown>;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function parsed(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The value at `keys` inside a parsed body. @throws when it is absent. */
export function at(body: unknown, ...keys: readonly (string | number)[]): unknown {
  let value = body;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      throw new Error(`the answer has no ${keys.join('.')}`);
    }
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

export function textAt(body: unknown, ...keys: readonly (string | number)[]): string {
  const value = at(body, ...keys);
  if (typeof value !== 'string') throw new Error(`${keys.join('.')} is not text`);
  return value;
}
