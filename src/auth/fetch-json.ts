/** Bounded requests to servers that an administrator named: key sets, discovery documents, token endpoints, responders. */
import { request as httpsRequest } from 'node:https';
import { checkServerIdentity } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { http } from '../base/node-http.ts';

export interface FetchOptions {
  /** Certificates (PEM) that alone are trusted; the system's without it. */
  readonly caPem?: string;
  /** Names, any of which the server's certificate may be for; the one in the URL without it. */
  readonly serverNames?: readonly string[];
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Fetched {
  readonly status: number;
  readonly document: unknown;
}

export interface FetchedBytes {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** Whatever went wrong between us and the other server; the message names no secret. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
}

const TIMEOUT_MS = 10_000;
/** Largest document. */
const BYTES_MAX = 4 * 1024 * 1024;

export type FetchJson = (url: string, options?: FetchOptions) => Promise<Fetched>;
export type FetchBytes = (url: string, options?: FetchOptions) => Promise<FetchedBytes>;

/** A form as a POST body (application/x-www-form-urlencoded). */
export function formOf(values: Readonly<Record<string, string>>): FetchOptions {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(values).toString(),
  };
}

function identityCheck(
  names: readonly string[],
): (host: string, certificate: PeerCertificate) => Error | undefined {
  return (_host, certificate) => {
    const faults = names.map((name) => checkServerIdentity(name, certificate));
    return faults.includes(undefined) ? undefined : faults[0];
  };
}

/** Follows no redirects: the administrator named this server and no other. @throws {FetchError} */
export async function fetchBytes(url: string, options: FetchOptions = {}): Promise<FetchedBytes> {
  const target = URL.parse(url);
  if (target === null || (target.protocol !== 'http:' && target.protocol !== 'https:'))
    throw new FetchError('not an http or https URL');
  const send = target.protocol === 'https:' ? httpsRequest : http.request;
  const { caPem, serverNames = [], timeoutMs = TIMEOUT_MS } = options;
  return await new Promise<FetchedBytes>((resolve, reject) => {
    const fail = (error: unknown): void =>
      reject(new FetchError(error instanceof Error ? error.message : 'failed', { cause: error }));
    const outgoing = send(
      target,
      {
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
        signal: AbortSignal.timeout(timeoutMs),
        ...(caPem === undefined ? {} : { ca: caPem }),
        ...(serverNames.length === 0 ? {} : { checkServerIdentity: identityCheck(serverNames) }),
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
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    outgoing.on('error', fail);
    outgoing.end(options.body);
  });
}

/** Some servers give JSON under its plain name only when asked; kube-apiserver gives its keys under no other than `application/jwk-set+json`. */
const ACCEPT = 'application/json, */*;q=0.1';

/** @throws {FetchError} */
export async function fetchJson(url: string, options: FetchOptions = {}): Promise<Fetched> {
  const headers = { accept: ACCEPT, ...options.headers };
  const { status, body } = await fetchBytes(url, { ...options, headers });
  const document = parsed(body.toString());
  if (document === undefined) throw new FetchError(`status ${status} without a JSON document`);
  return { status, document };
}

/** Undefined when the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
