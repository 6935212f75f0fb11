/** The databases whose accounts are made and taken back while the server is killed. */
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { MARIADB_ADMIN, startMariadb } from '../rig/mariadb.ts';
import { demandPasswords, startPostgres } from '../rig/postgresql.ts';

/** Accounts with fixed names, and the password that they begin with. */
export const FIXED_ACCOUNTS = ['fixed', 'turn_a', 'turn_b'] as const;
export const FIXED_PASSWORD = 'turn-pass';

export interface AccountPlace {
  readonly plugin: string;
  readonly rotator: string;
  readonly connectionUrl: string;
  readonly admin: { readonly username: string; readonly password: string };
  readonly creationStatements: string;
  /** Names of the accounts that were made for leases. */
  lent(): Promise<ReadonlySet<string>>;
  logsIn(user: string, password: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** Class of SQLSTATE: invalid authorization. */
const POSTGRES_REFUSES = '28';
const MARIADB_REFUSES = 'ER_ACCESS_DENIED_ERROR';

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

export async function postgresPlace(): Promise<AccountPlace> {
  const target = await startPostgres({ settings: { fsync: 'off' } });
  const admin = { username: 'keeper', password: 'keeper-pass' };
  await demandPasswords(target);
  await target.sql(`CREATE ROLE keeper CREATEROLE LOGIN PASSWORD '${admin.password}'`);
  for (const name of FIXED_ACCOUNTS) {
    await target.sql(`CREATE ROLE ${name} LOGIN PASSWORD '${FIXED_PASSWORD}'`);
  }
  return {
    plugin: 'postgresql-database-plugin',
    rotator: 'postgresql',
    connectionUrl: `postgresql://{{username}}:{{password}}@127.0.0.1:${target.port}/postgres?sslmode=disable`,
    admin,
    creationStatements: `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'`,
    async lent() {
      const rows = await target.sql(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'`);
      return new Set(rows.map((row) => String(row['rolname'])));
    },
    async logsIn(user, password) {
      const { port } = target;
      const client = new Client({ host: '127.0.0.1', port, user, password, database: 'postgres' });
      client.on('error', () => {});
      try {
        await client.connect();
        return true;
      } catch (error) {
        if (codeOf(error).startsWith(POSTGRES_REFUSES)) return false;
        throw error;
      } finally {
        client.end().catch(() => {});
      }
    },
    stop: () => target.stop(),
  };
}

export async function mariadbPlace(): Promise<AccountPlace> {
  const target = await startMariadb();
  for (const name of FIXED_ACCOUNTS) {
    await target.sql(`CREATE USER '${name}'@'%' IDENTIFIED BY '${FIXED_PASSWORD}'`);
  }
  return {
    plugin: 'mysql-database-plugin',
    rotator: 'mysql',
    connectionUrl: `{{username}}:{{password}}@tcp(127.0.0.1:${target.port})/`,
    admin: MARIADB_ADMIN,
    creationStatements: `CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`,
    async lent() {
      const rows = await target.sql(`SELECT User AS name FROM mysql.user WHERE User LIKE 'v-%'`);
      return new Set(rows.map((row) => String(row['name'])));
    },
    async logsIn(user, password) {
      try {
        const { port } = target;
        const connection = await createConnection({ host: '127.0.0.1', port, user, password });
        connection.destroy();
        return true;
      } catch (error) {
        if (codeOf(error) === MARIADB_REFUSES) return false;
        throw error;
      }
    },
    stop: () => target.stop(),
  };
}
