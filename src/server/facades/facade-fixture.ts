/** What tests of a facade on the whole core share: a request in, a reply out, without a socket. */
import { silentLog } from '../../base/log.ts';
import type { Facade, WireReply, WireRequest } from '../../facades/facade.ts';
import { BodyError } from '../../facades/facade.ts';

export { silentLog };

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export function wireRequest(target: string, sent: Sent = {}): WireRequest {
  const headers = sent.headers ?? {};
  const body = Buffer.from(sent.body ?? '');
  return {
    method: sent.method ?? 'GET',
    target,
    headers,
    rawHeaders: Object.entries(headers).flat(),
    connection: { remoteAddress: '127.0.0.1', remotePort: 1, clientCertificates: [], local: false },
    hasBody: sent.body !== undefined,
    readBody: (bytesMax) =>
      body.length > bytesMax ? Promise.reject(new BodyError('too_large')) : Promise.resolve(body),
    bodyPieces: async function* () {
      yield body;
    },
    signal: new AbortController().signal,
  };
}

export interface JsonReply {
  readonly status: number;
  readonly headers: WireReply['headers'];
  readonly json: Readonly<Record<string, unknown>>;
}

export async function sendJson(
  facade: Facade,
  target: string,
  sent: Sent = {},
): Promise<JsonReply> {
  const reply = await facade.handle(wireRequest(target, sent));
  const text = reply.body.toString();
  const json = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  return { status: reply.status, headers: reply.headers, json };
}
