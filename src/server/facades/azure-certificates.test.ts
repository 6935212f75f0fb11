/** Azure's certificates on the whole core, over a PKI mount. */
import assert from 'node:assert/strict';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  publicEncrypt,
  verify,
  X509Certificate,
} from 'node:crypto';
import type { webcrypto } from 'node:crypto';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import type { JsonObject } from '../../base/json.ts';
import { writePfx, readPfx } from '../../crypto/pkcs12/pfx.ts';
import { systemRandom } from '../../base/random.ts';
import { readRequest } from '../../crypto/x509/request.ts';
import { codeOf, versionOf, world } from './azure-fixture.ts';
import type { World } from './azure-fixture.ts';
import type { JsonReply } from './facade-fixture.ts';

const DAY_SECONDS = 86_400;

async function certificateWorld(binding: JsonObject = {}): Promise<World> {
  const made = await world(
    {},
    {
      mount: 'secret/',
      keys_mount: 'transit/',
      certificates_mount: 'pki/',
      ...binding,
    },
  );
  const { server } = made;
  for (const type of ['transit', 'pki']) {
    await server.get('write', `sys/mounts/${type}`, { data: { type } });
  }
  await server.get('write', 'sys/mounts/pki/tune', { data: { max_lease_ttl: '87600h' } });
  await server.get('write', 'pki/root/generate/internal', {
    data: { common_name: 'Root', key_type: 'ec', ttl: '87600h' },
  });
  await server.get('write', 'pki/roles/web', {
    data: {
      allowed_domains: 'example.com',
      allow_subdomains: true,
      key_type: 'rsa',
      max_ttl: '8760h',
    },
  });
  return made;
}

const SELF = { issuer: { name: 'Self' }, x509_props: { subject: 'CN=app, O="Acme, Inc."' } };

const certificateOf = (bundle: Record<string, unknown>): X509Certificate =>
  new X509Certificate(Buffer.from(String(bundle['cer']), 'base64'));

async function created(
  { send, done }: Pick<World, 'send' | 'done'>,
  name: string,
  policy: JsonObject,
  more: JsonObject = {},
): Promise<Record<string, unknown>> {
  const reply = await send('POST', `/certificates/${name}/create`, { policy, ...more });
  assert.equal(reply.status, 202, JSON.stringify(reply.json));
  assert.equal(reply.json['status'], 'inProgress');
  const pending = await done('GET', `/certificates/${name}/pending`);
  assert.deepEqual(
    [pending['status'], pending['target']],
    ['completed', `https://myvault.kv.example.com:8200/certificates/${name}`],
  );
  return await done('GET', `/certificates/${name}/`);
}

test('a self-signed certificate, its key and its secret are one thing under one name', async () => {
  const at = await certificateWorld();
  const { done, server } = at;
  const bundle = await created(at, 'app', { ...SELF, key_props: { kty: 'RSA', key_size: 3072 } });
  const certificate = certificateOf(bundle);
  assert.equal(certificate.subject, 'O=Acme\\, Inc.\nCN=app');
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(
    Buffer.from(String(bundle['x5t']), 'base64url').toString('hex'),
    certificate.fingerprint.replaceAll(':', '').toLowerCase(),
  );
  const id = versionOf(bundle);
  assert.match(id, /^[0-9a-f]{32}$/);
  const { exp, nbf } = bundle['attributes'] as { exp: number; nbf: number };
  assert.deepEqual(
    [nbf, exp],
    [certificate.validFromDate, certificate.validToDate].map((date) => date.getTime() / 1000),
  );
  const key = await done('GET', `/keys/app/${id}`);
  const jwk = key['key'] as webcrypto.JsonWebKey & { kid: string };
  assert.equal(jwk.kid, bundle['kid']);
  assert.equal(key['managed'], true);
  assert.ok(createPublicKey({ key: jwk, format: 'jwk' }).equals(certificate.publicKey));
  const secret = await done('GET', '/secrets/app/');
  assert.deepEqual(
    [secret['id'], secret['contentType'], secret['kid']],
    [bundle['sid'], 'application/x-pkcs12', bundle['kid']],
  );
  const pfx = Buffer.from(String(secret['value']), 'base64');
  createSecureContext({ pfx });
  const { privateKey = Buffer.alloc(0), certificates } = readPfx(pfx, '');
  assert.deepEqual(certificates, [certificate.raw]);
  assert.ok(
    certificate.checkPrivateKey(
      createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' }),
    ),
  );
  const pem = await done(
    'GET',
    `/secrets/app/${id}?api-version=7.4&outContentType=application%2Fx-pem-file`,
  );
  assert.match(String(pem['value']), /^-----BEGIN PRIVATE KEY-----[^]*-----BEGIN CERTIFICATE-----/);
  const stored = await server.get('read', 'pki/stored/app');
  assert.equal(
    new X509Certificate(String(stored['certificate'])).fingerprint,
    certificate.fingerprint,
  );
  await server.instance.close();
});

