/** A bounded GET of a JSON document from a server that an administrator named: key sets, discovery documents. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface FetchOptions {
  /** Certificates (PEM) that alone are trusted; the system's without it. */
  readonly caPem?: string;
  readonly method?: 'GET' | 'POST';
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Fetched {
  readonly status: number;
  readonly document: unknown;
}

/** Whatever went wrong between us and the other server; the message names no secret. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
}

const TIMEOUT_MS = 10_000;
/** Largest document. */
const BYTES_MAX = 1024 * 1024;

export type FetchJson = (url: string, options?: FetchOptions) => Promise<Fetched>;

/** Follows no redirects: the administrator named this server and no other. @throws {FetchError} */
export async function fetchJson(url: string, options: FetchOptions = {}): Promise<Fetched> {
  const target = URL.parse(url);
  if (target === null || (target.protocol !== 'http:' && target.protocol !== 'https:'))
    throw new FetchError('not an http or https URL');
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  return await new Promise<Fetched>((resolve, reject) => {
    const fail = (error: unknown): void =>
      reject(new FetchError(error instanceof Error ? error.message : 'failed', { cause: error }));
    const outgoing = send(
      target,
      {
        method: options.method ?? 'GET',
        headers: { accept: 'application/json', ...options.headers },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(options.caPem === undefined ? {} : { ca: options.caPem }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on('error', fail);
        incoming.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > BYTES_MAX) incoming.destroy(new Error('the document is too large'));
          else chunks.push(chunk);
        });
        incoming.on('end', () => {
          const status = incoming.statusCode ?? 0;
          const document = parsed(Buffer.concat(chunks).toString());
          if (document === undefined) fail(new Error(`status ${status} without a JSON document`));
          else resolve({ status, document });
        });
      },
    );
    outgoing.on('error', fail);
    outgoing.end(options.body);
  });
}

/** Undefined when the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
