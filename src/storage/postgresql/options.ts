/** What is said of a shared store when it is opened. */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { StorageError } from '../storage.ts';
import type { Connection } from './link.ts';

/** Table of the entries; the names of the others begin with it. */
export const TABLE_DEFAULT = 'strongroom_kv';
/** Connections of one process, two of which are for reading and writing entries, the rest for listings. */
export const CONNECTIONS_DEFAULT = 8;
/** How long a request waits for a database that does not answer. */
export const DEADLINE_MS_DEFAULT = 10_000;
export interface PostgresqlStorageOptions {
  /** A URL or `name=value` pairs, as PostgreSQL's own tools take them. */
  readonly connectionUrl: string;
  /** Where `PGUSER` and `PGPASSWORD` may stand. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly table?: string;
  readonly connectionsMax?: number;
  readonly skipCreateTable?: boolean;
  readonly acceptWeakDurability?: boolean;
  /** False where a pooler between cannot keep named statements; found out by itself otherwise. */
  readonly preparedStatements?: boolean;
  /** Longest time a read or commit tries to reach the database; half of it for a single statement. */
  readonly deadlineMs?: number;
  /** How often the first connection is tried. */
  readonly connectAttemptsMax?: number;
  readonly cacheBytesMax?: number;
  /** Makes connections in place of those that `connectionUrl` describes; each opens when it is first used. */
  readonly connect?: (queryMsMax?: number) => Connection;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log;
  /** The database has lost commits that this process has acknowledged: it must end, and the operator decide. */
  readonly onFatal: (error: StorageError) => void;
}
