/** Options from the environment, durations, addresses and paths. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodePath, joinPath, parseAddress } from './address.ts';
import { optionsFromEnvironment, parseDurationMs, readVariable } from './environment.ts';

test('the own prefix wins over its twins, and an empty variable counts as unset', () => {
  assert.equal(readVariable({ VAULT_ADDR: 'v', BAO_ADDR: 'b' }, 'ADDR'), 'b');
  assert.equal(readVariable({ VAULT_ADDR: 'v', BAO_ADDR: '' }, 'ADDR'), 'v');
  assert.equal(readVariable({ STRONGROOM_ADDR: 's', BAO_ADDR: 'b' }, 'ADDR'), 's');
  assert.equal(readVariable({}, 'ADDR'), undefined);
});

test('options come from their variables', () => {
  const options = optionsFromEnvironment({
    VAULT_ADDR: 'https://a:1',
    VAULT_TOKEN: 't',
    VAULT_NAMESPACE: 'n',
    VAULT_CLIENT_TIMEOUT: '90',
    VAULT_MAX_RETRIES: '5',
    VAULT_SKIP_VERIFY: '1',
    VAULT_CACERT: '/ca.pem',
    VAULT_MFA: 'm:1',
    VAULT_DISABLE_REDIRECTS: 'true',
  });
  assert.deepEqual(options, {
    address: 'https://a:1',
    token: 't',
    namespace: 'n',
    timeoutMs: 90_000,
    retriesMax: 5,
    tls: { caFile: '/ca.pem', skipVerify: true },
    mfa: ['m:1'],
    followRedirects: false,
  });
});

test('a variable that cannot be read is named', () => {
  for (const [name, value] of [
    ['VAULT_CLIENT_TIMEOUT', 'soon'],
    ['VAULT_MAX_RETRIES', '-1'],
    ['VAULT_SKIP_VERIFY', 'perhaps'],
  ] as const) {
    assert.throws(() => optionsFromEnvironment({ [name]: value }), new RegExp(name));
  }
});

test('durations', () => {
  const known: [string, number | undefined][] = [
    ['90', 90_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['1.5s', 1_500],
    ['250ms', 250],
    ['-1', -1_000],
    ['', undefined],
    ['h', undefined],
    ['1h30', undefined],
    ['1 h', undefined],
  ];
  for (const [text, milliseconds] of known) assert.equal(parseDurationMs(text), milliseconds, text);
});

test('addresses', () => {
  assert.equal(parseAddress('unix:///run/x.sock').socketPath, '/run/x.sock');
  assert.equal(parseAddress('http://a:8200/base').url.pathname, '/base');
  assert.throws(
    () => parseAddress('ftp://user:hunter2@a'),
    (error) => {
      assert.ok(error instanceof TypeError);
      assert.ok(!error.message.includes('hunter2'));
      return true;
    },
  );
});

test('a path decodes to what it was, and its slashes stay', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (path) => {
      assert.equal(decodeURIComponent(encodePath(path)), path.toWellFormed());
    }),
  );
  assert.equal(encodePath('a b/c?d#e%2f/é'), 'a%20b/c%3Fd%23e%252f/%C3%A9');
  assert.equal(encodePath("x:y@z,(1)!'*"), 'x:y@z,%281%29%21%27%2A');
});

test('joining leaves no empty or relative segments', () => {
  assert.equal(joinPath('v1', '/a//b/', './c/../d'), 'v1/a/b/d');
  assert.equal(joinPath('', '../..', 'a'), 'a');
});
