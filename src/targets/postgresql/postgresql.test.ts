/** PostgreSQL, at a real server. */
import assert from 'node:assert/strict';
import { systemRandom } from '../../base/random.ts';
import { suite, test } from 'node:test';
import {
  POSTGRESQL_HINT,
  demandPasswords,
  postgresPrograms,
  startPostgres,
} from '../../../rig/postgresql.ts';
import { SettingsError } from '../database.ts';
import { testDatabase } from '../database.contract.ts';
import { addressOf } from './address.ts';
import { postgresql } from './postgresql.ts';
import { scramSecret } from './scram.ts';

const missing = postgresPrograms() === undefined ? POSTGRESQL_HINT : '';
const CREATION = `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`;

async function start(): Promise<{ settings: Record<string, string>; stop: () => Promise<void> }> {
  const server = await startPostgres({ settings: { fsync: 'off' } });
  await demandPasswords(server);
  await server.sql(`CREATE ROLE keeper SUPERUSER LOGIN PASSWORD 'p@ss/word:1'`);
  return {
    settings: {
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${server.port}/postgres?sslmode=disable`,
      username: 'keeper',
      password: 'p@ss/word:1',
    },
    stop: () => server.stop(),
  };
}

testDatabase({
  member: postgresql,
  start,
  missing,
  creation: [CREATION, 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{{name}}"'],
  failing: [CREATION, `GRANT nonsense TO "{{name}}" '{{password}}'`],
  unusable: [
    {},
    { connection_url: 'postgresql://h/d?sslmode=bogus' },
    { connection_url: 'postgresql://h/d?sslrootcert=/etc/passwd' },
    { connection_url: 'postgresql://h:99999/d' },
    { connection_url: 'host=h passfile=/etc/passwd' },
    { connection_url: 'nonsense' },
    { connection_url: 'host=h and more' },
    { connection_url: 'postgresql://h/d', username: '{{password}}', password: 'x' },
    { connection_url: 'postgresql://h/d', password_authentication: 'md5' },
  ],
});

suite('postgresql, beside the contract', { skip: missing === '' ? false : missing }, () => {
  test('hashes, awkward schemas, grants anywhere and custom revocation', async () => {
    const { settings, stop } = await start();
    const database = postgresql.open(
      { ...settings, password_authentication: 'scram-sha-256' },
      systemRandom,
    );
    try {
      const credential = { kind: 'password', password: 'hashed-pass' } as const;
      const make = (username: string, statements: readonly string[]) =>
        database.create({
          username,
          credential,
          expiresMs: 2e12,
          statements,
          rollbackStatements: [],
        });
      await make('Granted', [
        CREATION,
        `CREATE SCHEMA IF NOT EXISTS "a""; drop role keeper; --"`,
        `CREATE TABLE IF NOT EXISTS "a""; drop role keeper; --".t (x int, y int)`,
        `GRANT USAGE ON SCHEMA "a""; drop role keeper; --" TO "{{name}}"`,
        `GRANT SELECT (x) ON "a""; drop role keeper; --".t TO "{{name}}"`,
        `GRANT CONNECT ON DATABASE template1 TO "{{name}}"`,
        `GRANT EXECUTE ON FUNCTION pg_ls_waldir TO "{{name}}"`,
      ]);
      assert.equal(await database.accepts('Granted', 'hashed-pass'), true);
      await database.drop('Granted', []);
      assert.equal(await database.exists('Granted'), false);

      await make('custom', [CREATION]);
      await database.drop('custom', ['DROP ROLE "{{name}}"; SELECT 1']);
      assert.equal(await database.exists('custom'), false);
      // A custom statement that fails because the work is done is no failure.
      await database.drop('custom', ['DROP ROLE "{{name}}"']);

      await make('owner', [
        CREATION,
        'CREATE TABLE owned (x int)',
        'ALTER TABLE owned OWNER TO "{{name}}"',
      ]);
      await assert.rejects(database.drop('owner', []), /cannot be dropped/);
      assert.equal(await database.accepts('owner', 'hashed-pass'), false);

      await make('body', [
        `DO $$ BEGIN EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L', '{{name}}', '{{password}}'); END $$;`,
      ]);
      assert.equal(await database.accepts('body', 'hashed-pass'), true);
      await assert.rejects(make('n'.repeat(64), [CREATION]), /too long/);
    } finally {
      await database.close();
      await stop();
    }
  });
});

test('an address is read as libpq reads it, credentials with any character', () => {
  const account = { username: 'us er@x', password: "p'ä:/@\\?#%" };
  for (const url of [
    'postgresql://{{username}}:{{password}}@db.example:5433/app?application_name=x',
    "host=db.example port=5433 user={{username}} password={{password}} dbname='app' application_name=x",
  ]) {
    const address = addressOf({ ...account, connection_url: url });
    assert.equal(address.host, 'db.example');
    assert.equal(address.port, 5433);
    assert.equal(address.user, account.username);
    assert.equal(address.password, account.password);
    assert.equal(address.database, 'app');
    assert.equal(address.applicationName, 'x');
    assert.equal(address.encryption, 'if offered');
  }
  const on80 = addressOf({ ...account, connection_url: 'postgres://{{username}}@h:80/d' });
  assert.equal(on80.port, 80);
  const strict = addressOf({
    ...account,
    connection_url: 'postgres://h/d?sslmode=verify-full',
    tls_ca: 'PEM',
  });
  assert.deepEqual(strict.encryption, { ca: 'PEM' });
  assert.throws(() => addressOf({ connection_url: 'postgres://%zz@h/d' }), SettingsError);
});

test('a hash of a password is the one of RFC 7677 and PostgreSQL', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  assert.equal(
    scramSecret('pencil', salt),
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
});
