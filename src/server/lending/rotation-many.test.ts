/** Two hundred accounts of a real database that come due at once, one of them behind a line that is dead. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import {
  POSTGRESQL_HINT,
  demandPasswords,
  postgresPrograms,
  startPostgres,
} from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { startTcpProxy } from '../../../rig/tcp-proxy.ts';
import { systemRandom } from '../../base/random.ts';
import { postgresql } from '../../targets/postgresql/postgresql.ts';
import type { OpenInstance } from '../instance-fixture.ts';
import { DAY, alarmLog, counted, policy, put, serving, status, value } from './rotation.testkit.ts';

const ACCOUNTS = 200;
const CONCURRENT = 12;
const STAGGER_SECONDS = 600;
/** The account whose database cannot be reached. */
const LOST = 77;
const ADMIN = { username: 'keeper', password: 'keeper-pass' };

/** Takes a lock while it works and notes how many hold one; the moment makes those that run at once meet. */
const STATEMENTS = [
  'SELECT pg_advisory_xact_lock_shared(1)',
  `INSERT INTO seen SELECT count(*), '{{username}}' FROM pg_locks WHERE locktype = 'advisory' AND granted`,
  'SELECT pg_sleep(0.01)',
  `ALTER ROLE "{{username}}" PASSWORD '{{password}}'`,
];

suite(
  'many rotations at once',
  { skip: postgresPrograms() === undefined ? POSTGRESQL_HINT : false },
  () => {
    let target: Postgres;
    before(async () => {
      target = await startPostgres({ settings: { fsync: 'off' } });
      await demandPasswords(target);
      await target.sql(`
      CREATE TABLE seen (holders int, account text);
      CREATE ROLE keeper CREATEROLE LOGIN PASSWORD '${ADMIN.password}';
      GRANT INSERT ON seen TO keeper;
      SET ROLE keeper;
      DO $$ BEGIN FOR i IN 0..${ACCOUNTS - 1} LOOP
        EXECUTE format('CREATE ROLE app_%s LOGIN PASSWORD ''old-%s''', i, i);
      END LOOP; END $$`);
    });
    after(async () => {
      await target?.stop();
    });

    const urlOf = (port: number): string =>
      `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/postgres?sslmode=disable`;

    async function works({
      username = '',
      password = '',
    }: Record<string, string>): Promise<boolean> {
      const database = postgresql.open(
        { connection_url: urlOf(target.port), ...ADMIN },
        systemRandom,
      );
      try {
        return await database.accepts(username, password);
      } finally {
        await database.close();
      }
    }

    async function renewed(server: OpenInstance): Promise<number[]> {
      const numbers: number[] = [];
      for (let number = 0; number < ACCOUNTS; number++) {
        const { password } = await value(server, `many/${number}`);
        if (password !== `old-${number}`) numbers.push(number);
      }
      return numbers;
    }

    test('they are spread, keep to the limit, and one whose database is away leaves the others alone', async () => {
      const alarms: string[] = [];
      const line = await startTcpProxy(target.port);
      await serving(
        async (server) => {
          await server.get('write', 'secret/rotation/config', { data: { concurrent: CONCURRENT } });
          for (let number = 0; number < ACCOUNTS; number++) {
            const path = `many/${number}`;
            await put(server, path, { username: `app_${number}`, password: `old-${number}` });
            const connection_url = urlOf(number === LOST ? line.port : target.port);
            await policy(server, path, {
              rotator: 'postgresql',
              settings: { connection_url, ...ADMIN, rotation_statements: STATEMENTS },
              period: '1d',
              stagger: STAGGER_SECONDS,
            });
          }
          const rehearsed = await server.get('write', `secret/rotation/dry-run/many/${LOST}`);
          assert.equal(rehearsed['ok'], true);
          await line.close();

          await server.pass(DAY);
          assert.ok((await renewed(server)).length < ACCOUNTS / 2, 'spread over ten minutes');
          for (let seconds = 0; seconds < 2 * STAGGER_SECONDS; seconds += 60) await server.pass(60);
          const done = await renewed(server);
          assert.equal(done.length, ACCOUNTS - 1);
          assert.ok(!done.includes(LOST));

          const { rows, most } = (
            await target.sql('SELECT count(*)::int AS rows, max(holders)::int AS most FROM seen')
          )[0] as { rows: number; most: number };
          assert.equal(rows, ACCOUNTS - 1, 'each was changed once');
          assert.ok(most > 1 && most <= CONCURRENT, `${most} at once`);

          assert.equal(await counted(server, 'rotation.succeeded'), ACCOUNTS - 1);
          const failed = await status(server, `many/${LOST}`);
          assert.equal(failed['last_error'], 'connection refused');
          assert.ok(Number(failed['failures']) > 1, 'it was tried again');
          assert.equal(
            await counted(server, 'rotation.failed'),
            1,
            'one alert for the row of failures',
          );
          assert.deepEqual(alarms, ['rotation failed']);

          const old = { username: `app_${LOST}`, password: `old-${LOST}` };
          assert.deepEqual(await value(server, `many/${LOST}`), old);
          assert.ok(await works(old), 'the credential that is stored is the one that works');
          for (const number of [0, 76, 78, ACCOUNTS - 1]) {
            assert.ok(await works(await value(server, `many/${number}`)));
            assert.equal(
              await works({ username: `app_${number}`, password: `old-${number}` }),
              false,
            );
          }

          const mended = await startTcpProxy(target.port, line.port);
          try {
            await server.pass(3600);
            assert.equal((await renewed(server)).length, ACCOUNTS);
            assert.ok(await works(await value(server, `many/${LOST}`)));
            assert.equal(await works(old), false);
          } finally {
            await mended.close();
          }
        },
        { log: alarmLog(alarms) },
      );
    });
  },
);
