/** The Azure facade on the whole core, request by request as its SDKs send them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { KeptLog } from '../audit-fixture.ts';
import { awsOn } from './aws-fixture.ts';
import { API, codeOf, DOMAIN, VAULT, versionOf, world } from './azure-fixture.ts';

test('a client without a token is told whom to ask, before anything else is looked at', async () => {
  const { send, server } = await world();
  for (const [method, path] of [
    ['GET', '/secrets/demo/'],
    ['PUT', '/secrets/demo'],
    ['POST', '/keys/k/create'],
    ['GET', '/secrets/nobody%20can%20have%20this'],
    ['GET', '/secrets?api-version=nope'],
  ] as const) {
    const reply = await send(method, path, undefined, { token: null });
    assert.equal(reply.status, 401);
    assert.equal(
      reply.headers['WWW-Authenticate'],
      `Bearer authorization="https://${DOMAIN}:8200/adfs", resource="https://${DOMAIN}:8200"`,
    );
  }
  const unknown = await send('GET', '/secrets/demo', undefined, { token: 'hvs.unknown' });
  assert.equal(unknown.status, 401);
  assert.ok(unknown.headers['WWW-Authenticate']?.includes('error="invalid_token"'));
  await server.instance.close();
});

test('a secret is set, read by version, listed, changed, deleted, recovered and purged', async () => {
  const { send, done, server } = await world();
  const first = await done('PUT', '/secrets/demo', {
    value: 'one',
    contentType: 'text/plain',
    tags: { a: 'b' },
    attributes: { enabled: true, nbf: 1_700_000_000, exp: 4_000_000_000 },
  });
  assert.match(
    String(first['id']),
    /^https:\/\/myvault\.kv\.example\.com:8200\/secrets\/demo\/[0-9a-f]{32}$/,
  );
  assert.equal(first['value'], 'one');
  const attributes = first['attributes'] as Record<string, unknown>;
  assert.equal(attributes['recoveryLevel'], 'Recoverable+Purgeable');
  assert.equal(attributes['recoverableDays'], 90);
  assert.equal(attributes['nbf'], 1_700_000_000);
  const second = await done('PUT', '/secrets/demo', { value: 'two ✓' });
  assert.notEqual(versionOf(second), versionOf(first));
  assert.equal((await done('GET', `/secrets/demo/?api%2Dversion=2025-07-01`))['value'], 'two ✓');
  assert.deepEqual(await done('GET', `/secrets/demo/${versionOf(first)}`), first);
  assert.equal(
    (await done('GET', `/Secrets/demo/${versionOf(first).toUpperCase()}`))['value'],
    'one',
  );

  server.clock.advance(5_000);
  const changed = await done('PATCH', `/secrets/demo/${versionOf(first)}`, {
    attributes: { enabled: false },
    tags: { c: 'd' },
  });
  assert.deepEqual(changed['tags'], { c: 'd' });
  assert.equal(changed['contentType'], 'text/plain');
  const after = changed['attributes'] as Record<string, number>;
  assert.equal(after['enabled'], false);
  assert.equal(after['updated'], (after['created'] ?? 0) + 5);
  assert.deepEqual(codeOf(await send('GET', `/secrets/demo/${versionOf(first)}`)), [
    403,
    'Forbidden',
    'SecretDisabled',
  ]);
  const versions = (await done('GET', '/secrets/demo/versions'))['value'] as JsonObject[];
  assert.deepEqual(
    versions.map((one) => versionOf(one)),
    [versionOf(first), versionOf(second)],
  );
  assert.ok(versions.every((one) => one['value'] === undefined));

  const deleted = await done('DELETE', '/secrets/demo');
  assert.equal(deleted['recoveryId'], `https://${VAULT}:8200/deletedsecrets/demo`);
  assert.equal(Number(deleted['scheduledPurgeDate']) - Number(deleted['deletedDate']), 90 * 86_400);
  assert.deepEqual(codeOf(await send('GET', '/secrets/demo')), [404, 'SecretNotFound']);
  assert.deepEqual(codeOf(await send('PUT', '/secrets/demo', { value: 'x' })), [
    409,
    'Conflict',
    'ObjectIsDeletedButRecoverable',
  ]);
  assert.deepEqual(codeOf(await send('DELETE', '/secrets/demo')), [404, 'SecretNotFound']);
  assert.equal((await done('GET', '/deletedsecrets/demo'))['recoveryId'], deleted['recoveryId']);
  const bin = (await done('GET', '/deletedsecrets'))['value'] as JsonObject[];
  assert.deepEqual(
    bin.map((one) => one['id']),
    [`https://${VAULT}:8200/secrets/demo`],
  );
  assert.equal(await server.outcome('read', 'secret/data/demo'), 'not_found');
  const recovered = await done('POST', '/deletedsecrets/demo/recover');
  assert.equal(versionOf(recovered), versionOf(second));
  assert.equal((await done('GET', '/secrets/demo'))['value'], 'two ✓');
  assert.deepEqual(codeOf(await send('DELETE', '/deletedsecrets/demo')), [404, 'SecretNotFound']);
  await done('DELETE', '/secrets/demo');
  assert.equal((await send('DELETE', '/deletedsecrets/demo')).status, 204);
  assert.deepEqual(codeOf(await send('GET', '/deletedsecrets/demo')), [404, 'SecretNotFound']);
  assert.equal(await server.outcome('read', 'secret/metadata/demo'), 'not_found');
  await server.instance.close();
});

test('lists come in pages whose links are absolute, and leave out what this API cannot name', async () => {
  const { done, send, server } = await world();
  for (const name of ['a', 'b', 'c', 'under_score', 'folder/x']) {
    await server.get('write', `secret/data/${name}`, { data: { data: { n: 1 } } });
  }
  const seen: unknown[] = [];
  let path = `/secrets?${API}&maxresults=2`;
  for (let pages = 0; path !== ''; pages++) {
    assert.ok(pages < 6);
    const page = await done('GET', path);
    seen.push(...(page['value'] as JsonObject[]).map((one) => one['id']));
    const link = page['nextLink'] as string | null;
    assert.ok(link === null || link.startsWith(`https://${VAULT}:8200/secrets?api-version=7.4&`));
    path = link === null ? '' : link.slice(link.indexOf('/secrets'));
  }
  assert.deepEqual(
    seen,
    ['a', 'b', 'c'].map((name) => `https://${VAULT}:8200/secrets/${name}`),
  );
  for (const query of ['maxresults=0', 'maxresults=26', 'maxresults=x', '$skiptoken=%21']) {
    assert.deepEqual(codeOf(await send('GET', `/secrets?${API}&${query}`)), [400, 'BadParameter']);
  }
  await server.instance.close();
});

test('versions come in pages too', async () => {
  const { done, server } = await world();
  const ids: string[] = [];
  for (const value of ['1', '2', '3', '4', '5']) {
    ids.push(versionOf(await done('PUT', '/secrets/s', { value })));
  }
  const seen: string[] = [];
  for (let path = `/secrets/s/versions?${API}&maxresults=2`; path !== '';) {
    const page = await done('GET', path);
    seen.push(...(page['value'] as JsonObject[]).map(versionOf));
    const link = page['nextLink'] as string | null;
    path = link === null ? '' : link.slice(link.indexOf('/secrets'));
  }
  assert.deepEqual(seen, ids);
  await server.instance.close();
});

test('what was written through the Vault API shows here, and the other way round', async () => {
  const { done, server } = await world();
  await server.get('write', 'secret/data/json', { data: { data: { user: 'u', n: 1 } } });
  assert.equal((await done('GET', '/secrets/json'))['value'], '{"user":"u","n":1}');
  await done('PUT', '/secrets/plain', { value: 'text', tags: { t: '1' } });
  assert.deepEqual((await server.get('read', 'secret/data/plain'))['data'], { value: 'text' });
  await server.get('write', 'secret/metadata/json', { data: { custom_metadata: { owner: 'me' } } });
  assert.deepEqual((await done('GET', '/secrets/json'))['tags'], { owner: 'me' });
  const value = Buffer.from([0, 255, 1]).toString('base64');
  await server.get('write', 'secret/data/bytes', { data: { value, encoding: 'base64' } });
  const bytes = await done('GET', '/secrets/bytes');
  assert.deepEqual([bytes['value'], bytes['tags']], [value, { 'file-encoding': 'base64' }]);
  await server.get('delete', 'secret/data/json');
  await server.instance.close();
});

test('a policy of the Vault API decides here', async () => {
  const { send, server } = await world();
  await server.get('write', 'sys/policies/acl/reader', {
    data: { policy: 'path "secret/data/a" { capabilities = ["read"] }' },
  });
  const token = await server.tokenFor('reader');
  await send('PUT', '/secrets/a', { value: '1' });
  await send('PUT', '/secrets/b', { value: '1' });
  assert.equal((await send('GET', '/secrets/a', undefined, { token })).status, 200);
  const denied = [403, 'Forbidden', 'ForbiddenByPolicy'];
  for (const [method, path, body] of [
    ['GET', '/secrets/b', undefined],
    ['GET', '/secrets/nope', undefined],
    ['GET', '/secrets', undefined],
    ['GET', '/secrets/a/versions', undefined],
    ['GET', '/deletedsecrets', undefined],
    ['PUT', '/secrets/a', { value: 'x' }],
    ['PATCH', '/secrets/a', { attributes: { enabled: false } }],
    ['DELETE', '/secrets/a', undefined],
    ['DELETE', '/deletedsecrets/a', undefined],
    ['POST', '/deletedsecrets/a/recover', undefined],
  ] as const) {
    assert.deepEqual(
      codeOf(await send(method, path, body, { token })),
      denied,
      `${method} ${path}`,
    );
  }
  assert.equal((await send('POST', '/secrets/a/backup', undefined, { token })).status, 200);
  await server.instance.close();
});

test('purge protection and the days of recovery are those of the binding', async () => {
  const { done, send, server } = await world({}, { recovery_days: 7, purge_protection: true });
  const bundle = await done('PUT', '/secrets/s', { value: '1' });
  const attributes = bundle['attributes'] as JsonObject;
  assert.deepEqual(
    [attributes['recoveryLevel'], attributes['recoverableDays']],
    ['CustomizedRecoverable', 7],
  );
  await done('DELETE', '/secrets/s');
  assert.deepEqual(codeOf(await send('DELETE', '/deletedsecrets/s')), [
    403,
    'Forbidden',
    'ForbiddenByPolicy',
  ]);
  server.clock.advance(7 * 86_400_000);
  assert.equal((await send('GET', '/deletedsecrets/s')).status, 404);
  assert.equal((await send('PUT', '/secrets/s', { value: '2' })).status, 200);
  assert.equal(((await done('GET', '/secrets/s/versions'))['value'] as unknown[]).length, 1);
  await server.instance.close();
});

test('a backup holds every version, opens only here and unchanged, and does not overwrite', async () => {
  const { done, send, server } = await world();
  const first = await done('PUT', '/secrets/s', { value: 'one', tags: { a: '1' } });
  const second = await done('PUT', '/secrets/s', { value: 'two' });
  const { value } = await done('POST', '/secrets/s/backup');
  assert.ok(!Buffer.from(String(value), 'base64url').includes('two'));
  assert.equal((await send('POST', '/secrets/restore', { value })).status, 409);
  await done('DELETE', '/secrets/s');
  assert.equal((await send('POST', '/secrets/restore', { value })).status, 409);
  await send('DELETE', '/deletedsecrets/s');
  const restored = await done('POST', '/secrets/restore', { value });
  assert.equal(versionOf(restored), versionOf(second));
  assert.deepEqual(
    (await done('GET', `/secrets/s/${versionOf(first)}`))['attributes'],
    first['attributes'],
  );
  assert.equal((await done('GET', '/secrets/s'))['value'], 'two');
  const bytes = Buffer.from(String(value), 'base64url');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  for (const wrong of [bytes.toString('base64url'), '', 'AAAA', '***', 7]) {
    assert.deepEqual(codeOf(await send('POST', '/secrets/restore', { value: wrong })), [
      400,
      'BadParameter',
    ]);
  }
  const other = await world();
  assert.equal((await other.send('POST', '/secrets/restore', { value })).status, 400);
  await other.server.instance.close();
  await server.instance.close();
});

test('wrong requests are refused with the error of the protocol, and repeat no value', async () => {
  const { send, server } = await world();
  const canary = 'S3CRET-canary';
  for (const [method, path, body] of [
    ['PUT', '/secrets/a', {}],
    ['PUT', '/secrets/a', { value: 7 }],
    ['PUT', '/secrets/a', { value: canary, tags: canary }],
    ['PUT', '/secrets/a', { value: canary, tags: { a: 1 } }],
    ['PUT', '/secrets/a', { value: canary, attributes: canary }],
    ['PUT', '/secrets/a', { value: canary, attributes: { exp: canary } }],
    ['PUT', '/secrets/a', { value: canary, attributes: { nbf: 9, exp: 9 } }],
    ['PUT', '/secrets/a', { value: canary, contentType: 'x'.repeat(256) }],
    ['PUT', '/secrets/a', { value: 'x'.repeat(65_537) }],
    ['PUT', '/secrets/a', `{"value":"${canary}"`],
    ['PUT', '/secrets/a', `["${canary}"]`],
    ['PUT', '/secrets/under_score', { value: canary }],
    ['PUT', `/secrets/${'n'.repeat(128)}`, { value: canary }],
    ['GET', '/secrets/a/!', undefined],
    ['GET', '/secrets/..%2f..%2fsys', undefined],
    ['GET', '/secrets/%2e%2e/x', undefined],
    ['GET', '/secrets/a?api-version=', undefined],
    ['GET', '/secrets/a?api-version=1999-01-01', undefined],
    ['GET', '/secrets/a?', undefined],
    ['GET', '/secrets/%', undefined],
  ] as const) {
    const reply = await send(method, path, body);
    assert.equal(reply.status, 400, `${method} ${path} ${JSON.stringify(reply.json)}`);
    assert.ok(!JSON.stringify(reply.json).includes(canary));
  }
  assert.equal((await send('POST', '/secrets/a', {})).status, 405);
  assert.equal((await send('GET', '/nothing')).status, 404);
  assert.equal(
    (await send('GET', '/secrets/a', undefined, { host: 'else.example.com' })).status,
    404,
  );
  assert.equal((await send('GET', '/secrets/a', undefined, { host: 'a b' })).status, 400);
  await server.instance.close();
});

test('the token endpoint gives an ordinary token for a client secret, and for a federated token', async () => {
  const { send, server } = await world();
  await server.get('write', 'sys/policies/acl/app', {
    data: { policy: 'path "secret/data/*" { capabilities = ["read", "create", "update"] }' },
  });
  await server.get('write', 'identity/entity', { data: { name: 'app', policies: 'app' } });
  const issued = await server.get('write', 'identity/credential/client-secret', {
    data: { entity_name: 'app' },
  });
  const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();
  const at = { host: `${DOMAIN}:8200`, token: null } as const;
  const good = {
    grant_type: 'client_credentials',
    client_id: String(issued['client_id']),
    client_secret: String(issued['client_secret']),
    scope: `https://${DOMAIN}:8200/.default`,
  };
  for (const path of [
    '/adfs/oauth2/token',
    '/adfs/oauth2/v2.0/token',
    '/00000000-0000-0000-0000-000000000001/oauth2/v2.0/token?client-request-id=1',
  ]) {
    const reply = await send('POST', path, form(good), at);
    assert.equal(reply.status, 200);
    assert.equal(reply.json['token_type'], 'Bearer');
    const token = String(reply.json['access_token']);
    assert.equal((await send('PUT', '/secrets/s', { value: 'v' }, { token })).status, 200);
    assert.equal((await send('DELETE', '/secrets/s', undefined, { token })).status, 403);
  }
  for (const wrong of [
    { ...good, client_secret: 'wrong' },
    { ...good, client_id: 'other' },
    { ...good, client_secret: `${good.client_secret}x` },
  ]) {
    const reply = await send('POST', '/adfs/oauth2/token', form(wrong), at);
    assert.deepEqual([reply.status, reply.json['error']], [401, 'invalid_client']);
    assert.ok(!JSON.stringify(reply.json).includes(wrong.client_secret));
  }
  for (const [wrong, code] of [
    [{ ...good, grant_type: 'password' }, 'unsupported_grant_type'],
    [{ ...good, client_id: '' }, 'invalid_request'],
    [{ ...good, client_secret: '' }, 'invalid_request'],
  ] as const) {
    const reply = await send('POST', '/adfs/oauth2/token', form(wrong), at);
    assert.deepEqual([reply.status, reply.json['error']], [400, code]);
  }
  const msi = `/msi/token?api-version=2019-08-01&resource=https://${DOMAIN}:8200`;
  const managed = await send('GET', msi, undefined, {
    ...at,
    headers: { 'x-identity-header': good.client_secret },
  });
  assert.equal(managed.status, 200);
  assert.equal(typeof managed.json['expires_on'], 'string');
  assert.equal((await send('GET', msi, undefined, at)).status, 401);
  await server.instance.close();
});

test('the authority describes itself, and tells az of one cloud and one subscription', async () => {
  const { send, server } = await world();
  const at = { host: `${DOMAIN}:8200`, token: null } as const;
  const document = await send('GET', '/adfs/.well-known/openid-configuration', undefined, at);
  assert.equal(document.json['token_endpoint'], `https://${DOMAIN}:8200/adfs/oauth2/token`);
  const v2 = await send('GET', '/t/v2.0/.well-known/openid-configuration', undefined, at);
  assert.equal(v2.json['token_endpoint'], `https://${DOMAIN}:8200/t/oauth2/v2.0/token`);
  const cloud = await send('GET', '//metadata/endpoints?api-version=2022-09-01', undefined, at);
  assert.deepEqual(cloud.json['suffixes'], { keyVaultDns: `${DOMAIN}:8200`, storage: DOMAIN });
  assert.equal((await send('GET', '/subscriptions', undefined, at)).status, 401);
  const own = await send('GET', '/subscriptions', undefined, { host: DOMAIN });
  assert.equal((own.json['value'] as unknown[]).length, 1);
  await server.instance.close();
});

test('the audit log names protocol and operation, and holds no value in any form', async () => {
  const log = new KeptLog();
  const { done, send, server } = await world({ audit: [log.type] });
  const canary = 'S3CRET-canary-value';
  await done('PUT', '/secrets/audited', { value: canary, tags: { a: canary } });
  await done('GET', '/secrets/audited');
  const { value: backup } = await done('POST', '/secrets/audited/backup');
  await send('POST', '/secrets/restore', { value: backup });
  await send(
    'POST',
    '/adfs/oauth2/token',
    `grant_type=client_credentials&client_id=${canary}&client_secret=${canary}`,
    {
      host: DOMAIN,
      token: null,
    },
  );
  assert.deepEqual(log.of('secret/data/audited').slice(0, 4), [
    'request create',
    'response create',
    'request read',
    'response read',
  ]);
  assert.ok(log.text.includes('"protocol":"azure"'));
  assert.ok(log.text.includes('keyvault:secret/set'));
  for (const form of [
    canary,
    Buffer.from(canary).toString('base64'),
    Buffer.from(canary).toString('hex'),
    String(backup),
  ]) {
    assert.ok(!log.text.includes(form), form);
  }
  await server.instance.close();
});

test('a backup brings every version back, and the one that is read', async () => {
  const { server, send, done } = await world();
  for (let count = 1; count <= 15; count++) await done('PUT', '/secrets/a', { value: `${count}` });
  const versions = async (): Promise<unknown[]> =>
    ((await done('GET', '/secrets/a/versions')) as { value: unknown[] }).value;
  assert.equal((await versions()).length, 15);
  const aws = await awsOn(server);
  const idOf = async (stage: string): Promise<unknown> =>
    (await aws.ask('GetSecretValue', { SecretId: 'a', VersionStage: stage }))['VersionId'];
  await aws.ask('UpdateSecretVersionStage', {
    SecretId: 'a',
    VersionStage: 'AWSCURRENT',
    MoveToVersionId: await idOf('AWSPREVIOUS'),
    RemoveFromVersionId: await idOf('AWSCURRENT'),
  });
  const { value } = await done('POST', '/secrets/a/backup');
  await done('DELETE', '/secrets/a');
  assert.equal((await send('DELETE', '/deletedsecrets/a')).status, 204);
  const restored = await done('POST', '/secrets/restore', { value });
  assert.equal((await versions()).length, 15);
  const current = await done('GET', '/secrets/a');
  assert.deepEqual([current['value'], current['id']], ['14', restored['id']]);
  const shown = await server.get('read', 'secret/metadata/a');
  assert.equal(shown['max_versions'], 100);
  await server.instance.close();
});
