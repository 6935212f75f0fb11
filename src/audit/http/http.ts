/** Audit device `http`: posts each batch of records as newline-delimited JSON. Any status but 2xx means: not taken. */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as requestHttps } from 'node:https';
import { readFile } from 'node:fs/promises';
import { http } from '../../base/node-http.ts';

import type { Clock } from '../../base/clock.ts';
import { invalidRequest } from '../../model/errors.ts';
import { optionOf, parseDurationMs } from '../device.ts';
import type { AuditDevice, AuditDeviceType } from '../device.ts';

/** How long one request may take. */
const REQUEST_TIMEOUT_MS = 2000;
const HEADERS_MAX = 32;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** RFC 9110 §5.5, without bytes beyond ASCII. */
const HEADER_VALUE = /^[\t -~]{0,4096}$/;

export const httpDevice: AuditDeviceType = {
  type: 'http',
  summary: 'Posts records to an HTTP or HTTPS server.',
  options: {
    uri: 'Where to post to.',
    headers: 'Further headers, as a JSON object of names and lists of values.',
    write_timeout: 'How long one request may take, e.g. "2s".',
    tls_ca_file: "Certificates (PEM) to trust in place of the system's.",
  },
  secretOptions: ['headers', 'uri'],
  async open(options, context) {
    const caFile = optionOf(options, 'tls_ca_file');
    const ca = caFile === undefined ? undefined : await readFile(caFile);
    const url = parseUri(optionOf(options, 'uri'));
    return new HttpDevice({
      url,
      headers: parseHeaders(optionOf(options, 'headers')),
      timeoutMs: parseDurationMs(options, 'write_timeout', REQUEST_TIMEOUT_MS),
      clock: context.clock,
      agent:
        url.protocol === 'https:'
          ? new TlsAgent({
              keepAlive: true,
              maxSockets: 1,
              minVersion: 'TLSv1.2',
              ...(ca && { ca }),
            })
          : new http.Agent({ keepAlive: true, maxSockets: 1 }),
    });
  },
};

function parseUri(text: string | undefined): URL {
  if (text === undefined || text === '') throw invalidRequest('uri is required');
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalidRequest('option "uri" must be an http or https address');
  }
  return url;
}

function parseHeaders(text: string | undefined): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  if (text === undefined || text === '') return headers;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const fault = 'option "headers" must be a JSON object of names and lists of values';
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw invalidRequest(fault);
  for (const [name, values] of Object.entries(parsed as Record<string, unknown>)) {
    const list: unknown[] = Array.isArray(values) ? values : [values];
    if (!HEADER_NAME.test(name) || headers.size >= HEADERS_MAX) throw invalidRequest(fault);
    const checked: string[] = [];
    for (const value of list) {
      if (typeof value !== 'string' || !HEADER_VALUE.test(value)) throw invalidRequest(fault);
      checked.push(value);
    }
    headers.set(name, checked);
  }
  return headers;
}

interface HttpSettings {
  readonly url: URL;
  readonly headers: ReadonlyMap<string, string[]>;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly agent: Agent;
}

class HttpDevice implements AuditDevice {
  readonly #settings: HttpSettings;

  constructor(settings: HttpSettings) {
    this.#settings = settings;
  }

  async append(lines: Buffer): Promise<void> {
    try {
      await this.#post(lines);
    } catch (error) {
      // A kept connection may have been closed by the other side just now.
      if (!isReset(error)) throw error;
      await this.#post(lines);
    }
  }

  reopen(): Promise<void> {
    this.#settings.agent.destroy();
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.reopen();
  }

  #post(lines: Buffer): Promise<void> {
    const { url, headers, timeoutMs, clock, agent } = this.#settings;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const send = url.protocol === 'https:' ? requestHttps : http.request;
    const request: ClientRequest = send(url, { method: 'POST', agent });
    request.setHeader('content-type', 'application/x-ndjson');
    request.setHeader('content-length', lines.length);
    request.setHeader('user-agent', 'strongroom-audit');
    for (const [name, values] of headers) request.setHeader(name, values);
    request.on('error', reject);
    request.on('response', (response: IncomingMessage) => {
      const status = response.statusCode ?? 0;
      // What it says does not matter, but reading it frees the connection.
      response.on('error', reject);
      response.on('end', () => {
        // A redirect is no acceptance: the records went nowhere.
        if (status >= 200 && status < 300) resolve();
        else reject(new Error(`the audit server answered ${status}`));
      });
      response.resume();
    });
    const stop = clock.after(timeoutMs, () => request.destroy(new Error('no answer in time')));
    request.end(lines);
    return promise.finally(stop);
  }
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
}
