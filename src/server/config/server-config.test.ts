/** Configuration files in HCL and JSON: what they become, and how precisely a wrong one is refused. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../../base/config/config-tree.ts';
import { parseConfigText } from '../../base/config/read-config.ts';
import { loadConfig } from './load-config.ts';
import { decodeConfig } from './server-config.ts';
import type { DecodeContext } from '../../base/config/decode-values.ts';
import type { ServerConfig } from './server-config.ts';

const MINIMAL = 'storage "inmem" {}\n';

function decode(text: string, context: Partial<DecodeContext> = {}): ServerConfig {
  const full = { environment: {}, warn: () => {}, ...context };
  return decodeConfig(parseConfigText(text, 'a.hcl'), 'a.hcl', full);
}

function refusal(text: string, context: Partial<DecodeContext> = {}): string {
  try {
    decode(text, context);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return 'accepted';
}

/** Comparable whatever syntax it came from: without places, maps as lists. */
function plain(config: ServerConfig): unknown {
  return JSON.parse(
    JSON.stringify(config, (key, value: unknown) =>
      key === 'where' ? undefined : value instanceof Map ? [...value] : value,
    ),
  );
}

test('reads the file that other tools write for a Vault server', () => {
  const config = decode(`storage "sqlite" { path = "/data/store" }
listener "tcp" { address = "127.0.0.1:1234" tls_disable = true disable_unauthed_rekey_endpoints = false disable_unauthed_generate_root_endpoints = false }
api_addr = "http://127.0.0.1:1234"
disable_mlock = true
`);
  assert.deepEqual(config.storage, { kind: 'sqlite', path: '/data/store' });
  assert.equal(config.apiAddress, 'http://127.0.0.1:1234');
  const [listener] = config.listeners;
  assert.equal(listener?.kind, 'tcp');
  assert.equal(listener.address, '127.0.0.1:1234');
  assert.equal(listener.tlsDisable, true);
  assert.equal(listener.disableUnauthedRekey, false);
  assert.equal(listener.disableUnauthedGenerateRoot, false);
  assert.deepEqual(config.seal, { kind: 'shamir' });
});

test('takes `backend`, the name that `storage` once had', () => {
  assert.deepEqual(decode('backend "inmem" {}').storage, { kind: 'inmem' });
  const json = decode('{"backend": {"sqlite": {"path": "/data/store"}}}');
  assert.deepEqual(json.storage, { kind: 'sqlite', path: '/data/store' });
});

test('HCL and JSON mean the same', () => {
  const hcl = decode(`
    max_lease_ttl = "10h"
    default_lease_ttl = "30m"
    storage "sqlite" { path = "d" }
    listener "tcp" { tls_disable = "true" }
    listener "unix" { address = "/run/s.sock" socket_mode = "0660" telemetry { metrics_only = true } }
    audit "file" "main" { description = "d" options { file_path = "/a.log" mode = 600 } }
    telemetry { prometheus_retention_time = "0" }
    user_lockout "userpass" { lockout_threshold = 3 }
  `);
  const json = decode(
    JSON.stringify({
      max_lease_ttl: '10h',
      default_lease_ttl: 1800,
      storage: { sqlite: { path: 'd' } },
      listener: [
        { tcp: { tls_disable: 1 } },
        {
          unix: [
            { address: '/run/s.sock', socket_mode: '0660', telemetry: { metrics_only: true } },
          ],
        },
      ],
      audit: [
        { file: { main: { description: 'd', options: { file_path: '/a.log', mode: '600' } } } },
      ],
      telemetry: [{ prometheus_retention_time: 0 }],
      user_lockout: { userpass: { lockout_threshold: '3' } },
    }),
  );
  assert.deepEqual(plain(hcl), plain(json));
  assert.equal(hcl.maxLeaseTtlSeconds, 36_000);
  assert.equal(hcl.defaultLeaseTtlSeconds, 1800);
  assert.equal(hcl.listeners[1]?.socketMode, 0o660);
  assert.equal(hcl.listeners[1]?.metricsOnly, true);
  assert.equal(hcl.audit[0]?.path, 'main/');
  assert.equal(hcl.audit[0]?.options?.['mode'], '600');
});

