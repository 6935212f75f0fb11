/** `http-01` (RFC 8555 §8.3): the host shows the answer under a well-known path. */
import { request as httpsRequest } from 'node:https';
import { http } from '../../../../base/node-http.ts';
import type { AcmeConfig } from '../config.ts';
import { AcmeProblem } from '../problem.ts';
import { reachableAddresses } from './reach.ts';

const TIMEOUT_MS = 8_000;
const REDIRECTS_MAX = 10;
const URL_LENGTH_MAX = 2000;
/** Longest answer that is read. */
const BODY_BYTES_MAX = 512;

interface Page {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

async function fetchFrom(url: URL, address: string): Promise<Page> {
  const send = url.protocol === 'https:' ? httpsRequest : http.request;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return await new Promise<Page>((resolve, reject) => {
    const outgoing = send(
      {
        host: address,
        port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
        path: url.pathname + url.search,
        headers: { Host: url.host, 'User-Agent': 'strongroom-acme', Accept: '*/*' },
        agent: false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        // The certificate is not yet there: what counts is the answer (RFC 8555 §8.3).
        ...(url.protocol === 'https:' ? { servername: host, rejectUnauthorized: false } : {}),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on('error', reject);
        incoming.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > BODY_BYTES_MAX) incoming.destroy(new Error('the answer is too long'));
          else chunks.push(chunk);
        });
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            location: incoming.headers.location,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

async function fetchPage(url: URL, config: AcmeConfig): Promise<Page> {
  const addresses = await reachableAddresses(url.hostname.replace(/^\[|\]$/g, ''), config);
  let failure = '';
  for (const address of addresses) {
    try {
      return await fetchFrom(url, address);
    } catch (error) {
      failure = error instanceof Error ? error.message : 'failed';
    }
  }
  throw new AcmeProblem('connection', `http-01: ${failure}`);
}

function assertTarget(url: URL, config: AcmeConfig): void {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  const isFine = isWeb && [80, 443, config.http_port, config.tls_port].includes(port);
  if (isFine && url.href.length <= URL_LENGTH_MAX && url.username === '') return;
  throw new AcmeProblem('connection', 'http-01: redirected to where it is not followed');
}

/** @throws {AcmeProblem} */
export async function checkHttp(
  host: string,
  token: string,
  keyAuthorization: string,
  config: AcmeConfig,
): Promise<void> {
  const name = host.includes(':') ? `[${host}]` : host;
  const port = config.http_port === 80 ? '' : `:${config.http_port}`;
  let url = new URL(`http://${name}${port}/.well-known/acme-challenge/${token}`);
  for (let hops = 0; hops < REDIRECTS_MAX; hops++) {
    const page = await fetchPage(url, config);
    if (page.status >= 300 && page.status < 400 && page.location !== undefined) {
      const next = URL.parse(page.location, url);
      if (next === null) throw new AcmeProblem('connection', 'http-01: redirected nowhere');
      assertTarget(next, config);
      url = next;
      continue;
    }
    if (page.status === 200 && page.body.trim() === keyAuthorization) return;
    throw new AcmeProblem(
      'incorrectResponse',
      `http-01: status ${page.status} without the key authorization`,
    );
  }
  throw new AcmeProblem('connection', 'http-01: too many redirects');
}
