/** Certificates kept under a name: renewal before the end, alerts about those from elsewhere. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { suite, test } from 'node:test';
import type { Log } from '../../../base/log.ts';
import { openMount } from '../verifiers/pki.testkit.ts';
import type { Data, Mount } from '../verifiers/pki.testkit.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Keeps what is logged. */
function listener(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  const say =
    (level: string) =>
    (message: string, facts: object = {}): void => {
      said.push(`${level} ${message} ${JSON.stringify(facts)}`);
    };
  const log: Log = {
    trace: say('trace'),
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    named: () => log,
  };
  return { log, said };
}

async function open(log?: Log): Promise<Mount> {
  const mount = await openMount(log);
  await mount.write('root/generate/internal', {
    common_name: 'Root',
    key_type: 'ec',
    ttl: '760h',
  });
  await mount.write('roles/web', {
    allowed_domains: 'a.test',
    allow_bare_domains: true,
    key_type: 'ec',
    ttl: '72h',
  });
  return mount;
}

function notAfterMs({ certificate }: Data): number {
  return Date.parse(new X509Certificate(String(certificate)).validTo);
}

suite('certificates that a role makes', () => {
  test('are renewed after two thirds of their lifetime, again and again', async () => {
    const { log, said } = listener();
    const mount = await open(log);
    await mount.write('stored/site/issue/web', { common_name: 'a.test' });
    const first = await mount.read('stored/site');
    assert.ok(
      new X509Certificate(String(first['certificate'])).checkHost('a.test') === 'a.test' &&
        String(first['private_key']).startsWith('-----BEGIN EC PRIVATE KEY'),
    );
    await mount.pass(47 * HOUR_MS);
    assert.equal((await mount.read('stored/site'))['serial_number'], first['serial_number']);
    let before = first;
    for (const renewals of [1, 2, 3]) {
      await mount.pass(49 * HOUR_MS);
      const after = await mount.read('stored/site');
      assert.notEqual(after['serial_number'], before['serial_number']);
      assert.notEqual(after['private_key'], before['private_key']);
      assert.ok(notAfterMs(after) > notAfterMs(before));
      assert.equal(after['renewals'], renewals);
      before = after;
    }
    assert.equal(said.filter((each) => /^(?:warn|error)/.test(each)).length, 0, said.join('\n'));
  });

  test('are told of when they cannot be renewed, and tried again', async () => {
    const { log, said } = listener();
    const mount = await open(log);
    await mount.write('stored/site/issue/web', { common_name: 'a.test' });
    await mount.bench.call('delete', 'roles/web');
    await mount.pass(48 * HOUR_MS);
    const { last_error: problem } = await mount.read('stored/site/info');
    assert.equal(problem, 'unknown role: web');
    for (let hours = 0; hours < 25; hours++) await mount.pass(HOUR_MS);
    assert.ok(said.some((each) => each.startsWith('warn a kept certificate is about to expire')));
    assert.ok(said.some((each) => each.startsWith('error a kept certificate has expired')));
    await mount.write('roles/web', {
      allowed_domains: 'a.test',
      allow_bare_domains: true,
      key_type: 'ec',
      ttl: '72h',
    });
    await mount.pass(HOUR_MS);
    const after = await mount.read('stored/site');
    assert.deepEqual([after['renewals'], after['last_error']], [1, null]);
    assert.ok(notAfterMs(after) > mount.bench.nowMs);
  });

  test('are held to the role', async () => {
    const mount = await open();
    const wish = { common_name: 'b.test' };
    const { message } = await mount.bench.fail('write', 'stored/site/issue/web', wish);
    assert.match(message, /not allowed by this role/);
    assert.equal((await mount.bench.fail('read', 'stored/site')).code, 'not_found');
  });

  test('are renewed by hand, and not at all once that is switched off', async () => {
    const mount = await open();
    await mount.write('stored/site/issue/web', { common_name: 'a.test' });
    const first = await mount.read('stored/site');
    await mount.write('stored/site/renew');
    const second = await mount.read('stored/site');
    assert.notEqual(second['serial_number'], first['serial_number']);
    await mount.write('stored/site/info', { auto_renew: false });
    await mount.pass(60 * HOUR_MS);
    assert.equal((await mount.read('stored/site'))['serial_number'], second['serial_number']);
  });
});

suite('certificates from elsewhere', () => {
  test('are told of before they end, at each threshold once', async () => {
    const elsewhere = await open();
    await elsewhere.write('roles/any', { allow_any_name: true, key_type: 'ec', max_ttl: '700h' });
    const { certificate, private_key: key } = await elsewhere.write('issue/any', {
      common_name: 'old.test',
      ttl: '700h',
    });
    const { log, said } = listener();
    const mount = await open(log);
    await mount.write('stored/old', {
      certificate: String(certificate),
      private_key: String(key),
      alert_before: ['168h', '24h'],
    });
    const { private_key: kept, has_private_key: has } = await mount.read('stored/old');
    assert.deepEqual([kept, has], [key, true]);
    assert.equal((await mount.read('stored/old/info'))['private_key'], undefined);
    const alerts: number[] = [];
    for (let day = 0; day < 31; day++) {
      await mount.pass(DAY_MS);
      alerts.push(said.splice(0).filter((each) => /^(?:warn|error)/.test(each)).length);
    }
    assert.equal(
      alerts.reduce((sum, each) => sum + each, 0),
      3,
    );
    assert.deepEqual(
      alerts.flatMap((each, day) => (each > 0 ? [day] : [])),
      [22, 28, 29],
    );
  });

  test('are listed by their end', async () => {
    const mount = await open();
    await mount.write('roles/any', { allow_any_name: true, key_type: 'ec' });
    for (const [name, ttl] of [
      ['later', '200h'],
      ['soon', '20h'],
      ['last', '730h'],
    ] as const) {
      const { certificate } = await mount.write('issue/any', { common_name: 'x', ttl });
      await mount.write(`stored/${name}`, { certificate: String(certificate) });
    }
    const { data } = (await mount.bench.call('read', 'expiring', { within: '300h' })) ?? {};
    assert.deepEqual(data?.['keys'], ['soon', 'later']);
    const all = (await mount.bench.call('list', 'stored'))?.data;
    assert.deepEqual(all?.['keys'], ['last', 'later', 'soon']);
    await mount.bench.call('delete', 'stored/soon');
    assert.equal((await mount.bench.fail('read', 'stored/soon/info')).code, 'not_found');
  });

  test('are refused when they are none, or the key is another', async () => {
    const mount = await open();
    await mount.write('roles/any', { allow_any_name: true, key_type: 'ec' });
    const one = await mount.write('issue/any', { common_name: 'x', ttl: '1h' });
    const other = await mount.write('issue/any', { common_name: 'x', ttl: '1h' });
    for (const [body, told] of [
      [{}, /holds no certificate/],
      [{ certificate: 'x' }, /holds no certificate/],
      [{ certificate: one['certificate'], private_key: other['private_key'] }, /not that of/],
      [{ certificate: one['certificate'], private_key: 'x' }, /not a private key/],
      [{ certificate: one['certificate'], alert_before: ['x'] }, /not a duration/],
      [
        { certificate: '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----' },
        /cannot be read/,
      ],
    ] as const) {
      assert.match((await mount.bench.fail('write', 'stored/x', body as never)).message, told);
    }
    await mount.write('stored/x', { certificate: String(one['certificate']) });
    const refused = await mount.bench.fail('write', 'stored/x/renew');
    assert.match(refused.message, /from elsewhere/);
  });
});
