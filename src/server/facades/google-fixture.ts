/** What tests of the Google facade share: a project on the whole core, asked by REST. */
import assert from 'node:assert/strict';
import type { JsonObject } from '../../base/json.ts';
import { createGoogleFacade } from '../../facades/google/google-facade.ts';
import type { Facade } from '../../facades/facade.ts';
import { mountFinder } from './place-finder.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance, OpeningOptions } from '../instance-fixture.ts';
import { sendJson, silentLog } from './facade-fixture.ts';
import type { JsonReply } from './facade-fixture.ts';

export const HOST: string = 'sm.example.com:8200';
export const P: string = '/v1/projects/p';

export type Send = (
  method: string,
  path: string,
  body?: unknown,
  token?: string | null,
) => Promise<JsonReply>;

export interface World {
  readonly server: OpenInstance;
  readonly facade: Facade;
  readonly send: Send;
  readonly done: (...parameters: Parameters<Send>) => Promise<Record<string, unknown>>;
}

export async function world(options: OpeningOptions = {}): Promise<World> {
  const server = await openInstance(options);
  const facade = createGoogleFacade({
    handle: server.instance.handle,
    log: silentLog,
    clock: server.clock,
    mountOf: mountFinder(server.instance.services),
  });
  await server.get('write', 'sys/bindings/gcp/p', { data: {} });
  const send: Send = async (method, path, body, token = 'root') => {
    const sent = typeof body === 'string' ? body : JSON.stringify(body);
    return await sendJson(facade, path, {
      method,
      headers: { host: HOST, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      ...(sent === undefined ? {} : { body: sent }),
    });
  };
  const done: World['done'] = async (...parameters) => {
    const reply = await send(...parameters);
    assert.equal(reply.status, 200, JSON.stringify(reply.json));
    return { ...reply.json };
  };
  return { server, facade, send, done };
}

export function statusOf(reply: JsonReply): unknown[] {
  const error = reply.json['error'] as { code: number; status: string };
  assert.equal(error.code, reply.status);
  return [reply.status, error.status];
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const AUTOMATIC: JsonObject = { replication: { automatic: {} } };
export const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
export const payload = (text: string): JsonObject => ({ payload: { data: base64(text) } });
