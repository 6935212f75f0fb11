/** Connection strings as PostgreSQL's own tools read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StorageError } from '../storage.ts';
import { parseConnectionUrl, tlsOptions } from './connection-url.ts';

test('a URL gives hosts, user, password and database, percent-decoded', () => {
  const plan = parseConnectionUrl(
    'postgres://us%40er:p%2Fw%3A@db1.example:6000,[::1],db3:7000/vault%20db?sslmode=disable&connect_timeout=3&application_name=x',
  );
  assert.deepEqual(plan.targets, [
    { host: 'db1.example', port: 6000 },
    { host: '::1', port: 5432 },
    { host: 'db3', port: 7000 },
  ]);
  assert.equal(plan.user, 'us@er');
  assert.equal(plan.password, 'p/w:');
  assert.equal(plan.database, 'vault db');
  assert.equal(plan.connectMsMax, 3000);
  assert.equal(plan.applicationName, 'x');
  assert.deepEqual(plan.tls.mode, 'disable');
});

test('name=value pairs mean the same', () => {
  const plan = parseConnectionUrl(
    String.raw`host=a,b port=6000 user=u password='it\'s \\ a b' dbname = d sslmode=require`,
  );
  assert.deepEqual(plan.targets, [
    { host: 'a', port: 6000 },
    { host: 'b', port: 6000 },
  ]);
  assert.equal(plan.password, String.raw`it's \ a b`);
  assert.equal(plan.database, 'd');
  assert.deepEqual([plan.tls.mode, plan.tls.verify], ['require', 'nothing']);
});

test('sslmode means what it means to libpq', () => {
  const tls = (query: string): readonly unknown[] => {
    const plan = parseConnectionUrl(`postgres://h/d?${query}`, {}, (path) => `PEM of ${path}`);
    return [plan.tls.mode, plan.tls.verify, plan.tls.ca];
  };
  assert.deepEqual(tls(''), ['prefer', 'nothing', undefined]);
  assert.deepEqual(tls('sslmode=require'), ['require', 'nothing', undefined]);
  assert.deepEqual(tls('sslmode=require&sslrootcert=ca'), ['require', 'authority', 'PEM of ca']);
  assert.deepEqual(tls('sslmode=verify-ca&sslrootcert=ca'), ['require', 'authority', 'PEM of ca']);
  assert.deepEqual(tls('sslmode=verify-full'), ['require', 'name', undefined]);
  assert.throws(() => tls('sslmode=maybe'), /unknown sslmode/);
  const { tls: plan } = parseConnectionUrl('postgres://h/d?sslmode=verify-full');
  assert.equal(tlsOptions(plan, 'db.example').checkServerIdentity, undefined);
  assert.equal(tlsOptions(plan, 'db.example').rejectUnauthorized, true);
  assert.equal(tlsOptions(plan, '10.0.0.1').servername, undefined);
});

test('what is unknown is refused by its name, never with a value', () => {
  for (const text of [
    'postgres://u:s3cret@h/d?sslmoed=require',
    'host=h password=s3cret nonsense',
    'host=h password=s3cret flavour=s3cret',
    'postgres://u:s3cret@h:99999/d',
    'postgres://u:s3cret%zz@h/d',
    'postgres://h/d?sslcert=/no/such/s3cret-file-is-not-named',
  ]) {
    assert.throws(
      () => parseConnectionUrl(text),
      (error: unknown) => error instanceof StorageError && !error.message.includes('s3cret'),
    );
  }
});

test('no text makes it throw anything else, or take long', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.boolean(), (text, url) => {
      try {
        parseConnectionUrl(url ? `postgres://${text}` : text, {}, () => '');
      } catch (error) {
        assert.ok(error instanceof StorageError);
      }
    }),
  );
});
