/** What stands between the process and its database, and how the database is set up: TLS, poolers, durability, other tables. */
import assert from 'node:assert/strict';
import { createPrivateKey, webcrypto as crypto } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Child, freePort } from '../../../rig/child.ts';
import {
  giveToPostgres,
  POSTGRESQL_HINT,
  postgresPrograms,
  startPostgres,
} from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { systemClock } from '../../base/clock.ts';
import { systemRandom } from '../../base/random.ts';
import type { Log } from '../../base/log.ts';
import { silentLog } from '../../base/log.ts';
import { makeCertificate } from '../../crypto/x509/certificates-fixture.ts';
import type { TestCertificate } from '../../crypto/x509/certificates-fixture.ts';
import { entry, puts } from '../storage-member.contract.ts';
import { LinkError } from './failures.ts';
import type { Connection } from './link.ts';
import { TABLE_DEFAULT } from './options.ts';
import { openPostgresqlStorage } from './postgresql-storage.ts';
import { prepareSchema } from './schema.ts';
import { tablesOf } from './statements.ts';
import type { PostgresqlStorageOptions } from './options.ts';
import type { PostgresqlStorage } from './postgresql-storage.ts';

const POOLER = '/usr/sbin/pgbouncer';

if (postgresPrograms() === undefined) {
  test(`left out, PostgreSQL is missing: ${POSTGRESQL_HINT}`, { skip: true }, () => {});
} else {
  tests();
}