test('a second create is a new version; old ones stay, with their keys', async () => {
  const at = await certificateWorld();
  const { done, send, server } = at;
  const policy = { ...SELF, secret_props: { contentType: 'application/x-pem-file' } };
  const first = await created(at, 'app', policy, { tags: { a: 'b' } });
  assert.deepEqual(first['tags'], { a: 'b' });
  const second = await created(at, 'app', { ...policy, key_props: { reuse_key: true } });
  const third = await created(at, 'app', policy);
  const bundles = [first, second, third];
  assert.ok(certificateOf(first).publicKey.equals(certificateOf(second).publicKey));
  assert.ok(!certificateOf(third).publicKey.equals(certificateOf(second).publicKey));
  for (const path of ['/certificates/app/versions', '/secrets/app/versions']) {
    const { value } = (await done('GET', path)) as { value: { id: string }[] };
    assert.deepEqual(value.map(versionOf), bundles.map(versionOf), path);
  }
  for (const bundle of bundles) {
    const secret = await done('GET', `/secrets/app/${versionOf(bundle)}`);
    const key = createPrivateKey(String(secret['value']));
    assert.ok(certificateOf(bundle).checkPrivateKey(key));
    assert.equal(
      (await done('GET', `/certificates/app/${versionOf(bundle)}`))['cer'],
      bundle['cer'],
    );
  }
  const at1 = `/certificates/app/${versionOf(first)}`;
  const changed = await done('PATCH', at1, { attributes: { enabled: false }, tags: { c: 'd' } });
  assert.deepEqual(
    [(changed['attributes'] as JsonObject)['enabled'], changed['tags']],
    [false, { c: 'd' }],
  );
  assert.deepEqual(codeOf(await send('GET', `/secrets/app/${versionOf(first)}`)), [
    403,
    'Forbidden',
    'SecretDisabled',
  ]);
  assert.equal((await send('GET', '/secrets/app')).status, 200);
  const missing = await send('GET', `/certificates/app/${'0'.repeat(32)}`);
  assert.deepEqual(codeOf(missing), [404, 'CertificateNotFound']);
  await server.instance.close();
});

