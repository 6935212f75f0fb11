/** What tests of the Azure facade share: a vault on the whole core, asked as its SDKs ask. */
import assert from 'node:assert/strict';
import type { JsonObject } from '../../base/json.ts';
import { createAzureFacade } from '../../facades/azure/azure-facade.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance, OpeningOptions } from '../instance-fixture.ts';
import { azureBackupSeal } from '../batch-seal.ts';
import { systemRandom } from '../../base/random.ts';
import { sendJson, silentLog } from './facade-fixture.ts';
import type { JsonReply } from './facade-fixture.ts';

export const VAULT: string = 'myvault.kv.example.com';
export const DOMAIN: string = 'kv.example.com';
export const API: string = 'api-version=7.4';

export type Send = (
  method: string,
  path: string,
  body?: unknown,
  more?: Options,
) => Promise<JsonReply>;
export interface Options {
  readonly token?: string | null;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface World {
  readonly server: OpenInstance;
  readonly send: Send;
  /** As `send`, to be answered with 200; gives the JSON. */
  readonly done: (...parameters: Parameters<Send>) => Promise<Record<string, unknown>>;
}

export async function world(
  options: OpeningOptions = {},
  binding: JsonObject = {},
): Promise<World> {
  const server = await openInstance(options);
  const { services } = server.instance;
  const facade = createAzureFacade({
    handle: server.instance.handle,
    log: silentLog,
    clock: server.clock,
    random: systemRandom,
    backupSeal: azureBackupSeal(services.barrier, systemRandom),
  });
  await server.get('write', `sys/bindings/azure/${VAULT}`, { data: binding });
  await server.get('write', `sys/bindings/azure/${DOMAIN}`, { data: {} });
  const send: Send = async (method, path, body, more = {}) => {
    const token = more.token === undefined ? 'root' : more.token;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return await sendJson(facade, path.includes('?') ? path : `${path}?${API}`, {
      method,
      headers: {
        host: more.host ?? `${VAULT}:8200`,
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...more.headers,
      },
      ...(text === undefined ? {} : { body: text }),
    });
  };
  const done: World['done'] = async (...parameters) => {
    const reply = await send(...parameters);
    assert.equal(reply.status, 200, JSON.stringify(reply.json));
    return { ...reply.json };
  };
  return { server, send, done };
}

export function codeOf(reply: JsonReply): unknown[] {
  const error = reply.json['error'] as { code: string; innererror?: { code: string } };
  return [
    reply.status,
    error.code,
    ...(error.innererror === undefined ? [] : [error.innererror.code]),
  ];
}

export const versionOf = (bundle: Record<string, unknown>): string =>
  String(bundle['id']).split('/').at(-1) ?? '';
