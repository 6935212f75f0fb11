/** Accounts of a MariaDB server. */
import { createConnection } from 'mysql2/promise';
import { startMariadb } from '../../../rig/mariadb.ts';
import {
  FIXED_ACCOUNTS,
  FIXED_PASSWORD,
  KEEPERS,
  KEEPER_PASSWORD,
  codeOf,
  databasePlace,
} from '../place.ts';
import type { AccountPlace } from '../place.ts';

const REFUSES = 'ER_ACCESS_DENIED_ERROR';

export async function mariadbPlace(): Promise<AccountPlace> {
  const target = await startMariadb();
  const { port } = target;
  for (const name of FIXED_ACCOUNTS) {
    await target.sql(`CREATE USER '${name}'@'%' IDENTIFIED BY '${FIXED_PASSWORD}'`);
  }
  for (const name of KEEPERS) {
    await target.sql(`CREATE USER '${name}'@'%' IDENTIFIED BY '${KEEPER_PASSWORD}'`);
    await target.sql(`GRANT ALL ON *.* TO '${name}'@'%' WITH GRANT OPTION`);
  }
  return databasePlace(
    {
      plugin: 'mysql-database-plugin',
      rotator: 'mysql',
      address: { connection_url: `{{username}}:{{password}}@tcp(127.0.0.1:${port})/` },
      creationStatements: `CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`,
    },
    {
      async lent() {
        const rows = await target.sql(`SELECT User AS name FROM mysql.user WHERE User LIKE 'v-%'`);
        return new Set(rows.map((row) => String(row['name'])));
      },
      async logsIn(user, password) {
        try {
          const connection = await createConnection({ host: '127.0.0.1', port, user, password });
          connection.destroy();
          return true;
        } catch (error) {
          if (codeOf(error) === REFUSES) return false;
          throw error;
        }
      },
      stop: () => target.stop(),
    },
  );
}
