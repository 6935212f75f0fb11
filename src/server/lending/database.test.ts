/** The database engine at a real PostgreSQL: accounts log in while their leases live, and not a moment longer. */
import assert from 'node:assert/strict';
import { systemRandom } from '../../base/random.ts';
import { after, before, suite, test } from 'node:test';
import {
  POSTGRESQL_HINT,
  demandPasswords,
  postgresPrograms,
  startPostgres,
} from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { postgresql } from '../../targets/postgresql/postgresql.ts';
import type { JsonObject } from '../../base/json.ts';
import { dataPrefix } from '../../core/mounts/mount-entry.ts';
import { DATABASE_MEMBERS } from '../outside/database-members.ts';
import { DATABASE_NAMES } from '../outside/database-names.ts';
import { openInstance, restarted } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';

test('the names of databases are those of the members', () => {
  assert.deepEqual(DATABASE_NAMES, [...DATABASE_MEMBERS.keys()].sort());
});

const skip = postgresPrograms() === undefined ? POSTGRESQL_HINT : false;
const CREATION = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`;

suite('the database engine', { skip }, () => {
  let target: Postgres;
  before(async () => {
    target = await startPostgres({ settings: { fsync: 'off' } });
    await demandPasswords(target);
    await target.sql(`CREATE ROLE keeper CREATEROLE LOGIN PASSWORD 'keeper-pass'`);
    await target.sql(`CREATE ROLE app LOGIN PASSWORD 'app-pass'`);
    await target.sql(`CREATE ROLE other LOGIN PASSWORD 'app-pass'`);
  });
  after(async () => {
    await target?.stop();
  });

  const url = (): string =>
    `postgresql://{{username}}:{{password}}@127.0.0.1:${target.port}/postgres?sslmode=disable`;

  async function accepts(username: string, password: string): Promise<boolean> {
    const database = postgresql.open(
      { connection_url: url(), username: 'postgres', password: '' },
      systemRandom,
    );
    try {
      return await database.accepts(username, password);
    } finally {
      await database.close();
    }
  }

  async function made(): Promise<string[]> {
    const rows = await target.sql(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'`);
    return rows.map((row) => String(row['rolname']));
  }

  async function configured(
    options: Parameters<typeof openInstance>[0] = {},
  ): Promise<OpenInstance> {
    // The database has a clock of its own, which ends accounts: this one must not be behind it.
    const server = await openInstance({ maxLeaseSeconds: 3600, ...options });
    await server.get('write', 'sys/mounts/db', { data: { type: 'database' } });
    await server.get('write', 'db/config/pg', {
      data: {
        plugin_name: 'postgresql-database-plugin',
        connection_url: url(),
        username: 'keeper',
        password: 'keeper-pass',
        allowed_roles: ['r*', 'app', 'broken'],
      },
    });
    await server.get('write', 'db/roles/readers', {
      data: { db_name: 'pg', creation_statements: CREATION, default_ttl: '60s', max_ttl: '100s' },
    });
    return server;
  }

  async function lend(
    server: OpenInstance,
  ): Promise<{ id: string; username: string; password: string }> {
    const { lease, reply, error } = await server.ask('read', 'db/creds/readers');
    if (lease === undefined) throw error ?? new Error('no lease');
    const data = reply?.data ?? {};
    return { id: lease.id, username: String(data['username']), password: String(data['password']) };
  }

  test('an account logs in from its lease to the end of it', async () => {
    const server = await configured();
    try {
      const first = await lend(server);
      assert.match(first.username, /^v-token-readers-[0-9A-Za-z]{20}-\d+$/);
      assert.ok(await accepts(first.username, first.password));
      const renewed = await server.ask('write', 'sys/leases/renew', {
        data: { lease_id: first.id, increment: 90 },
      });
      assert.equal(renewed.lease?.durationSeconds, 90);
      const [row] = await target.sql(
        `SELECT extract(epoch FROM rolvaliduntil)::bigint AS until FROM pg_roles WHERE rolname = '${first.username}'`,
      );
      assert.equal(Number(row?.['until']), Math.floor(server.clock.nowMs() / 1000) + 95);
      await server.pass(89);
      assert.ok(await accepts(first.username, first.password));
      await server.pass(1);
      assert.equal(await accepts(first.username, first.password), false);

      const second = await lend(server);
      await server.get('write', 'sys/leases/revoke', { data: { lease_id: second.id, sync: true } });
      assert.equal(await accepts(second.username, second.password), false);
      assert.deepEqual(await made(), []);
    } finally {
      await server.instance.close();
    }
  });

  test('nothing stays of a creation that the database refuses', async () => {
    const server = await configured();
    try {
      await server.get('write', 'db/roles/broken', {
        data: { db_name: 'pg', creation_statements: [CREATION, 'GRANT nonsense TO "{{name}}"'] },
      });
      const { error } = await server.ask('read', 'db/creds/broken');
      assert.equal(error?.code, 'upstream_failed');
      assert.equal(error?.vaultStatus, 500);
      await server.pass(0);
      assert.deepEqual(await made(), []);
      assert.equal(
        (await server.get('read', 'sys/leases/count', { data: { type: 'irrevocable' } }))[
          'lease_count'
        ],
        0,
      );
      await server.get('write', 'db/roles/forbidden', {
        data: { db_name: 'pg', creation_statements: CREATION },
      });
      assert.equal(await server.outcome('read', 'db/creds/forbidden'), 'invalid_request');
    } finally {
      await server.instance.close();
    }
  });

  test('a revocation that fails is tried again, shown and forced; an empty statement is none (SEC-48)', async () => {
    const server = await configured();
    try {
      await server.get('write', 'db/roles/readers', {
        data: { revocation_statements: 'DROP ROLE "no such role"; DROP ROLE "{{name}}"' },
      });
      const { username } = await lend(server);
      for (let round = 0; round < 8; round++) await server.pass(1000);
      assert.deepEqual(await made(), [username]);
      const shown = await server.get('read', 'sys/leases', { data: { type: 'irrevocable' } });
      assert.match(JSON.stringify(shown), /does not exist/);
      await server.get('write', 'db/roles/readers', { data: { revocation_statements: [''] } });
      await server.ask('write', 'sys/leases/revoke-prefix/db/creds');
      await server.pass(0);
      assert.deepEqual(await made(), []);
    } finally {
      await server.instance.close();
    }
  });

  test('the end of the mount is the end of its accounts', async () => {
    const server = await configured();
    try {
      await lend(server);
      await lend(server);
      await server.get('delete', 'sys/mounts/db');
      await server.pass(0);
      assert.deepEqual(await made(), []);
    } finally {
      await server.instance.close();
    }
  });

  test('the end of a namespace is the end of its accounts, also when the process ends in between (SEC-13)', async () => {
    const storage = createMemoryStorage();
    const server = await openInstance({ storage, maxLeaseSeconds: 3600 });
    await server.get('write', 'sys/namespaces/team');
    const namespace = 'team/';
    await server.get('write', 'sys/mounts/db', { namespace, data: { type: 'database' } });
    await server.get('write', 'db/config/pg', {
      namespace,
      data: {
        plugin_name: 'postgresql-database-plugin',
        connection_url: url(),
        username: 'keeper',
        password: 'keeper-pass',
        allowed_roles: '*',
      },
    });
    const role = { db_name: 'pg', creation_statements: CREATION, default_ttl: '1h' };
    await server.get('write', 'db/roles/r', { namespace, data: role });
    for (let count = 0; count < 3; count++) await server.ask('read', 'db/creds/r', { namespace });
    assert.equal((await made()).length, 3);
    // Nobody works on it any more: the next process finds what is left to do.
    await server.instance.services.expirer.stop();
    await server.ask('delete', 'sys/namespaces/team');
    await server.instance.services.stopBackends();
    const next = await restarted(server, storage);
    for (let round = 0; round < 6; round++) await next.pass(30);
    assert.deepEqual(await made(), []);
    assert.deepEqual((await next.get('list', 'sys/namespaces'))['keys'], []);
    await next.instance.close();
  });

  test('the root password is rotated, and a rotation that was cut off is settled by what the database takes', async () => {
    const storage = createMemoryStorage();
    const server = await configured({ storage });
    await target.sql(`CREATE ROLE boss CREATEROLE LOGIN PASSWORD 'boss-pass'`);
    await server.get('write', 'db/config/boss', {
      data: {
        plugin_name: 'postgresql-database-plugin',
        connection_url: url(),
        username: 'boss',
        password: 'boss-pass',
        allowed_roles: '*',
      },
    });
    await server.get('write', 'db/rotate-root/boss');
    assert.equal(await accepts('boss', 'boss-pass'), false);
    assert.equal(await server.outcome('write', 'db/reset/boss'), 'ok');
    // Cut off right after the database has changed the password: the intent is there, the result is not.
    const { intents } = server.instance.services;
    const unit = server.instance.services.begin();
    const { mountsByAccessor } = await server.instance.services.table.routing(unit);
    const mount = [...mountsByAccessor.values()].find(({ entry }) => entry.path === 'db/');
    await intents.open(unit, {
      namespaceId: 'root',
      mountAccessor: mount?.entry.accessor ?? '',
      kind: 'own:rotate-root',
      path: 'db/rotate-root/boss',
      secretType: '',
      data: { connection: 'boss', username: 'boss', password: 'the-new-one' },
    });
    await target.sql(`ALTER ROLE boss PASSWORD 'the-new-one'`);
    const next = await restarted(server, storage);
    await next.pass(0);
    assert.equal(await next.outcome('write', 'db/reset/boss'), 'ok');
    await server.instance.services.expirer.stop();
    await server.instance.services.stopBackends();
    await next.instance.close();
  });

  test('of two rotations of a static role at the same time, what the database took last is kept', async () => {
    const storage = createMemoryStorage();
    const server = await configured({ storage });
    await server.get('write', 'db/static-roles/app', {
      data: { db_name: 'pg', username: 'app', rotation_period: '1h' },
    });
    const { intents, begin, table } = server.instance.services;
    const unit = begin();
    const { mountsByAccessor } = await table.routing(unit);
    const entry = [...mountsByAccessor.values()].find((mount) => mount.entry.path === 'db/')?.entry;
    assert.ok(entry !== undefined);
    const kept = await unit.view('root', dataPrefix(entry)).getJson<JsonObject>('static-role/app');
    assert.ok(kept !== undefined);
    const other = {
      ...kept,
      current: {
        credential: { kind: 'password', password: 'the-other-one' },
        shown: { password: 'the-other-one' },
      },
    };
    // The other request began when the credential was an older one, and was cut off after the database had taken its own.
    await intents.open(unit, {
      namespaceId: 'root',
      mountAccessor: entry.accessor,
      kind: 'own:rotate-role',
      path: 'db/rotate-role/app',
      secretType: '',
      data: {
        name: 'app',
        roleId: kept['id'] ?? '',
        creates: false,
        beforeMs: Number(kept['rotatedMs']) - 1000,
        role: JSON.stringify(other),
      },
    });
    await target.sql(`ALTER ROLE app PASSWORD 'the-other-one'`);
    const next = await restarted(server, storage);
    await next.pass(0);
    assert.equal((await next.get('read', 'db/static-creds/app'))['password'], 'the-other-one');
    await server.instance.services.expirer.stop();
    await server.instance.services.stopBackends();
    await next.instance.close();
  });

  test('a static role is rotated by the calendar, through failures, and never forgets a password that is set', async () => {
    const server = await configured();
    try {
      await server.get('write', 'db/static-roles/app', {
        data: { db_name: 'pg', username: 'app', rotation_period: '1h' },
      });
      const password = async (): Promise<string> =>
        String((await server.get('read', 'db/static-creds/app'))['password']);
      const first = await password();
      assert.ok(await accepts('app', first));
      assert.equal(await accepts('app', 'app-pass'), false);
      await server.pass(3600);
      const second = await password();
      assert.notEqual(second, first);
      assert.ok(await accepts('app', second));
      await server.get('write', 'db/rotate-role/app');
      const third = await password();
      assert.ok(await accepts('app', third));

      await target.sql('ALTER ROLE app RENAME TO app_away');
      await server.pass(3600);
      assert.equal(await password(), third);
      const failed = await server.get('read', 'db/static-roles/app');
      assert.ok(Number(failed['rotation_failures']) > 0);
      assert.match(String(failed['rotation_last_error']), /does not exist/);
      // What is under way is not put off by a new period: the database may have taken the password.
      await server.get('write', 'db/static-roles/app', { data: { rotation_period: '24h' } });
      await target.sql('ALTER ROLE app_away RENAME TO app');
      for (let round = 0; round < 4; round++) await server.pass(60);
      const fourth = await password();
      assert.notEqual(fourth, third);
      assert.ok(await accepts('app', fourth));
      assert.equal(
        (await server.get('read', 'db/static-roles/app'))['rotation_failures'],
        undefined,
      );
    } finally {
      await server.instance.close();
    }
  });

  test('whoever may read a role gets no account by it, and no configuration shows a password (SEC-89, SEC-49)', async () => {
    const server = await configured();
    try {
      await server.get('write', 'sys/policies/acl/roles', {
        data: { policy: 'path "db/roles/*" { capabilities = ["read"] }' },
      });
      const token = await server.tokenFor('roles');
      assert.equal(await server.outcome('read', 'db/roles/readers', { token }), 'ok');
      assert.equal(
        await server.outcome('read', 'db/creds/readers', { token }),
        'permission_denied',
      );
      assert.ok(!JSON.stringify(await server.get('read', 'db/config/pg')).includes('keeper-pass'));
      const { error } = await server.ask('write', 'db/config/pg', {
        data: {
          connection_url: `postgresql://keeper:hidden-pass@127.0.0.1:1/x`,
          password: 'hidden-pass',
        },
      });
      assert.ok(error !== undefined && !error.message.includes('hidden-pass'));
    } finally {
      await server.instance.close();
    }
  });
});
