/** Opens the store that a configuration names. */
import { resolve } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { parseConnectionUrl } from '../../storage/postgresql/connection-url.ts';
import { openSqliteStorage } from '../../storage/sqlite/sqlite-storage.ts';
import type { CountedStorage, Storage, StorageError } from '../../storage/storage.ts';
import type { StorageConfig } from '../config/block-keys.ts';

export interface OpenOptions {
  readonly log: Log;
  /** The outcome of commits is unknown: the process must end. */
  readonly onFatal: (error: StorageError) => void;
}

/** @throws {StorageError} it is in use, damaged, not durable enough, not ours, or cannot be reached. */
export async function openStorage(config: StorageConfig, options: OpenOptions): Promise<Storage> {
  return config.kind === 'inmem' ? createMemoryStorage() : await openLasting(config, options);
}

export type LastingConfig = Exclude<StorageConfig, { readonly kind: 'inmem' }>;

/** Where a store is, without a password. */
export function storeWords(
  config: LastingConfig,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (config.kind === 'sqlite') return `the embedded store at ${resolve(config.path)}`;
  const { targets, database } = parseConnectionUrl(config.connectionUrl, environment);
  const hosts = targets.map(({ host, port }) => `${host}:${port}`).join(',');
  return `PostgreSQL at ${hosts}/${database}, table ${config.table}`;
}

/** As {@link openStorage}, for the stores that outlive the process. */
export async function openLasting(
  config: LastingConfig,
  options: OpenOptions,
): Promise<CountedStorage> {
  if (config.kind === 'sqlite') {
    return await openSqliteStorage({ ...options, directory: config.path });
  }
  // Loaded when it is configured, with the driver that it brings.
  const { openPostgresqlStorage } = await import('../../storage/postgresql/postgresql-storage.ts');
  const { kind: _, deadlineSeconds, ...given } = config;
  return await openPostgresqlStorage({
    ...options,
    ...given,
    environment: process.env,
    deadlineMs: deadlineSeconds * 1000,
    clock: systemClock,
    random: systemRandom,
  });
}
