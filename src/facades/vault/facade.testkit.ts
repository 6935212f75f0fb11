/** Test kit: sends a request through the facade to a stub of the core, without sockets. */
import assert from 'node:assert/strict';
import { silentLog } from '../../base/log.ts';
import type { Answer, Call } from '../../core/call.ts';
import { RequestError } from '../../model/errors.ts';
import { BodyError } from '../facade.ts';
import type { WireReply, WireRequest } from '../facade.ts';
import { createVaultFacade } from './vault-facade.ts';
import type { VaultFacadeOptions } from './vault-facade.ts';

export interface Sent {
  readonly method?: string;
  readonly target: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Buffer;
}

export function wireRequest(sent: Sent): WireRequest {
  const headers: Record<string, string> = {};
  const rawHeaders: string[] = [];
  for (const [name, value] of sent.headers ?? []) {
    rawHeaders.push(name, value);
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  const body = Buffer.from(sent.body ?? '');
  return {
    method: sent.method ?? 'GET',
    target: sent.target,
    headers,
    rawHeaders,
    connection: { remoteAddress: '192.0.2.1', remotePort: 1, clientCertificates: [], local: false },
    hasBody: sent.body !== undefined,
    readBody: (bytesMax) =>
      body.length > bytesMax ? Promise.reject(new BodyError('too_large')) : Promise.resolve(body),
    bodyPieces: async function* () {
      yield body;
    },
    signal: new AbortController().signal,
  };
}

export type Answering = (call: Call) => Partial<Answer> | Promise<Partial<Answer>>;

export function ask(
  sent: Sent,
  answering: Answering = () => ({}),
  options: Partial<VaultFacadeOptions> = {},
): Promise<WireReply> {
  const facade = createVaultFacade({
    log: silentLog,
    handle: async (call) => ({ requestId: 'id-1', namespacePath: '', ...(await answering(call)) }),
    ...options,
  });
  return facade.handle(wireRequest(sent));
}

/** The call that reached the core. */
export async function callOf(sent: Sent): Promise<Call> {
  let seen: Call | undefined;
  const reply = await ask(sent, (call) => {
    seen = call;
    return {};
  });
  assert.ok(seen !== undefined, `no call: ${reply.status} ${String(reply.body)}`);
  return seen;
}

export async function dataOf(sent: Sent): Promise<unknown> {
  let data: unknown;
  const reply = await ask(sent, async (call) => {
    data = await call.readBody().catch((error: unknown) => {
      assert.ok(error instanceof RequestError);
      return error.code;
    });
    return {};
  });
  assert.ok(data !== undefined, `no data: ${reply.status} ${String(reply.body)}`);
  return data;
}

export function json(reply: WireReply): unknown {
  assert.equal(reply.headers['Content-Type'], 'application/json');
  assert.equal(reply.headers['Cache-Control'], 'no-store');
  assert.ok(String(reply.body).endsWith('\n'));
  return JSON.parse(String(reply.body));
}
