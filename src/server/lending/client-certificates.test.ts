/** Client certificates lent by the database engine: a real PostgreSQL lets their holders in by them alone, until the lease ends. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Client } from 'pg';
import {
  giveToPostgres,
  POSTGRESQL_HINT,
  postgresPrograms,
  startPostgres,
} from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { ManualClock } from '../../base/clock-fixture.ts';
import { systemClock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';

const skip = postgresPrograms() === undefined ? POSTGRESQL_HINT : false;
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

suite('client certificates as credentials', { skip }, () => {
  let target: Postgres;
  let open: OpenInstance;
  let config: Readonly<Record<string, string>>;

  before(async () => {
    target = await startPostgres({ settings: { fsync: 'off' } });
    const file = (name: string): string => join(target.folder, 'data', name);
    const make = (name: string, ...more: readonly string[]): void => {
      const files = ['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)];
      execFileSync('openssl', ['req', '-x509', ...NEW_KEY, ...files, ...more], { stdio: 'ignore' });
      chmodSync(file(`${name}.key`), 0o600);
      for (const end of ['key', 'crt']) giveToPostgres(file(`${name}.${end}`));
    };
    make('server', '-subj', '/CN=localhost');
    make('clients', '-subj', '/CN=Clients', '-addext', 'keyUsage=critical,keyCertSign');
    await target.sql(`CREATE ROLE keeper CREATEROLE LOGIN PASSWORD 'keeper-pass'`);
    writeFileSync(
      file('pg_hba.conf'),
      'host all postgres,keeper all trust\nhostssl all all all cert\n',
    );
    await target.sql('ALTER SYSTEM SET ssl = on');
    await target.sql(`ALTER SYSTEM SET ssl_ca_file = 'clients.crt'`);
    await target.sql('SELECT pg_reload_conf()');
    config = {
      common_name_template: '{{ .Username }}',
      ca_cert: readFileSync(file('clients.crt'), 'utf8'),
      ca_private_key: readFileSync(file('clients.key'), 'utf8'),
      key_type: 'ec',
    };
    // Certificates are judged by the clock of the database.
    const clock = new ManualClock(systemClock.nowMs());
    open = await openInstance({ clock, maxLeaseSeconds: 3600 });
    await open.get('write', 'sys/mounts/db', { data: { type: 'database' } });
    await open.get('write', 'db/config/pg', {
      data: {
        plugin_name: 'postgresql-database-plugin',
        connection_url: `postgresql://{{username}}@127.0.0.1:${target.port}/postgres?sslmode=disable`,
        username: 'keeper',
        password: 'keeper-pass',
        allowed_roles: '*',
      },
    });
    assert.equal(await write('c', config), 'ok');
  });
  after(async () => {
    await open?.instance.close();
    await target?.stop();
  });

  async function write(name: string, credential_config: JsonObject): Promise<string> {
    const { error } = await open.ask('write', `db/roles/${name}`, {
      data: {
        db_name: 'pg',
        credential_type: 'client_certificate',
        credential_config,
        creation_statements: 'CREATE ROLE "{{name}}" LOGIN',
        default_ttl: '60s',
        max_ttl: '100s',
      },
    });
    return error?.message ?? 'ok';
  }

  async function logsIn(user: string, cert: string, key: string): Promise<boolean> {
    const client = new Client({
      host: '127.0.0.1',
      port: target.port,
      user,
      database: 'postgres',
      ssl: { rejectUnauthorized: false, cert, key },
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      client.end().catch(() => {});
    }
  }

  test('let their holder in, as nobody else, while the lease lasts', async () => {
    for (const [name, key] of Object.entries({
      ec: { key_type: 'ec', key_bits: '384' },
      rsa: { key_type: 'rsa' },
      ed25519: { key_type: 'ed25519' },
    })) {
      assert.equal(await write(name, { ...config, ...key }), 'ok');
      const { reply, lease, error } = await open.ask('read', `db/creds/${name}`);
      assert.equal(error, undefined);
      const data = { ...reply?.data };
      const [user, cert, secret] = ['username', 'client_certificate', 'private_key'].map((each) =>
        String(data[each]),
      ) as [string, string, string];
      assert.equal(data['private_key_type'], name);
      const certificate = new X509Certificate(cert);
      assert.equal(certificate.subject, `CN=${user}`);
      assert.ok(certificate.verify(new X509Certificate(config['ca_cert'] ?? '').publicKey));
      const livesMs = Date.parse(certificate.validTo) - open.clock.nowMs();
      assert.ok(livesMs > 95_000 && livesMs <= 105_000, `${livesMs}`);
      assert.equal(await logsIn(user, cert, secret), true, name);
      assert.equal(await logsIn('postgres2', cert, secret), false);
      await open.get('write', 'sys/leases/revoke', {
        data: { lease_id: lease?.id ?? '', sync: true },
      });
      assert.equal(await logsIn(user, cert, secret), false);
    }
  });

  test('a role never shows the key of its authority', async () => {
    const shown = await open.get('read', 'db/roles/c');
    assert.equal(JSON.stringify(shown).includes('PRIVATE KEY'), false);
    assert.deepEqual(Object.keys(shown['credential_config'] ?? {}).sort(), [
      'ca_cert',
      'common_name_template',
      'key_bits',
      'key_type',
      'signature_bits',
    ]);
  });

  test('settings are checked, and refusals repeat nothing', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const wrongKey = other.export({ format: 'pem', type: 'pkcs8' });
    for (const more of [
      { key_type: 'dsa' },
      { key_bits: '512' },
      { signature_bits: '1' },
      { common_name_template: '' },
      { common_name_template: '{{ S3CRET }}' },
      { ca_cert: '' },
      { ca_cert: 'S3CRET' },
      { ca_private_key: '' },
      { ca_private_key: 'S3CRET' },
      { ca_private_key: wrongKey },
      { S3CRET: 'x' },
    ]) {
      const message = await write('bad', { ...config, ...more });
      assert.match(message, /^credential_config validation failed: /, JSON.stringify(more));
      assert.equal(/S3CRET|PRIVATE/.test(message), false, message);
    }
    const { error } = await open.ask('write', 'db/static-roles/s', {
      data: {
        db_name: 'pg',
        username: 'keeper',
        rotation_period: '1h',
        credential_type: 'client_certificate',
        credential_config: config,
      },
    });
    assert.match(error?.message ?? '', /unsupported credential_type/);
  });
});