test('an issuer is a role that was offered: its rules hold, and so does the right to use it', async () => {
  const at = await certificateWorld();
  const { done, send, server } = at;
  const policy = {
    issuer: { name: 'web' },
    x509_props: {
      subject: 'CN=www.example.com',
      sans: { dns_names: ['a.example.com'] },
      validity_months: 3,
    },
    key_props: { kty: 'RSA', key_size: 2048 },
  };
  const create = async (
    name: string,
    token = 'root',
    wanted: JsonObject = policy,
  ): Promise<JsonReply> =>
    await send('POST', `/certificates/${name}/create`, { policy: wanted }, { token });
  assert.deepEqual(codeOf(await create('site')), [400, 'BadParameter']);
  assert.deepEqual(codeOf(await send('GET', '/certificates/issuers/web')), [
    404,
    'CertificateIssuerNotFound',
  ]);
  assert.equal(
    (await send('PUT', '/certificates/issuers/none', { provider: 'Strongroom' })).status,
    400,
  );
  assert.equal(
    (await send('PUT', '/certificates/issuers/web', { provider: 'DigiCert' })).status,
    400,
  );
  const issuer = await done('PUT', '/certificates/issuers/web', {
    provider: 'Test',
    credentials: { account_id: 'me', pwd: 'not kept' },
    org_details: { id: 'org', admin_details: [{ email: 'a@example.com' }] },
  });
  assert.deepEqual(issuer['credentials'], { account_id: 'me' });
  const patched = await done('PATCH', '/certificates/issuers/web', {
    credentials: { account_id: 'you' },
  });
  assert.deepEqual(
    [patched['credentials'], patched['org_details']],
    [{ account_id: 'you' }, issuer['org_details']],
  );
  const listed = (await done('GET', '/certificates/issuers')) as { value: { id: string }[] };
  assert.deepEqual(listed.value.map(versionOf), ['web']);
  const bundle = await created(at, 'site', policy);
  const certificate = certificateOf(bundle);
  assert.equal(certificate.issuer, 'CN=Root');
  assert.deepEqual(certificate.subjectAltName, 'DNS:a.example.com, DNS:www.example.com');
  const { privateKey, certificates } = readPfx(
    Buffer.from(String((await done('GET', '/secrets/site'))['value']), 'base64'),
    '',
  );
  assert.ok(privateKey !== undefined && certificates.length === 2);
  const other = { ...policy, x509_props: { subject: 'CN=www.example.org' } };
  assert.deepEqual(codeOf(await create('other', 'root', other)), [400, 'BadParameter']);
  const wrongKey = { ...policy, key_props: { kty: 'EC', crv: 'P-256' } };
  assert.deepEqual(codeOf(await create('other', 'root', wrongKey)), [400, 'BadParameter']);

  await server.get('write', 'sys/policies/acl/some', {
    data: {
      policy:
        'path "pki/stored/+" { capabilities = ["update", "read"] }\npath "pki/stored/+/info" { capabilities = ["update", "read"] }',
    },
  });
  const token = await server.tokenFor('some');
  assert.deepEqual(codeOf(await create('mine', token)), [403, 'Forbidden', 'ForbiddenByPolicy']);
  assert.equal((await create('mine', token, SELF)).status, 202);
  // Nor by way of the policy of a certificate that one may change.
  const sly = await send('PATCH', '/certificates/mine/policy', policy, { token });
  assert.deepEqual(codeOf(sly), [403, 'Forbidden', 'ForbiddenByPolicy']);
  assert.equal((await send('PATCH', '/certificates/mine/policy', policy)).status, 200);
  assert.equal((await send('DELETE', '/certificates/issuers/web')).status, 200);
  assert.deepEqual(codeOf(await create('site')), [400, 'BadParameter']);
  await server.instance.close();
});