test('custom response headers are kept by status', () => {
  const [listener] = decode(`${MINIMAL}listener "tcp" {
    tls_disable = true
    custom_response_headers { "default" = { "X-A" = ["1", "2"] } "4xx" = { "X-B" = "3" } }
  }`).listeners;
  assert.deepEqual(listener?.customResponseHeaders?.get('default')?.get('X-A'), ['1', '2']);
  assert.deepEqual(listener.customResponseHeaders.get('4xx')?.get('X-B'), ['3']);
});

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  [
    'a mistyped key',
    `${MINIMAL}log_levle = "info"`,
    /^a\.hcl:2:1: unknown key log_levle \(did you mean log_level\?\)$/,
  ],
  ['a mistyped block', `${MINIMAL}listner "tcp" {}`, /did you mean listener/],
  [
    'a mistyped key in a block',
    `${MINIMAL}listener "tcp" {\n  adress = "x"\n}`,
    /^a\.hcl:3:3: unknown key adress in listener "tcp" \(did you mean address\?\)$/,
  ],
  ['an unknown key without a likeness', `${MINIMAL}frobnicate = 1`, /unknown key frobnicate$/],
  [
    'a key outside its inner block',
    `${MINIMAL}listener "tcp" { metrics_only = true }`,
    /belongs inside telemetry/,
  ],
  [
    'a foreign key inside an inner block',
    `${MINIMAL}listener "tcp" { telemetry { address = "a" } }`,
    /unknown key address/,
  ],
  ['no storage', 'log_level = "info"', /a storage block is missing/],
  [
    'file storage',
    'storage "file" { path = "x" }',
    /storage "file" is not supported: use storage "sqlite"/,
  ],
  ['raft storage', 'storage "raft" { path = "x" }', /use storage "sqlite"/],
  ['consul storage', 'storage "consul" {}', /use storage "sqlite"/],
  [
    'an unknown storage',
    'storage "sqlit" {}',
    /unknown storage "sqlit" \(did you mean "sqlite"\?\); there are "sqlite", "postgresql", "inmem"/,
  ],
  ['sqlite without a path', 'storage "sqlite" {}', /storage "sqlite" needs path/],
  [
    'postgresql without a URL',
    'storage "postgresql" {}',
    /storage "postgresql" needs connection_url/,
  ],
  ['a cloud seal', `${MINIMAL}seal "awskms" {}`, /use seal "static"/],
  [
    'a listener without a certificate',
    `${MINIMAL}listener "tcp" {}`,
    /needs tls_cert_file and tls_key_file/,
  ],
  [
    'an old TLS version',
    `${MINIMAL}listener "tcp" { tls_disable = true tls_min_version = "tls10" }`,
    /one of "tls12", "tls13"/,
  ],
  ['a wrong type', `${MINIMAL}default_lease_ttl = true`, /must be a duration/],
  ['a wrong duration', `${MINIMAL}default_lease_ttl = "1 hour"`, /must be a duration/],
  ['a negative number', `${MINIMAL}max_lease_ttl = "-5s"`, /at least 1/],
  [
    'a default beyond the maximum',
    `${MINIMAL}max_lease_ttl = "1h"`,
    /default_lease_ttl must not be longer/,
  ],
  [
    'a wrong switch',
    `${MINIMAL}enable_response_header_hostname = "maybe"`,
    /must be true or false/,
  ],
  [
    'two audit devices at one path',
    `${MINIMAL}audit "file" "a" {}\naudit "file" "a/" {}`,
    /two audit devices at "a\/"/,
  ],
  ['a block written as a value', `${MINIMAL}telemetry = "on"`, /telemetry is a block/],
  ['broken HCL', 'storage "inmem" {', /^a\.hcl:1:\d+: /],
  ['an audit prefix', `${MINIMAL}allow_audit_log_prefixing = true`, /is not supported/],
  [
    'a short seal key',
    `${MINIMAL}seal "static" { current_key_id = "1" current_key = "abc" }`,
    /current_key must be 32 bytes/,
  ],
  ['__proto__', `${MINIMAL}__proto__ = 1`, /unknown key __proto__/],
  ['an unset variable', `${MINIMAL}cluster_name = "env://NOWHERE"`, /NOWHERE is not set/],
];

