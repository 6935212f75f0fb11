/**
 * Two PostgreSQL servers, of which the second has whatever the first acknowledges (synchronous replication), and takes its place when that is
 * lost: what Patroni, CloudNativePG and managed databases do, with the rig as the one who decides.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { startPostgres } from './postgresql.ts';
import type { Postgres } from './postgresql.ts';

const SETTINGS = {
  // Acknowledged is what the standby has on its disk as well (`synchronous_commit` is "on").
  synchronous_standby_names: '*',
  // A standby whose primary was restarted asks again at once.
  wal_retrieve_retry_interval: '100ms',
  wal_keep_size: '128MB',
};
const READY_MS_MAX = 30_000;
const POLL_MS = 30;

export interface PostgresPair {
  /** The one that takes writes; another one after each failover. */
  readonly primary: Postgres;
  /**
   * Kills the primary and lets the standby take over; a new standby begins afterwards. `took` is told the new primary as soon as it takes writes,
   * which are acknowledged as soon as its own standby follows.
   */
  failOver(took: (primary: Postgres) => void): Promise<void>;
  stop(): Promise<void>;
}

/** @throws {Error} there are no programs, or one does not start. */
export async function startPostgresPair(): Promise<PostgresPair> {
  let primary = await startPostgres({ settings: SETTINGS });
  let standby = await startPostgres({ settings: SETTINGS, standbyOf: primary });
  await follows(primary);
  return {
    get primary(): Postgres {
      return primary;
    },
    failOver: async (took) => {
      // Only who has everything may take over: after a restart of the primary that is true when it has caught up.
      await follows(primary);
      const lost = primary;
      await lost.kill();
      await standby.sql('SELECT pg_promote()');
      primary = standby;
      took(primary);
      await lost.stop();
      standby = await startPostgres({ settings: SETTINGS, standbyOf: primary });
      await follows(primary);
    },
    stop: async () => {
      await standby.stop();
      await primary.stop();
    },
  };
}

async function follows(primary: Postgres): Promise<void> {
  const started = performance.now();
  for (;;) {
    const rows = await primary.sql(
      "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'",
    );
    if (rows.length > 0) return;
    if (performance.now() - started > READY_MS_MAX) throw new Error('the standby does not follow');
    await pause(POLL_MS);
  }
}
