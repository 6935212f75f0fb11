/** `rotate-root` beside everything else that a connection is used for, at real databases: nobody is refused for it. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { MARIADB_HINT, mariadbIsHere, startMariadb } from '../../../rig/mariadb.ts';
import {
  POSTGRESQL_HINT,
  demandPasswords,
  postgresPrograms,
  startPostgres,
} from '../../../rig/postgresql.ts';
import { systemClock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';

interface Target {
  readonly config: JsonObject;
  readonly creation: string;
  /** Of accounts that were lent. */
  count(): Promise<number>;
  stop(): Promise<void>;
}

const KEEPER = { username: 'root_keeper', password: 'keeper-pass' };
const ROUNDS = 5;

async function postgres(): Promise<Target> {
  const target = await startPostgres({ settings: { fsync: 'off' } });
  await demandPasswords(target);
  await target.sql(`CREATE ROLE root_keeper CREATEROLE LOGIN PASSWORD '${KEEPER.password}'`);
  await target.sql(
    `CREATE ROLE fixed LOGIN PASSWORD 'fixed-pass'; GRANT fixed TO root_keeper WITH ADMIN OPTION`,
  );
  return {
    config: {
      plugin_name: 'postgresql-database-plugin',
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${target.port}/postgres?sslmode=disable`,
    },
    creation: `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'`,
    async count() {
      const rows = await target.sql(`SELECT 1 FROM pg_roles WHERE rolname LIKE 'v-%'`);
      return rows.length;
    },
    stop: () => target.stop(),
  };
}

async function mariadb(): Promise<Target> {
  const target = await startMariadb();
  const { username, password } = KEEPER;
  await target.sql(`CREATE USER '${username}'@'%' IDENTIFIED BY '${password}'`);
  await target.sql(`GRANT ALL ON *.* TO '${username}'@'%' WITH GRANT OPTION`);
  await target.sql(`CREATE USER 'fixed'@'%' IDENTIFIED BY 'fixed-pass'`);
  return {
    config: {
      plugin_name: 'mysql-database-plugin',
      connection_url: `{{username}}:{{password}}@tcp(127.0.0.1:${target.port})/`,
    },
    creation: `CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`,
    async count() {
      return (await target.sql(`SELECT User FROM mysql.user WHERE User LIKE 'v-%'`)).length;
    },
    stop: () => target.stop(),
  };
}

async function configured({ config, creation }: Target): Promise<OpenInstance> {
  const server = await openInstance({ maxLeaseSeconds: 3600 });
  const write = (path: string, data: JsonObject) => server.get('write', path, { data });
  await write('sys/mounts/db', { type: 'database' });
  await write('db/config/at', { ...config, ...KEEPER, allowed_roles: ['*'] });
  await write('db/roles/r', { db_name: 'at', creation_statements: creation, default_ttl: '60s' });
  await write('db/static-roles/s', { db_name: 'at', username: 'fixed', rotation_period: '24h' });
  return server;
}

/** Until all have an answer: the instance’s time passes as that of the database does. */
async function together<T>(server: OpenInstance, asked: readonly Promise<T>[]): Promise<T[]> {
  const all = Promise.all(asked);
  const over = all.then(() => true);
  let before = systemClock.monotonicMs();
  const passed = async (): Promise<boolean> => {
    await new Promise(setImmediate);
    const now = systemClock.monotonicMs();
    await server.pass((now - before) / 1000);
    before = now;
    return false;
  };
  while (!(await Promise.race([over, passed()])));
  return await all;
}

async function beside(target: Target): Promise<void> {
  const server = await configured(target);
  try {
    const lend = () => server.ask('read', 'db/creds/r');
    for (let round = 0; round < ROUNDS; round++) {
      const { lease } = await lend();
      const data = { lease_id: lease?.id ?? '' };
      const answers = await together(server, [
        server.ask('write', 'db/rotate-root/at'),
        lend(),
        server.ask('write', 'sys/leases/renew', { data }),
        lend(),
        ...(round % 2 === 0 ? [server.ask('write', 'db/rotate-root/at')] : []),
        server.ask('write', 'db/rotate-role/s'),
        lend(),
      ]);
      const refused = answers.flatMap(({ error }) => (error === undefined ? [] : [error.message]));
      assert.deepEqual(refused, [], `round ${round}`);
      const revoked = server.ask('write', 'sys/leases/revoke', { data: { ...data, sync: true } });
      const [gone] = await together(server, [revoked, server.ask('write', 'db/rotate-root/at')]);
      assert.equal(gone?.error, undefined);
    }
    await server.get('write', 'sys/leases/revoke-prefix/db/creds', { data: { sync: true } });
    await server.pass(1);
    assert.equal(await target.count(), 0);
  } finally {
    await server.instance.close();
  }
}

const TARGETS = [
  { name: 'PostgreSQL', open: postgres, hint: postgresPrograms() === undefined && POSTGRESQL_HINT },
  { name: 'MariaDB', open: mariadb, hint: !mariadbIsHere() && MARIADB_HINT },
];

suite('rotate-root refuses nobody who uses the connection', () => {
  for (const { name, open, hint } of TARGETS) {
    test(name, { skip: hint }, async () => {
      const target = await open();
      try {
        await beside(target);
      } finally {
        await target.stop();
      }
    });
  }
});
