/** Whatever is wrong with a login, its caller hears the same, and the logs have the whole reason: all methods. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import { foreignJws } from '../../crypto/jws.testkit.ts';
import { makeCertificate } from '../../crypto/x509/certificates-fixture.ts';
import { KeptLog } from '../audit-fixture.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';

/** Nobody answers there. */
const NOWHERE = 'http://127.0.0.1:1';
const SECRET = 'the-secret-that-was-sent';
const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const token = (claims: JsonObject, key = issuer.privateKey): string =>
  foreignJws(claims, { algorithm: 'ES256', key, keyId: '' });

interface Method {
  readonly type: string;
  readonly setUp: Readonly<Record<string, JsonObject>>;
  readonly path?: string;
  /** Logins that fail, each for another reason. */
  readonly failures: readonly (JsonObject & { readonly $path?: string })[];
}

const NOW = 4_000_000_000;
const role = 'r';
const METHODS: readonly Method[] = [
  {
    type: 'userpass',
    setUp: { 'users/ada': { password: 'good' } },
    failures: [
      { $path: 'login/ada', password: SECRET },
      { $path: 'login/nobody', password: SECRET },
    ],
  },
  {
    type: 'ldap',
    setUp: { config: { url: 'ldap://127.0.0.1:1', userdn: 'dc=x' } },
    failures: [
      { $path: 'login/ada', password: SECRET },
      { $path: `login/${'a'.repeat(300)}`, password: SECRET },
    ],
  },
  {
    type: 'approle',
    setUp: { 'role/r': {}, 'role/r/role-id': { role_id: 'known' } },
    failures: [
      { role_id: 'unknown', secret_id: SECRET },
      { role_id: 'known', secret_id: SECRET },
    ],
  },
  {
    type: 'jwt',
    setUp: {
      config: {
        jwt_validation_pubkeys: [issuer.publicKey.export({ type: 'spki', format: 'pem' })],
      },
      'role/r': { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'a' },
    },
    failures: [
      { role, jwt: SECRET },
      { role, jwt: token({ sub: 'x', aud: 'a', exp: NOW }, stranger.privateKey) },
      { role, jwt: token({ sub: 'x', aud: 'b', exp: NOW }) },
      { role, jwt: token({ sub: 'x', aud: 'a', exp: 1 }) },
    ],
  },
  {
    type: 'kubernetes',
    setUp: {
      config: { kubernetes_host: NOWHERE, kubernetes_ca_cert: 'x', disable_local_ca_jwt: true },
      'role/r': { bound_service_account_names: 'a', bound_service_account_namespaces: 'n' },
    },
    failures: [
      { role, jwt: SECRET },
      { role, jwt: token({ exp: 1 }) },
      {
        role,
        jwt: token({
          'kubernetes.io': { namespace: 'n', serviceaccount: { name: 'a', uid: 'u' } },
        }),
      },
    ],
  },
  {
    type: 'aws',
    setUp: {
      'config/client': { sts_endpoint: NOWHERE },
      'role/r': {
        bound_iam_principal_arn: 'arn:aws:iam::123456789012:role/a',
        resolve_aws_unique_ids: false,
      },
    },
    failures: [
      {
        role,
        iam_http_request_method: 'POST',
        iam_request_url: SECRET,
        iam_request_body: SECRET,
        iam_request_headers: SECRET,
      },
      {
        role,
        iam_http_request_method: 'GET',
        iam_request_url: 'eA==',
        iam_request_body: 'eA==',
        iam_request_headers: 'eA==',
      },
    ],
  },
  {
    type: 'azure',
    setUp: {
      config: { tenant_id: 't', resource: 'r', login_endpoint: NOWHERE },
      'role/r': { bound_service_principal_ids: '*' },
    },
    failures: [
      { role, jwt: SECRET },
      { role, jwt: token({ exp: NOW }) },
      { role: 'other', jwt: SECRET },
    ],
  },
  {
    type: 'gcp',
    setUp: {
      config: { custom_endpoint: { api: NOWHERE } },
      'role/r': { type: 'gce', bound_projects: 'p' },
    },
    failures: [
      { role, jwt: SECRET },
      { role, jwt: token({ exp: NOW }) },
      { role: 'other', jwt: SECRET },
    ],
  },
];

suite('refused logins', () => {
  const audit = new KeptLog();
  const said: { readonly message: string; readonly detail: string }[] = [];
  const listen = (message: string, fields: object = {}): void => {
    said.push({ message, detail: JSON.stringify(fields) });
  };
  const log: Log = {
    trace: listen,
    debug: listen,
    info: listen,
    warn: listen,
    error: listen,
    named: () => log,
  };
  let open: OpenInstance;
  before(async () => {
    open = await openInstance({ audit: [audit.type], log });
  });
  after(() => open.instance.close());

  /** What the caller hears: everything but the id of the request. */
  async function heard(
    path: string,
    data: JsonObject,
    certificates: readonly Buffer[] = [],
  ): Promise<string> {
    const connection = {
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      clientCertificates: certificates,
      local: false,
    };
    const { error } = await open.ask('write', path, { token: null, data, call: { connection } });
    assert.ok(error, path);
    return JSON.stringify([error.code, error.message, error.vaultStatus ?? 0, error.data ?? null]);
  }

  /** The reason must be in both logs, and be the same. */
  function reasonOf(count: number): string {
    const refusal = said.slice(count).find(({ message }) => message === 'login refused');
    const { detail } = JSON.parse(refusal?.detail ?? '{}') as { readonly detail?: string };
    assert.ok(detail, 'nothing in the operational log');
    assert.ok(audit.text.includes(`"reason":${JSON.stringify(detail)}`), detail);
    return detail;
  }

  for (const { type, setUp, failures } of METHODS)
    test(type, async () => {
      await open.get('write', `sys/auth/${type}`, { data: { type } });
      for (const [path, data] of Object.entries(setUp))
        await open.get('write', `auth/${type}/${path}`, { data });
      const answers = new Set<string>();
      const reasons = new Set<string>();
      for (const { $path: path = 'login', ...data } of failures) {
        const count = said.length;
        answers.add(await heard(`auth/${type}/${path}`, data));
        reasons.add(reasonOf(count));
      }
      assert.equal(answers.size, 1, [...answers].join('\n'));
      assert.equal(reasons.size, failures.length, [...reasons].join('\n'));
    });

  test('cert', async () => {
    const nowMs = open.clock.nowMs();
    const ca = await makeCertificate(nowMs, { name: 'CN=ca', isCa: true });
    const other = await makeCertificate(nowMs, { name: 'CN=other', isCa: true });
    await open.get('write', 'sys/auth/cert', { data: { type: 'cert' } });
    const entry = { certificate: ca.pem, allowed_common_names: 'good' };
    await open.get('write', 'auth/cert/certs/c', { data: entry });
    const answers = new Set<string>();
    const reasons = new Set<string>();
    for (const issuedBy of [ca, other]) {
      const client = await makeCertificate(nowMs, { name: 'CN=client', issuer: issuedBy });
      const count = said.length;
      answers.add(await heard('auth/cert/login', {}, [client.der]));
      reasons.add(reasonOf(count));
    }
    assert.equal(answers.size, 1, [...answers].join('\n'));
    assert.equal(reasons.size, 2);
  });

  test('no log has what was sent', () => {
    assert.doesNotMatch(JSON.stringify(said), /the-secret-that-was-sent/);
    assert.doesNotMatch(audit.text, /the-secret-that-was-sent/);
  });
});
