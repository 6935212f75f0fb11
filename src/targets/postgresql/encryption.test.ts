/** TLS to PostgreSQL: verified unless a setting says otherwise (SEC-90). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  POSTGRESQL_HINT,
  giveToPostgres,
  postgresPrograms,
  startPostgres,
} from '../../../rig/postgresql.ts';
import { systemRandom } from '../../base/random.ts';
import type { JsonObject } from '../../base/json.ts';
import { postgresql } from './postgresql.ts';

const skip = postgresPrograms() === undefined ? POSTGRESQL_HINT : false;

test('the certificate of the server is verified, unless told not to', { skip }, async () => {
  const server = await startPostgres({ settings: { fsync: 'off' } });
  try {
    const file = (name: string): string => join(server.folder, 'data', name);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const files = ['-keyout', file('server.key'), '-out', file('server.crt')];
    execFileSync('openssl', ['req', '-x509', ...key, ...files, ...names], { stdio: 'ignore' });
    chmodSync(file('server.key'), 0o600);
    for (const name of ['server.key', 'server.crt']) giveToPostgres(file(name));
    await server.sql('ALTER SYSTEM SET ssl = on');
    await server.sql('SELECT pg_reload_conf()');
    const tlsCa = readFileSync(file('server.crt'), 'utf8');

    const tries = async (host: string, mode: string, more: JsonObject = {}): Promise<string> => {
      const database = postgresql.open(
        {
          connection_url: `postgresql://postgres@${host}:${server.port}/postgres${mode}`,
          ...more,
        },
        systemRandom,
      );
      try {
        await database.verify();
        return 'ok';
      } catch (error) {
        return error instanceof Error ? error.message : 'failed';
      } finally {
        await database.close();
      }
    };

    assert.match(await tries('localhost', '?sslmode=require'), /self-signed/);
    assert.match(await tries('localhost', '?sslmode=verify-full'), /self-signed/);
    assert.equal(await tries('localhost', '?sslmode=verify-full', { tls_ca: tlsCa }), 'ok');
    assert.match(
      await tries('127.0.0.1', '?sslmode=verify-full', { tls_ca: tlsCa }),
      /another name/,
    );
    assert.equal(await tries('127.0.0.1', '?sslmode=verify-ca', { tls_ca: tlsCa }), 'ok');
    assert.equal(await tries('127.0.0.1', '?sslmode=no-verify'), 'ok');
    assert.equal(await tries('127.0.0.1', '?sslmode=require', { tls_skip_verify: true }), 'ok');
    assert.equal(await tries('127.0.0.1', ''), 'ok');
  } finally {
    await server.stop();
  }
});
