/** Where something listens, as configuration files write it. */
import { ConfigError } from './config-tree.ts';

/** `127.0.0.1:8200`, `[::1]:8200`, `:8200`. @throws {ConfigError} */
export function hostPort(address: string, where: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new ConfigError(where, 'address must be host:port');
  const host = match[1] ?? match[2] ?? '';
  return { host: host === '' ? '0.0.0.0' : host, port };
}
