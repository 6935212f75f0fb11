/** Accounts of a PostgreSQL server. */
import { Client } from 'pg';
import { demandPasswords, startPostgres } from '../../../rig/postgresql.ts';
import {
  FIXED_ACCOUNTS,
  FIXED_PASSWORD,
  KEEPERS,
  KEEPER_PASSWORD,
  codeOf,
  databasePlace,
} from '../place.ts';
import type { AccountPlace } from '../place.ts';

/** Class of SQLSTATE: invalid authorization. */
const REFUSES = '28';

export async function postgresPlace(): Promise<AccountPlace> {
  const target = await startPostgres({ settings: { fsync: 'off' } });
  const { port } = target;
  await demandPasswords(target);
  for (const name of FIXED_ACCOUNTS) {
    await target.sql(`CREATE ROLE ${name} LOGIN PASSWORD '${FIXED_PASSWORD}'`);
  }
  for (const name of KEEPERS) {
    await target.sql(`CREATE ROLE ${name} CREATEROLE LOGIN PASSWORD '${KEEPER_PASSWORD}'`);
    // Since version 16 it takes this to change what somebody else has made.
    await target.sql(`GRANT ${FIXED_ACCOUNTS.join(', ')} TO ${name} WITH ADMIN OPTION`);
  }
  return databasePlace(
    {
      plugin: 'postgresql-database-plugin',
      rotator: 'postgresql',
      address: {
        connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/postgres?sslmode=disable`,
      },
      creationStatements: `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'`,
    },
    {
      async lent() {
        const rows = await target.sql(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'`);
        return new Set(rows.map((row) => String(row['rolname'])));
      },
      async logsIn(user, password) {
        const client = new Client({
          host: '127.0.0.1',
          port,
          user,
          password,
          database: 'postgres',
        });
        client.on('error', () => {});
        try {
          await client.connect();
          return true;
        } catch (error) {
          if (codeOf(error).startsWith(REFUSES)) return false;
          throw error;
        } finally {
          client.end().catch(() => {});
        }
      },
      stop: () => target.stop(),
    },
  );
}
