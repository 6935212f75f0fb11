/** MySQL and MariaDB, at a real MariaDB. */
import assert from 'node:assert/strict';
import { systemRandom } from '../../base/random.ts';
import { suite, test } from 'node:test';
import { MARIADB_ADMIN, MARIADB_HINT, mariadbIsHere, startMariadb } from '../../../rig/mariadb.ts';
import { TargetError } from '../database.ts';
import { testDatabase } from '../database.contract.ts';
import { addressOf } from './address.ts';
import { mysql } from './mysql.ts';

const missing = mariadbIsHere() ? '' : MARIADB_HINT;
const CREATION = `CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`;

async function start(): Promise<{ settings: Record<string, string>; stop: () => Promise<void> }> {
  const server = await startMariadb();
  return {
    settings: {
      connection_url: `{{username}}:{{password}}@tcp(127.0.0.1:${server.port})/`,
      ...MARIADB_ADMIN,
    },
    stop: () => server.stop(),
  };
}

testDatabase({
  member: mysql,
  start,
  missing,
  creation: [`${CREATION}; GRANT SELECT ON *.* TO '{{name}}'@'%'`],
  failing: [`${CREATION}; GRANT NONSENSE '{{password}}' TO '{{name}}'@'%'`],
  unusable: [
    {},
    { connection_url: 'u:p@tcp(h:1/' },
    { connection_url: 'u:p@tcp(h:1)/?tls=custom' },
    { connection_url: 'u:p@tcp(h:1)/', max_idle_connections: 'many' },
  ],
});

suite('mysql, beside the contract', { skip: missing === '' ? false : missing }, () => {
  test('those who come first, at once, share one pool, which closes all that it has opened', async () => {
    const server = await startMariadb();
    try {
      await server.sql(`CREATE USER 'watched'@'%' IDENTIFIED BY 'a-password'`);
      const settings = {
        connection_url: `{{username}}:{{password}}@tcp(127.0.0.1:${server.port})/`,
        username: 'watched',
        password: 'a-password',
      };
      const database = mysql.open(settings, systemRandom);
      await Promise.all(Array.from({ length: 6 }, () => database.verify()));
      await database.close();
      const open = `SELECT COUNT(*) AS n FROM information_schema.processlist WHERE USER = 'watched'`;
      for (let looks = 0; Number((await server.sql(open))[0]?.['n']) > 0; looks++) {
        assert.ok(looks < 100, 'connections stay open');
      }
    } finally {
      await server.stop();
    }
  });

  test('accounts at several hosts, rollback and custom statements', async () => {
    const { settings, stop } = await start();
    const database = mysql.open(settings, systemRandom);
    try {
      const credential = { kind: 'password', password: 'a-password' } as const;
      const make = (
        username: string,
        statements: readonly string[],
        rollbackStatements: readonly string[] = [],
      ) =>
        database.create({ username, credential, expiresMs: 2e12, statements, rollbackStatements });
      await make('roaming', [
        CREATION,
        `CREATE USER '{{name}}'@'10.%' IDENTIFIED BY '{{password}}'`,
      ]);
      await database.drop('roaming', []);
      assert.equal(await database.exists('roaming'), false);

      const failing = [CREATION, 'SELECT FROM nowhere'];
      await assert.rejects(make('half', failing), (error: TargetError) => error.mayHaveChanged);
      assert.equal(await database.exists('half'), true);
      await database.drop('half', []);
      await assert.rejects(
        make('half', failing, [`DROP USER IF EXISTS '{{name}}'@'%'`]),
        (error: TargetError) => !error.mayHaveChanged,
      );
      assert.equal(await database.exists('half'), false);

      await make('custom', [CREATION]);
      await database.drop('custom', [
        `REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{{name}}'@'%'; DROP USER '{{name}}'@'%'`,
      ]);
      await database.drop('custom', [`DROP USER '{{name}}'@'%'`]);
      assert.equal(await database.exists('custom'), false);
    } finally {
      await database.close();
      await stop();
    }
  });
});

test("an address is read as Go's driver reads it", () => {
  const account = { username: 'us:er', password: 'p@ss/(:)?{{username}}' };
  const address = addressOf({
    ...account,
    connection_url: '{{username}}:{{password}}@tcp([::1]:3307)/app?tls=preferred',
  });
  assert.deepEqual(address, {
    place: { host: '::1', port: 3307 },
    user: account.username,
    password: account.password,
    database: 'app',
    tls: { rejectUnauthorized: false },
    tlsOptional: true,
  });
  const socket = addressOf({ connection_url: 'root@unix(/run/mysqld/mysqld.sock)/' });
  assert.deepEqual(socket.place, { socketPath: '/run/mysqld/mysqld.sock' });
  assert.deepEqual(addressOf({ connection_url: '/' }).place, { host: '127.0.0.1', port: 3306 });
});