test('a request that an authority elsewhere answers waits, is cancelled, dropped or merged', async () => {
  const at = await certificateWorld();
  const { done, send, server } = at;
  const policy = {
    issuer: { name: 'Unknown' },
    x509_props: { subject: 'CN=x.example.com', sans: { dns_names: ['y.example.com'] } },
  };
  const begin = await send('POST', '/certificates/x/create', { policy, tags: { a: 'b' } });
  assert.deepEqual([begin.status, begin.json['status']], [202, 'inProgress']);
  const csr = Buffer.from(String(begin.json['csr']), 'base64');
  assert.ok(readRequest(csr).isSigned);
  const awaited = await done('GET', '/certificates/x/');
  assert.deepEqual(
    [awaited['cer'], (awaited['attributes'] as JsonObject)['enabled']],
    [undefined, false],
  );
  assert.equal((await send('GET', '/secrets/x')).status, 404);
  assert.equal((await done('GET', '/certificates/x/policy'))['x509_props'] !== undefined, true);
  assert.deepEqual(codeOf(await send('POST', '/certificates/x/create', { policy: SELF })), [
    409,
    'Conflict',
  ]);
  const sign = async (request: Buffer): Promise<string> => {
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${request.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    const signed = await server.get('write', 'pki/sign/web', {
      data: { csr: pem, common_name: 'x.example.com' },
    });
    return new X509Certificate(String(signed['certificate'])).raw.toString('base64');
  };
  const good = await sign(csr);
  const own = await created(at, 'own', SELF);
  const bad = await send('POST', '/certificates/x/pending/merge', { x5c: [own['cer']] });
  assert.deepEqual(codeOf(bad), [400, 'BadParameter']);
  const merged = await send('POST', '/certificates/x/pending/merge', { x5c: [good] });
  assert.equal(merged.status, 201, JSON.stringify(merged.json));
  assert.deepEqual([merged.json['cer'], merged.json['tags']], [good, { a: 'b' }]);
  const { value } = await done('GET', '/secrets/x');
  assert.deepEqual(readPfx(Buffer.from(String(value), 'base64'), '').certificates.length, 1);
  assert.equal((await done('GET', '/certificates/x/pending'))['status'], 'completed');

  await send('POST', '/certificates/x/create', { policy });
  const cancelled = await done('PATCH', '/certificates/x/pending', {
    cancellation_requested: true,
  });
  assert.deepEqual([cancelled['status'], cancelled['cancellation_requested']], ['cancelled', true]);
  assert.equal((await send('POST', '/certificates/x/pending/merge', { x5c: [good] })).status, 404);
  assert.equal((await send('DELETE', '/certificates/x/pending')).status, 200);
  assert.equal((await done('GET', '/certificates/x/'))['cer'], good);
  await created(at, 'x', SELF);
  await done('DELETE', '/certificates/x/pending');
  assert.deepEqual(codeOf(await send('GET', '/certificates/x/pending')), [
    404,
    'PendingCertificateNotFound',
  ]);
  await server.instance.close();
});

test('PFX and PEM are imported, with or without a policy', async () => {
  const at = await certificateWorld();
  const { done, send, server } = at;
  await created(at, 'source', { ...SELF, secret_props: { contentType: 'application/x-pem-file' } });
  const { value: pem } = await done('GET', '/secrets/source');
  const imported = await done('POST', '/certificates/from-pem/import', {
    value: pem,
    tags: { a: 'b' },
  });
  assert.equal((await done('GET', '/secrets/from-pem'))['value'], pem);
  const { x509_props: x509, issuer } = imported['policy'] as Record<string, JsonObject>;
  assert.deepEqual([x509?.['subject'], issuer], ['CN=app, O="Acme, Inc."', { name: 'Unknown' }]);
  const pfx = writePfx(
    {
      certificates: [certificateOf(imported).raw],
      privateKey: createPrivateKey(String(pem)).export({ format: 'der', type: 'pkcs8' }),
    },
    { password: 'pass', friendlyName: 'x', draw: (count) => systemRandom.bytes(count) },
  );
  const value = pfx.toString('base64');
  const importing = async (body: JsonObject): Promise<JsonReply> =>
    await send('POST', '/certificates/from-pfx/import', body);
  assert.deepEqual(codeOf(await importing({ value, pwd: 'other' })), [400, 'BadParameter']);
  assert.deepEqual(codeOf(await importing({ value: 'AAAA' })), [400, 'BadParameter']);
  assert.deepEqual(codeOf(await importing({})), [400, 'BadParameter']);
  const noKey = `-----BEGIN CERTIFICATE-----\n${String(imported['cer'])}\n-----END CERTIFICATE-----`;
  assert.deepEqual(codeOf(await importing({ value: noKey })), [400, 'BadParameter']);
  const reply = await importing({
    value,
    pwd: 'pass',
    policy: {
      secret_props: { contentType: 'application/x-pem-file' },
      key_props: { exportable: false },
    },
  });
  assert.equal(reply.status, 200, JSON.stringify(reply.json));
  const secret = String((await done('GET', '/secrets/from-pfx'))['value']);
  assert.match(secret, /^-----BEGIN CERTIFICATE-----/);
  assert.doesNotMatch(secret, /PRIVATE/);
  const listed = (await done('GET', '/certificates')) as { value: { id: string }[] };
  assert.deepEqual(listed.value.map(versionOf), ['from-pem', 'from-pfx', 'source']);
  await server.instance.close();
});

test('deleted certificates are recovered or purged, and backups restored; protection holds', async () => {
  const at = await certificateWorld({ recovery_days: 7 });
  const { done, send, server } = at;
  const bundle = await created(at, 'app', SELF);
  const { value: backup } = await done('POST', '/certificates/app/backup');
  assert.equal((await send('POST', '/certificates/restore', { value: backup })).status, 409);
  const deleted = await done('DELETE', '/certificates/app');
  assert.deepEqual(
    [deleted['recoveryId'], Number(deleted['scheduledPurgeDate']) - Number(deleted['deletedDate'])],
    ['https://myvault.kv.example.com:8200/deletedcertificates/app', 7 * DAY_SECONDS],
  );
  for (const path of [
    '/certificates/app/',
    '/secrets/app/',
    '/keys/app/',
    '/certificates/app/policy',
  ]) {
    assert.equal((await send('GET', path)).status, 404, path);
  }
  const again = await send('POST', '/certificates/app/create', { policy: SELF });
  assert.deepEqual(codeOf(again), [409, 'Conflict', 'ObjectIsDeletedButRecoverable']);
  assert.equal((await server.ask('read', 'pki/stored/app')).error?.code, 'not_found');
  const listed = (await done('GET', '/deletedcertificates')) as { value: { id: string }[] };
  assert.deepEqual(listed.value.map(versionOf), ['app']);
  assert.equal((await done('GET', '/deletedcertificates/app'))['cer'], bundle['cer']);
  assert.equal((await done('POST', '/deletedcertificates/app/recover'))['cer'], bundle['cer']);
  assert.equal((await send('POST', '/deletedcertificates/app/recover')).status, 404);
  await done('DELETE', '/certificates/app');
  assert.equal((await send('DELETE', '/deletedcertificates/app')).status, 204);
  assert.equal((await send('GET', '/deletedcertificates/app')).status, 404);
  const restored = await done('POST', '/certificates/restore', { value: backup });
  assert.equal(restored['id'], bundle['id']);
  await done('DELETE', '/certificates/app');
  await server.pass(7 * DAY_SECONDS);
  assert.equal((await send('GET', '/deletedcertificates/app')).status, 404);
  await created(at, 'app', SELF);
  await server.instance.close();
});

test('lifetime actions renew by themselves, or only tell', async () => {
  const at = await certificateWorld();
  const { done, server } = at;
  await done('PUT', '/certificates/issuers/web', { provider: 'Strongroom' });
  const month = { subject: 'CN=a.example.com', validity_months: 1 };
  const act = (type: string, trigger: JsonObject): JsonObject => ({
    x509_props: month,
    lifetime_actions: [{ trigger, action: { action_type: type } }],
  });
  const policies: readonly (readonly [string, JsonObject])[] = [
    ['self', { issuer: { name: 'Self' }, ...act('AutoRenew', { lifetime_percentage: 90 }) }],
    ['web', { issuer: { name: 'web' }, ...act('AutoRenew', { days_before_expiry: 10 }) }],
    ['tell', { issuer: { name: 'Self' }, ...act('EmailContacts', { lifetime_percentage: 50 }) }],
  ];
  for (const [name, policy] of policies) await created(at, name, policy, { tags: { kept: 'yes' } });
  const versions = async (name: string): Promise<unknown[]> =>
    (await done('GET', `/certificates/${name}/versions`))['value'] as unknown[];
  const counts = async (): Promise<number[]> =>
    await Promise.all(policies.map(async ([name]) => (await versions(name)).length));
  await server.pass(19 * DAY_SECONDS);
  assert.deepEqual(await counts(), [1, 1, 1]);
  await server.pass(4 * DAY_SECONDS);
  assert.deepEqual(await counts(), [1, 2, 1]);
  await server.pass(6 * DAY_SECONDS);
  assert.deepEqual(await counts(), [2, 2, 1]);
  const renewed = await done('GET', '/certificates/self/');
  assert.deepEqual(renewed['tags'], { kept: 'yes' });
  assert.ok(
    certificateOf(renewed).validToDate.getTime() > server.clock.nowMs() + 25 * DAY_SECONDS * 1000,
  );
  await server.instance.close();
});

test('contacts are set, shown and removed', async () => {
  const { done, send, server } = await certificateWorld();
  assert.deepEqual(codeOf(await send('GET', '/certificates/contacts')), [404, 'ContactsNotFound']);
  const contacts = [{ email: 'a@example.com', name: 'A', phone: '1' }, { email: 'b@example.com' }];
  const set = await done('PUT', '/certificates/contacts', { contacts });
  assert.deepEqual(set['contacts'], contacts);
  assert.deepEqual((await done('GET', '/certificates/contacts'))['contacts'], contacts);
  assert.deepEqual((await done('DELETE', '/certificates/contacts'))['contacts'], contacts);
  assert.equal((await send('GET', '/certificates/contacts')).status, 404);
  assert.equal(
    (await send('PUT', '/certificates/contacts', { contacts: [{ name: 'x' }] })).status,
    400,
  );
  await server.instance.close();
});

test('what a policy cannot say is refused, and what it leaves out has Azure’s defaults', async () => {
  const at = await certificateWorld();
  const { done, send, server } = at;
  const bundle = await created(at, 'app', {
    issuer: { name: 'self' },
    x509_props: { subject: 'CN=a', sans: {} },
  });
  assert.deepEqual(
    { ...(bundle['policy'] as JsonObject), attributes: 0 },
    {
      id: 'https://myvault.kv.example.com:8200/certificates/app/policy',
      key_props: { exportable: true, kty: 'RSA', key_size: 2048, reuse_key: false },
      secret_props: { contentType: 'application/x-pkcs12' },
      x509_props: {
        subject: 'CN=a',
        ekus: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
        key_usage: ['digitalSignature', 'keyEncipherment'],
        validity_months: 12,
      },
      lifetime_actions: [
        { trigger: { lifetime_percentage: 80 }, action: { action_type: 'AutoRenew' } },
      ],
      issuer: { name: 'Self' },
      attributes: 0,
    },
  );
  const changed = await done('PATCH', '/certificates/app/policy', {
    x509_props: { validity_months: 2 },
  });
  assert.deepEqual((changed['x509_props'] as JsonObject)['subject'], 'CN=a');
  for (const wrong of [
    {},
    { issuer: { name: 'Self' } },
    { ...SELF, x509_props: { subject: 'nothing' } },
    { ...SELF, x509_props: { subject: 'X=1' } },
    { ...SELF, x509_props: { subject: 'CN="a' } },
    { ...SELF, x509_props: { subject: 'CN=a', ekus: ['x'] } },
    { ...SELF, x509_props: { subject: 'CN=a', key_usage: ['constructor'] } },
    { ...SELF, x509_props: { subject: 'CN=a', validity_months: 0 } },
    { ...SELF, x509_props: { subject: 'CN=a', sans: { ipAddresses: ['x'] } } },
    { ...SELF, x509_props: { subject: 'CN=a', sans: { dns_names: ['ä.example.com'] } } },
    { ...SELF, key_props: { kty: 'RSA-HSM' } },
    { ...SELF, key_props: { kty: 'RSA', key_size: 1024 } },
    { ...SELF, secret_props: { contentType: 'text/plain' } },
    { ...SELF, lifetime_actions: [{ trigger: {}, action: { action_type: 'AutoRenew' } }] },
    { ...SELF, lifetime_actions: 'x' },
  ]) {
    const reply = await send('POST', '/certificates/b/create', { policy: wrong });
    assert.deepEqual(codeOf(reply), [400, 'BadParameter'], JSON.stringify(wrong));
  }
  const reserved = await send('POST', '/certificates/issuers/create', { policy: SELF });
  assert.deepEqual(codeOf(reserved), [400, 'BadParameter']);
  await server.instance.close();
});

test('certificates of the Vault API are shown with the policy that they themselves tell', async () => {
  const { done, server } = await certificateWorld();
  await server.get('write', 'pki/stored/site/issue/web', {
    data: { common_name: 'www.example.com', ttl: '48h' },
  });
  const bundle = await done('GET', '/certificates/site/');
  assert.equal(
    (bundle['policy'] as Record<string, JsonObject>)['x509_props']?.['subject'],
    'CN=www.example.com',
  );
  await server.get('write', 'pki/stored/site/renew', {});
  const { value } = (await done('GET', '/certificates/site/versions')) as { value: unknown[] };
  assert.equal(value.length, 2);
  await server.instance.close();
});

test('a name of the KV or transit mount goes before that of a certificate', async () => {
  const at = await certificateWorld();
  const { done, send, server } = at;
  await created(at, 'app', SELF);
  await done('PUT', '/secrets/app', { value: 'mine' });
  await done('POST', '/keys/app/create', { kty: 'EC' });
  assert.equal((await done('GET', '/secrets/app'))['value'], 'mine');
  assert.equal((await done('GET', '/keys/app'))['managed'], undefined);
  await server.get('write', 'sys/policies/acl/certificate', {
    data: { policy: 'path "pki/stored/*" { capabilities = ["read"] }' },
  });
  const token = await server.tokenFor('certificate');
  const secret = await send('GET', '/secrets/app', undefined, { token });
  assert.deepEqual([secret.status, secret.json['contentType']], [200, 'application/x-pkcs12']);
  assert.equal((await send('GET', '/secrets/nothing', undefined, { token })).status, 403);
  assert.equal((await send('GET', '/secrets/nothing')).status, 404);
  await server.instance.close();
});

test('the key of a certificate signs and decrypts for who may read the certificate with it, even where it may not leave', async () => {
  const at = await certificateWorld();
  const { done, send, server } = at;
  const bundle = await created(at, 'app', {
    ...SELF,
    key_props: { kty: 'RSA', exportable: false },
  });
  const { publicKey } = certificateOf(bundle);
  const path = `/keys/app/${versionOf(bundle)}`;
  const message = Buffer.from('to be signed');
  const digest = createHash('sha256').update(message).digest('base64url');
  const signed = await done('POST', `${path}/sign`, { alg: 'RS256', value: digest });
  assert.equal(signed['kid'], bundle['kid']);
  const signature = String(signed['value']);
  assert.ok(verify('sha256', message, publicKey, Buffer.from(signature, 'base64url')));
  const check = { alg: 'RS256', digest, value: signature };
  assert.deepEqual(await done('POST', `${path}/verify`, check), { value: true });
  const sealed = publicEncrypt({ key: publicKey, oaepHash: 'sha256' }, message);
  const opening = { alg: 'RSA-OAEP-256', value: sealed.toString('base64url') };
  for (const use of ['decrypt', 'unwrapkey']) {
    const opened = await done('POST', `/keys/app/${use}`, opening);
    assert.equal(opened['value'], message.toString('base64url'));
  }
  const wrapped = await done('POST', `${path}/wrapkey`, { alg: 'RSA-OAEP', value: digest });
  const back = await done('POST', `${path}/unwrapkey`, {
    alg: 'RSA-OAEP',
    value: wrapped['value'],
  });
  assert.equal(back['value'], digest);

  await server.get('write', 'sys/policies/acl/shown', {
    data: { policy: 'path "pki/stored/+/info" { capabilities = ["read"] }' },
  });
  const token = await server.tokenFor('shown');
  await done('GET', path, undefined, { token });
  const ask = { alg: 'RS256', value: digest };
  assert.deepEqual(codeOf(await send('POST', `${path}/sign`, ask, { token })).slice(0, 2), [
    403,
    'Forbidden',
  ]);
  await done('PATCH', '/certificates/app/', { attributes: { enabled: false } });
  assert.equal((await send('POST', `${path}/sign`, ask)).status, 403);
  assert.equal((await send('POST', '/keys/nothing/sign', ask)).status, 404);
  await server.instance.close();
});

test('the key of a certificate is used for what its type is for, and until its end', async () => {
  const at = await certificateWorld();
  const { done, send, server } = at;
  const policy = { ...SELF, key_props: { kty: 'EC', crv: 'P-384' } };
  const x509_props = { subject: 'CN=app', validity_months: 1 };
  const first = versionOf(await created(at, 'app', { ...policy, x509_props }));
  const value = createHash('sha384').update('x').digest('base64url');
  await done('POST', '/keys/app/sign', { alg: 'ES384', value });
  for (const [use, body, wanted] of [
    ['sign', { alg: 'ES256', value }, [400, 'BadParameter']],
    ['sign', { alg: 'ES384', value: 'AAAA' }, [400, 'BadParameter']],
    ['sign', { alg: 'RS384', value }, [400, 'BadParameter']],
    ['decrypt', { alg: 'RSA-OAEP', value }, [403, 'Forbidden', 'KeyOperationForbidden']],
  ] as const) {
    assert.deepEqual(codeOf(await send('POST', `/keys/app/${use}`, body)), wanted);
  }
  await server.pass(40 * DAY_SECONDS);
  const late = await send('POST', `/keys/app/${first}/sign`, { alg: 'ES384', value });
  assert.deepEqual(codeOf(late), [403, 'Forbidden', 'KeyExpired']);
  await server.instance.close();
});