for (const [name, text, expected] of REFUSED) {
  test(`refuses ${name}`, () => assert.match(refusal(text), expected));
}

test('keys that need no attention are read past with a warning', () => {
  const warnings: string[] = [];
  decode(`${MINIMAL}plugin_directory = "/p"\ndisable_cache = true`, {
    warn: (line) => warnings.push(line),
  });
  assert.match(
    warnings[0] ?? '',
    /^a\.hcl:2:1: plugin_directory is ignored: no code is ever loaded/,
  );
  assert.equal(warnings.length, 2);
});

test('the environment wins over the file, a flag over both', () => {
  const text = `${MINIMAL}log_level = "info"`;
  const environment = { VAULT_LOG_LEVEL: 'warn', BAO_LOG_LEVEL: 'error' };
  assert.equal(decode(text).logLevel, 'info');
  assert.equal(decode(text, { environment: { VAULT_LOG_LEVEL: 'warn' } }).logLevel, 'warn');
  assert.equal(decode(text, { environment }).logLevel, 'error');
  assert.equal(decode(text, { environment, flags: { log_level: 'trace' } }).logLevel, 'trace');
  assert.match(
    refusal(text, { flags: { log_level: 'loud' } }),
    /^flag -log-level: log_level must be/,
  );
});

test('a seal key comes raw from a file, or in hex or base64 from a variable', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const key = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index));
  writeFileSync(join(folder, 'key'), key);
  const at = (reference: string, environment = {}): Buffer | undefined => {
    const { seal } = decode(
      `${MINIMAL}seal "static" { current_key_id = "1" current_key = "${reference}" }`,
      { environment },
    );
    return seal.kind === 'static' ? seal.currentKey : undefined;
  };
  assert.deepEqual(at(pathToFileURL(join(folder, 'key')).href), key);
  assert.deepEqual(at('env://K', { K: key.toString('hex') }), key);
  assert.deepEqual(at('env://K', { K: key.toString('base64') }), key);
  assert.match(
    refusal(`${MINIMAL}seal "static" { current_key_id = "1" current_key = "file:///nowhere/k" }`),
    /cannot read file:\/\/\/nowhere\/k: ENOENT/,
  );
});

test('a seal that is being left is kept apart', () => {
  const hex = 'ab'.repeat(32);
  const config = decode(
    `${MINIMAL}seal "static" { current_key_id = "1" current_key = "${hex}" disabled = true }\nseal "shamir" {}`,
  );
  assert.equal(config.seal.kind, 'shamir');
  assert.equal(config.sealBefore?.currentKeyId, '1');
});

test('a refused secret is not repeated', () => {
  const text = `${MINIMAL}seal "static" { current_key_id = "1" current_key = "c4n4ry-secret" }`;
  assert.doesNotMatch(refusal(text), /c4n4ry/);
});

test('files and folders merge in order', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'conf.d'));
  const base = join(folder, 'base.hcl');
  writeFileSync(base, `${MINIMAL}log_level = "info"\nlistener "tcp" { tls_disable = true }`);
  writeFileSync(join(folder, 'conf.d', '20.json'), '{"log_level":"error"}');
  writeFileSync(
    join(folder, 'conf.d', '10.hcl'),
    'log_level = "warn"\nlistener "tcp" { tls_disable = true address = "a:2" }',
  );
  writeFileSync(join(folder, 'conf.d', 'notes.txt'), 'not read');
  const context = { environment: {}, warn: () => {} };
  const config = loadConfig([base, join(folder, 'conf.d')], context);
  assert.equal(config.logLevel, 'error');
  assert.deepEqual(
    config.listeners.map((listener) => listener.address),
    ['127.0.0.1:8200', 'a:2'],
  );
  assert.throws(
    () => loadConfig([join(folder, 'none.hcl')], context),
    /none\.hcl: cannot be read: ENOENT/,
  );
});
