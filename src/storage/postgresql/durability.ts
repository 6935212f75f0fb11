/** What the database promises of a commit that it has acknowledged, read at the start. */
import type { Log } from '../../base/log.ts';
import { StorageError } from '../storage.ts';
import { LinkError } from './failures.ts';
import type { Connection } from './link.ts';

interface Setting {
  readonly name: string;
  /** Whether a value is safe. */
  readonly safe: (value: string) => boolean;
  /** What may happen otherwise. */
  readonly risk: string;
  /** Unsafe values end the start, unless the operator says otherwise. */
  readonly required: boolean;
}

const SETTINGS: readonly Setting[] = [
  {
    name: 'fsync',
    safe: (value) => value === 'on',
    risk: 'a crash of the machine loses or damages acknowledged secrets',
    required: true,
  },
  {
    name: 'synchronous_commit',
    safe: (value) => value === 'on' || value === 'remote_apply' || value === 'remote_write',
    risk: 'a crash or failover loses acknowledged secrets and revocations',
    required: true,
  },
  {
    name: 'full_page_writes',
    safe: (value) => value === 'on',
    risk: 'a power failure can tear pages, unless the file system writes them whole',
    required: true,
  },
  {
    name: 'data_checksums',
    safe: (value) => value === 'on',
    risk: 'damage on the disk is noticed only when a record does not decrypt',
    required: false,
  },
];

/** Oldest version whose behaviour is known here (`server_version_num`). */
const VERSION_MIN = 120_000;

export interface DurabilityOptions {
  readonly link: Connection;
  readonly log: Log;
  /** The operator accepts unsafe settings. */
  readonly accept: boolean;
}

/**
 * Settings that the database does not know (other databases behind the same tongue) are taken as safe.
 * @throws {StorageError}
 */
export async function assertDurable({ link, log, accept }: DurabilityOptions): Promise<void> {
  const encoding = await show(link, 'server_encoding');
  if (encoding !== undefined && encoding !== 'UTF8') {
    throw new StorageError(
      `the database is encoded in ${encoding}; make one with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
    );
  }
  const version = Number(await show(link, 'server_version_num'));
  if (version < VERSION_MIN) {
    throw new StorageError(
      `the database is too old (${version}): at least PostgreSQL 12 is needed`,
    );
  }
  for (const { name, safe, risk, required } of SETTINGS) {
    const value = await show(link, name);
    if (value === undefined || safe(value)) continue;
    if (required && !accept) {
      throw new StorageError(
        `the database runs with ${name} = ${value}: ${risk}. Set ${name} = on, or accept it with accept_weak_durability = true`,
      );
    }
    log.warn('the database is set to lose data', { setting: name, value, risk });
  }
}

async function show(link: Connection, name: string): Promise<string | undefined> {
  try {
    const { rows } = await link.one({ text: `SHOW ${name}` });
    return String(rows[0]?.[0]);
  } catch (error) {
    if (error instanceof LinkError && error.code !== undefined) return undefined;
    throw error;
  }
}