function tests(): void {
  let server: Postgres;
  before(async () => (server = await startPostgres()));
  after(async () => server.stop());

  async function open(
    connectionUrl: string,
    options: Partial<PostgresqlStorageOptions> = {},
  ): Promise<PostgresqlStorage> {
    return await openPostgresqlStorage({
      connectionUrl,
      clock: systemClock,
      random: systemRandom,
      onFatal: () => {},
      ...options,
    });
  }

  /** Every kind of statement, often enough that sessions of a pooler change. */
  async function exercise(all: readonly PostgresqlStorage[]): Promise<void> {
    await Promise.all(
      all.flatMap((storage, index) =>
        Array.from({ length: 20 }, async (_, number) => {
          await storage.commit(puts(entry(`p/${index}/${number}`)));
          assert.deepEqual(await storage.read([`p/${index}/${number}`]), [
            entry(`p/${index}/${number}`),
          ]);
          await storage.list('p/');
          await storage.scan('p/', undefined, 5);
        }),
      ),
    );
    assert.equal((await all[0]?.list('p/'))?.length, all.length);
  }

  test(
    'it works behind PgBouncer in transaction mode',
    { skip: !existsSync(POOLER) && 'apt-get install pgbouncer' },
    async () => {
      const port = await freePort();
      const file = join(server.folder, 'pgbouncer.ini');
      writeFileSync(
        file,
        [
          '[databases]',
          `* = host=127.0.0.1 port=${server.port} user=postgres`,
          '[pgbouncer]',
          `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =`,
          'auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 100',
        ].join('\n'),
      );
      giveToPostgres(file);
      const argv =
        process.getuid?.() === 0
          ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', POOLER, file]
          : [POOLER, file];
      const pooler = new Child(argv);
      const url = `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`;
      const all: PostgresqlStorage[] = [];
      try {
        while (all.length === 0) {
          try {
            all.push(await open(url, { table: 'pooled' }));
          } catch (error) {
            assert.equal(pooler.exit, undefined, pooler.output);
            if (!String(error).includes('ECONNREFUSED')) throw error;
            await pause(20);
          }
        }
        all.push(await open(url, { table: 'pooled' }), await open(url, { table: 'pooled' }));
        await exercise(all);
      } finally {
        for (const storage of all) await storage.close();
        await pooler.stop();
      }
    },
  );

  test('TLS with a client certificate, and none without', async () => {
    const nowMs = systemClock.nowMs();
    const issuer = await makeCertificate(nowMs, { name: 'CN=authority', isCa: true });
    const forServer = await makeCertificate(nowMs, {
      issuer,
      name: 'CN=localhost',
      dnsNames: ['localhost'],
      forServers: true,
    });
    const forClient = await makeCertificate(nowMs, { issuer, name: 'CN=postgres' });
    const secured = await startPostgres();
    try {
      const file = (name: string, text: string): string => {
        const path = join(secured.folder, name);
        writeFileSync(path, text, { mode: 0o600 });
        giveToPostgres(path);
        return path;
      };
      const ca = file('ca', issuer.pem);
      const [crt, pem] = [file('crt', forServer.pem), file('key', await keyOf(forServer))];
      writeFileSync(
        join(secured.folder, 'data', 'pg_hba.conf'),
        'local all all trust\nhostssl all postgres all trust clientcert=verify-ca\n',
      );
      await secured.sql(`ALTER SYSTEM SET ssl_cert_file = '${crt}'`);
      await secured.sql(`ALTER SYSTEM SET ssl_key_file = '${pem}'`);
      await secured.sql(`ALTER SYSTEM SET ssl_ca_file = '${ca}'`);
      await secured.sql('ALTER SYSTEM SET ssl = on');
      await secured.sql('SELECT pg_reload_conf()');
      const at = (query: string): string =>
        `postgres://postgres@localhost:${secured.port}/postgres?${query}`;
      const own = `sslcert=${file('own', forClient.pem)}&sslkey=${file('own-key', await keyOf(forClient))}`;
      let storage: PostgresqlStorage | undefined;
      while (storage === undefined) {
        try {
          storage = await open(at(`sslmode=verify-full&sslrootcert=${ca}&${own}`));
        } catch (error) {
          // The settings take effect a moment after the reload.
          assert.match(String(error), /does not support SSL/);
          await pause(20);
        }
      }
      await storage.commit(puts(entry('k')));
      await storage.close();
      await assert.rejects(
        open(at(`sslmode=verify-full&sslrootcert=${ca}`)),
        /no database can be used/,
      );
      await assert.rejects(open(at('sslmode=disable')), /no pg_hba.conf entry/);
      await assert.rejects(open(at(`sslmode=verify-full&${own}`)), /certificate/);
      const named = at(`sslmode=verify-full&sslrootcert=${ca}&${own}`).replace(
        'localhost',
        '127.0.0.1',
      );
      await assert.rejects(open(named), /altname|127.0.0.1/);
      const unnamed = named.replace('verify-full', 'verify-ca');
      await (await open(unnamed)).close();
      await (await open(at(`sslmode=prefer&${own}`))).close();
    } finally {
      await secured.stop();
    }
  });

  test('a database that may lose what it acknowledged is refused, or taken with a warning', async () => {
    await server.sql('CREATE DATABASE weak');
    await server.sql('ALTER DATABASE weak SET synchronous_commit = off');
    const warned: unknown[] = [];
    const log: Log = { ...silentLog, warn: (_message, fields) => warned.push(fields?.['setting']) };
    await assert.rejects(open(server.url('weak')), /synchronous_commit = off: .*failover loses/);
    const storage = await open(server.url('weak'), { acceptWeakDurability: true, log });
    await storage.close();
    assert.deepEqual(warned, ['synchronous_commit']);
  });

  test('a database in another encoding is refused', async () => {
    await server.sql(`CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
    await assert.rejects(open(server.url('narrow')), /encoded in LATIN1/);
  });

  test('tables that another process makes between two looks are not somebody else’s', async () => {
    const asked: string[] = [];
    const link: Connection = {
      one: async ({ text }) => {
        asked.push(text);
        if (asked.length === 1) throw new LinkError('relation does not exist', '42P01');
        return { rows: [['1']] as never, command: 'SELECT' };
      },
      run: async () => assert.fail('they are there'),
      drop: () => {},
      close: async () => {},
    };
    await prepareSchema({ link, tables: tablesOf(TABLE_DEFAULT), skip: false });
    assert.equal(asked.length, 3);
    assert.equal(asked[0], asked[2]);
  });

  test("a table of somebody else's is left alone", async () => {
    await server.createDatabase('foreign');
    await server.sql(`CREATE TABLE ${TABLE_DEFAULT} (path text, key text, value bytea)`, 'foreign');
    await assert.rejects(open(server.url('foreign')), /did not make/);
    const storage = await open(server.url('foreign'), { table: 'public.mine' });
    await storage.commit(puts(entry('k')));
    await storage.close();
  });

  test('a user who may not make tables is shown the statements, and uses those that were made', async () => {
    await server.createDatabase('owned');
    await server.sql('CREATE ROLE modest LOGIN');
    const url = server.url('owned').replace('postgres@', 'modest@');
    const shown = await open(url).then(
      () => '',
      (error: unknown) => String(error),
    );
    assert.match(shown, /run as their owner:\nCREATE TABLE/);
    await assert.rejects(open(url, { skipCreateTable: true }), /skip_create_table is set/);
    const statements = shown.slice(shown.indexOf('CREATE TABLE'));
    await server.sql(statements, 'owned');
    await server.sql(
      'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO modest',
      'owned',
    );
    const storage = await open(url, { skipCreateTable: true });
    await storage.commit(puts(entry('k')));
    await storage.close();
  });

  test('tables of a newer program are refused, and many processes may make them at once', async () => {
    await server.createDatabase('fresh');
    const all = await Promise.all(Array.from({ length: 6 }, () => open(server.url('fresh'))));
    await all[0]?.commit(puts(entry('k')));
    assert.deepEqual(await all[5]?.read(['k']), [entry('k')]);
    for (const storage of all) await storage.close();
    await server.sql(`UPDATE ${TABLE_DEFAULT}_schema SET version = 99`, 'fresh');
    await assert.rejects(open(server.url('fresh')), /version 99/);
  });

  test('of several hosts the first that takes writes is used', async () => {
    const dead = await freePort();
    const url = `postgres://postgres@127.0.0.1:${dead},127.0.0.1:${server.port}/postgres?sslmode=disable`;
    const storage = await open(url, { table: 'several' });
    await storage.commit(puts(entry('k')));
    await storage.close();
    await server.createDatabase('standby');
    await server.sql('ALTER DATABASE standby SET default_transaction_read_only = on');
    await assert.rejects(open(server.url('standby')), /standby or read-only/);
  });

  test('listings and walks use the order of bytes whatever the locale of the database', async () => {
    await server.sql(
      `CREATE DATABASE worded LOCALE_PROVIDER icu ICU_LOCALE 'en-US' TEMPLATE template0`,
    );
    const storage = await open(server.url('worded'));
    const names = ['B', 'a', 'b', 'ä', 'Z', '_', '\u{1f600}', '\uffee'];
    await storage.commit(puts(...names.map((name) => entry(name))));
    const expected = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(await storage.list(''), expected);
    await storage.close();
  });
}

/** The private key in PEM. */
async function keyOf({ keys }: TestCertificate): Promise<string> {
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  });
}
