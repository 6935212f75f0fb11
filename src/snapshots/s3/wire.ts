/** Requests to a bucket over the S3 API: signed (Signature Version 4), bounded, tried again when the failure may pass. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { signSigV4 } from '../../crypto/sigv4.ts';
import type { AwsCredentials } from '../../crypto/sigv4.ts';
import { DestinationError } from '../destination.ts';
import { textOf } from './xml.ts';

export interface S3Reply {
  readonly status: number;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Makes one request and follows no redirect; rejects when there is no reply, with a message that names no secret. */
export type S3Send = (
  url: string,
  request: {
    readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Uint8Array;
    readonly caPem?: string;
    readonly timeoutMs: number;
  },
) => Promise<S3Reply>;

export interface Bucket {
  readonly bucket: string;
  readonly region: string;
  /** Host, and port if need be; '' = AWS. */
  readonly endpoint: string;
  readonly tls: boolean;
  /** `https://endpoint/bucket/key` in place of `https://bucket.endpoint/key`. */
  readonly pathStyle: boolean;
  /** Certificates (PEM) that alone are trusted; '' = the system's. */
  readonly caPem: string;
}

export interface WirePorts {
  readonly send: S3Send;
  readonly clock: Clock;
  readonly bucket: Bucket;
  readonly credentials: () => AwsCredentials;
}

export interface S3Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** '' = the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
  /** A status beside 2xx that is no failure. */
  readonly alsoGood?: number;
}

const ATTEMPTS_MAX = 4;
const PAUSE_MS = 500;
const TIMEOUT_MS = 60_000;
const NO_BODY: Uint8Array = new Uint8Array(0);
const TOO_MANY = 429;
const SERVER_FAILURE = 500;

export class S3Wire {
  readonly #ports: WirePorts;

  constructor(ports: WirePorts) {
    this.#ports = ports;
  }

  /** @throws {DestinationError} it was refused, or failed again and again. */
  async ask(request: S3Request): Promise<S3Reply> {
    for (let attempt = 1; ; attempt++) {
      request.signal?.throwIfAborted();
      const { reply, reason, passing } = await this.#once(request);
      if (reply !== undefined) return reply;
      if (!passing || attempt >= ATTEMPTS_MAX) {
        throw new DestinationError(`${request.method} ${this.#described(request.key)}: ${reason}`);
      }
      await this.#pause(PAUSE_MS * 2 ** (attempt - 1), request.signal);
    }
  }

  urlOf(key: string): URL {
    const { bucket, region, endpoint, tls, pathStyle } = this.#ports.bucket;
    const host = endpoint === '' ? `s3.${region}.amazonaws.com` : endpoint;
    const scheme = tls ? 'https' : 'http';
    return pathStyle
      ? new URL(`${scheme}://${host}/${bucket}/${key}`)
      : new URL(`${scheme}://${bucket}.${host}/${key}`);
  }

  #described(key: string): string {
    return `s3://${this.#ports.bucket.bucket}/${key}`;
  }

  async #once(
    request: S3Request,
  ): Promise<{ readonly reply?: S3Reply; readonly reason: string; readonly passing: boolean }> {
    const { send, clock, bucket, credentials } = this.#ports;
    const url = this.urlOf(request.key);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      url.searchParams.set(name, value);
    }
    // The search must be written as it is signed: a space is %20, never a plus.
    url.search = url.search.replaceAll('+', '%20');
    const body = request.body ?? NO_BODY;
    const { method } = request;
    const headers = signSigV4(
      {
        method,
        url,
        body,
        headers: {
          ...request.headers,
          'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
        },
      },
      credentials(),
      { region: bucket.region, service: 's3', nowMs: clock.nowMs() },
    );
    let reply: S3Reply;
    try {
      reply = await send(url.href, {
        method,
        headers: { ...headers, 'content-length': String(body.length) },
        ...(body.length === 0 ? {} : { body }),
        ...(bucket.caPem === '' ? {} : { caPem: bucket.caPem }),
        timeoutMs: TIMEOUT_MS,
      });
    } catch (error) {
      return { reason: error instanceof Error ? error.message : 'no reply', passing: true };
    }
    const good = reply.status >= 200 && reply.status < 300;
    // Completing an upload may fail after the status has been sent.
    const code = textOf(reply.body.subarray(0, 4096).toString(), 'Code');
    const late = good && method === 'POST' && code !== undefined;
    if ((good && !late) || reply.status === request.alsoGood) {
      return { reply, reason: '', passing: false };
    }
    return {
      reason: `status ${reply.status}${code === undefined ? '' : ` (${printable(code)})`}`,
      passing: late || reply.status >= SERVER_FAILURE || reply.status === TOO_MANY,
    };
  }

  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#ports.clock.after(ms, resolve);
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal?.addEventListener('abort', stop, { once: true });
    await promise;
    signal?.removeEventListener('abort', stop);
  }
}

/** What another server calls its error: a word, or it is not repeated. */
function printable(code: string): string {
  return /^[A-Za-z0-9.]{1,64}$/.test(code) ? code : 'unknown';
}
