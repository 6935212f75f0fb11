/** What tests of rotation ask of a server. */
import type { JsonObject } from '../../base/json.ts';
import { silentLog } from '../../base/log.ts';
import type { Log } from '../../base/log.ts';
import type { Answer } from '../../core/call.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';

export const DAY: number = 86_400;

export async function serving(
  run: (server: OpenInstance) => Promise<void>,
  options: Parameters<typeof openInstance>[0] = {},
): Promise<void> {
  const server = await openInstance(options);
  try {
    await run(server);
  } finally {
    await server.instance.close();
  }
}

export async function put(server: OpenInstance, path: string, data: JsonObject): Promise<void> {
  await server.get('write', `secret/data/${path}`, { data: { data } });
}

export async function value(
  server: OpenInstance,
  path: string,
  version = 0,
): Promise<Record<string, string>> {
  const read = await server.get('read', `secret/data/${path}`, { data: { version } });
  return read['data'] as Record<string, string>;
}

type Shown = Promise<Record<string, unknown>>;

export function policy(server: OpenInstance, path: string, data: JsonObject): Shown {
  return server.get('write', `secret/rotation/secret/${path}`, { data });
}

export function status(server: OpenInstance, path: string): Shown {
  return server.get('read', `secret/rotation/secret/${path}`);
}

export function now(server: OpenInstance, path: string, data: JsonObject = {}): Promise<Answer> {
  return server.ask('write', `secret/rotation/now/${path}`, { data });
}

/** What the server has counted so far under a name that ends so. */
export async function counted(server: OpenInstance, name: string): Promise<number> {
  const { reply } = await server.ask('read', 'sys/metrics');
  const metrics = JSON.parse(String(reply?.raw?.body)) as {
    Counters: { Name: string; Count: number }[];
  };
  return metrics.Counters.find(({ Name }) => Name.endsWith(name))?.Count ?? 0;
}

/** A log that keeps what whoever is on duty would be called for. */
export function alarmLog(alarms: string[]): Log {
  const log: Log = { ...silentLog, error: (message) => alarms.push(message), named: () => log };
  return log;
}
