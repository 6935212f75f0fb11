/** The shared member against the storage contract, on a real PostgreSQL. */
import { after, before, test } from 'node:test';
import { POSTGRESQL_HINT, postgresPrograms, startPostgres } from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { systemClock } from '../../base/clock.ts';
import { systemRandom } from '../../base/random.ts';
import { storageContract } from '../storage.contract.ts';
import { openPostgresqlStorage } from './postgresql-storage.ts';
import type { PostgresqlStorage } from './postgresql-storage.ts';

if (postgresPrograms() === undefined) {
  test(`left out, PostgreSQL is missing: ${POSTGRESQL_HINT}`, { skip: true }, () => {});
} else {
  let server: Postgres;
  let tables = 0;
  before(async () => (server = await startPostgres()));
  after(async () => server.stop());

  const member = (name: string, cacheBytesMax: number): Parameters<typeof storageContract>[0] => ({
    name,
    open: async () => {
      tables += 1;
      const table = `store_${tables}`;
      const opened: PostgresqlStorage[] = [];
      const open = async (): Promise<PostgresqlStorage> => {
        const storage = await openPostgresqlStorage({
          connectionUrl: server.url(),
          table,
          cacheBytesMax,
          clock: systemClock,
          random: systemRandom,
          onFatal: (error) => {
            throw error;
          },
        });
        opened.push(storage);
        return storage;
      };
      return {
        storage: await open(),
        reopen: open,
        dispose: async () => {
          for (const storage of opened) await storage.close();
        },
      };
    },
  });

  storageContract(member('postgresql', 8 * 1024 * 1024));
  storageContract(member('postgresql with a tiny cache', 1024));
}
