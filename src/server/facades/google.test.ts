/** The Google facade on the whole core, by REST and by gRPC, as its clients send requests. */
import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { crc32c } from '../../facades/google/wire/crc32c.ts';
import { KeptLog } from '../audit-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';
import { sendJson, wireRequest } from './facade-fixture.ts';
import type { JsonReply } from './facade-fixture.ts';
import { AUTOMATIC, base64, HOST, P, payload, statusOf, textOf, world } from './google-fixture.ts';

test('a secret is made, given versions, accessed, changed and deleted by REST', async () => {
  const { send, done, server } = await world();
  const made = await done('POST', `${P}/secrets?secretId=demo&%24alt=json%3Benum-encoding%3Dint`, {
    ...AUTOMATIC,
    labels: { a: 'b' },
    annotations: { k: 'Some Text' },
    ttl: '3600s',
    versionAliases: {},
    tags: {},
  });
  assert.equal(made['name'], 'projects/p/secrets/demo');
  assert.deepEqual([made['labels'], made['annotations']], [{ a: 'b' }, { k: 'Some Text' }]);
  assert.equal(
    Date.parse(String(made['expireTime'])) - Date.parse(String(made['createTime'])),
    3_600_000,
  );
  assert.match(String(made['etag']), /^"[0-9a-f]{20}"$/);
  assert.deepEqual(statusOf(await send('POST', `${P}/secrets?secretId=demo`, AUTOMATIC)), [
    409,
    'ALREADY_EXISTS',
  ]);
  assert.deepEqual(statusOf(await send('GET', `${P}/secrets/demo/versions/latest:access`)), [
    404,
    'NOT_FOUND',
  ]);
  const first = await done('POST', `${P}/secrets/demo:addVersion`, payload('one'));
  assert.equal(first['name'], 'projects/p/secrets/demo/versions/1');
  assert.equal(first['state'], 'ENABLED');
  assert.equal(first['clientSpecifiedPayloadChecksum'], undefined);
  const data = base64('two');
  const checked = { payload: { data, dataCrc32c: String(crc32c(Buffer.from('two'))) } };
  const second = await done(
    'POST',
    `${P}/secrets/demo:addVersion?$alt=json%3Benum-encoding=int`,
    checked,
  );
  assert.deepEqual([second['state'], second['clientSpecifiedPayloadChecksum']], [1, true]);
  const wrong = { payload: { data, dataCrc32c: '1' } };
  assert.deepEqual(statusOf(await send('POST', `${P}/secrets/demo:addVersion`, wrong)), [
    400,
    'INVALID_ARGUMENT',
  ]);
  const latest = await done('GET', `${P}/secrets/demo/versions/latest:access`);
  assert.deepEqual(latest, {
    name: 'projects/p/secrets/demo/versions/2',
    payload: checked.payload,
  });
  const masked = `${P}/secrets/demo?updateMask=versionAliases`;
  const updated = await done('PATCH', masked, { labels: {}, versionAliases: { prod: '1' } });
  assert.deepEqual([updated['labels'], updated['versionAliases']], [{ a: 'b' }, { prod: '1' }]);
  const aliased = await done('GET', `${P}/secrets/demo/versions/prod:access`);
  assert.equal((aliased['payload'] as JsonObject)['data'], base64('one'));
  assert.deepEqual(statusOf(await send('POST', `${P}/secrets/demo/versions/prod:disable`, {})), [
    404,
    'NOT_FOUND',
  ]);
  assert.equal(
    (await done('POST', `${P}/secrets/demo/versions/2:disable`, {}))['state'],
    'DISABLED',
  );
  const disabled = await send('GET', `${P}/secrets/demo/versions/latest:access`);
  assert.deepEqual(statusOf(disabled), [400, 'FAILED_PRECONDITION']);
  assert.equal(await server.outcome('read', 'secret/data/demo'), 'ok');
  assert.equal((await done('POST', `${P}/secrets/demo/versions/2:enable`, {}))['state'], 'ENABLED');
  const destroyed = await done('POST', `${P}/secrets/demo/versions/1:destroy`, {});
  assert.deepEqual([destroyed['state'], typeof destroyed['destroyTime']], ['DESTROYED', 'string']);
  assert.deepEqual(statusOf(await send('POST', `${P}/secrets/demo/versions/1:enable`, {})), [
    400,
    'FAILED_PRECONDITION',
  ]);
  const versions = (await done('GET', `${P}/secrets/demo/versions?pageSize=0`)) as {
    versions: JsonObject[];
    totalSize: number;
  };
  assert.deepEqual(
    versions.versions.map((one) => one['state']),
    ['ENABLED', 'DESTROYED'],
  );
  assert.equal(versions.totalSize, 2);
  const stale = `${P}/secrets/demo?etag=${encodeURIComponent(String(made['etag']))}`;
  assert.deepEqual(statusOf(await send('DELETE', stale)), [400, 'FAILED_PRECONDITION']);
  assert.deepEqual(await done('DELETE', `${P}/secrets/demo`), {});
  assert.deepEqual(statusOf(await send('GET', `${P}/secrets/demo`)), [404, 'NOT_FOUND']);
  await server.instance.close();
});

test('a secret ends at its expire_time, and a version at the end of its delay', async () => {
  const { send, done, server } = await world();
  await done('POST', `${P}/secrets?secretId=s`, { ...AUTOMATIC, versionDestroyTtl: '86400s' });
  await done('POST', `${P}/secrets/s:addVersion`, payload('x'));
  const scheduled = await done('POST', `${P}/secrets/s/versions/1:destroy`, {});
  assert.equal(scheduled['state'], 'DISABLED');
  assert.equal(typeof scheduled['scheduledDestroyTime'], 'string');
  assert.equal((await done('POST', `${P}/secrets/s/versions/1:enable`, {}))['state'], 'ENABLED');
  await done('POST', `${P}/secrets/s/versions/1:destroy`, {});
  server.clock.advance(86_400_000);
  assert.equal((await done('GET', `${P}/secrets/s/versions/1`))['state'], 'DESTROYED');
  assert.deepEqual(statusOf(await send('POST', `${P}/secrets/s/versions/1:enable`, {})), [
    400,
    'FAILED_PRECONDITION',
  ]);
  // The next write removes the value itself.
  await done('POST', `${P}/secrets?secretId=t`, AUTOMATIC);
  const { versions } = await server.get('read', 'secret/metadata/s');
  assert.equal((versions as Record<string, JsonObject>)['1']?.['destroyed'], true);
  await done('PATCH', `${P}/secrets/s?updateMask=ttl`, { ttl: '60s' });
  server.clock.advance(60_000);
  assert.equal((await send('GET', `${P}/secrets/s`)).status, 404);
  assert.equal(await server.outcome('read', 'secret/metadata/s'), 'not_found');
  await server.instance.close();
});

test('lists are filtered and paged, and leave out what this API cannot name', async () => {
  const { done, send, server } = await world();
  for (const name of ['a', 'b', 'c']) {
    await done('POST', `${P}/secrets?secretId=${name}`, {
      ...AUTOMATIC,
      labels: { env: name === 'b' ? 'dev' : 'prod' },
    });
    server.clock.advance(1_000);
  }
  await server.get('write', 'secret/data/folder/x', { data: { data: {} } });
  const all = await done('GET', `${P}/secrets`);
  const names = (reply: Record<string, unknown>): unknown[] =>
    (reply['secrets'] as JsonObject[]).map((one) => textOf(one['name']).split('/').at(-1));
  assert.deepEqual([names(all), all['totalSize']], [['c', 'b', 'a'], 3]);
  const filter = encodeURIComponent('labels.env=prod ');
  const filtered = await done('GET', `${P}/secrets?filter=${filter}`);
  assert.deepEqual([names(filtered), filtered['totalSize']], [['c', 'a'], undefined]);
  const seen: unknown[] = [];
  for (let token = ''; ;) {
    const page = await done('GET', `${P}/secrets?pageSize=2&pageToken=${token}`);
    seen.push(...names(page));
    token = textOf(page['nextPageToken']);
    if (token === '') break;
  }
  assert.deepEqual(seen, ['a', 'b', 'c']);
  for (const query of ['pageSize=-1', 'pageToken=!', `filter=${encodeURIComponent('(')}`]) {
    assert.equal((await send('GET', `${P}/secrets?${query}`)).status, 400, query);
  }
  await server.instance.close();
});

test('what was written through the Vault API shows here, and the other way round', async () => {
  const { done, server } = await world();
  await server.get('write', 'secret/data/kv', { data: { data: { user: 'u', n: 1 } } });
  await server.get('write', 'secret/metadata/kv', {
    data: { custom_metadata: { team: 'core', Owner: 'Jane Doe' } },
  });
  const access = async (name: string): Promise<string> => {
    const { payload: found } = await done('GET', `${P}/secrets/${name}/versions/latest:access`);
    return Buffer.from(textOf((found as JsonObject)['data']), 'base64').toString('latin1');
  };
  assert.equal(await access('kv'), '{"user":"u","n":1}');
  const secret = await done('GET', `${P}/secrets/kv`);
  assert.deepEqual(
    [secret['labels'], secret['annotations']],
    [{ team: 'core' }, { Owner: 'Jane Doe' }],
  );
  await done('PATCH', `${P}/secrets/kv?updateMask=labels,annotations`, {
    labels: { team: 'edge' },
    annotations: { Owner: 'Joe', mine: 'x' },
  });
  const { custom_metadata: custom } = await server.get('read', 'secret/metadata/kv');
  assert.deepEqual(custom, { Owner: 'Joe', team: 'edge' });
  assert.deepEqual((await done('GET', `${P}/secrets/kv`))['annotations'], {
    Owner: 'Joe',
    mine: 'x',
  });
  await done('POST', `${P}/secrets?secretId=bytes`, AUTOMATIC);
  await done('POST', `${P}/secrets/bytes:addVersion`, {
    payload: { data: base64(Buffer.from([0, 255])) },
  });
  assert.deepEqual((await server.get('read', 'secret/data/bytes'))['data'], { value: 'AP8=' });
  assert.equal(await access('bytes'), '\u0000\u00ff');
  await server.get('delete', 'secret/data/kv');
  assert.equal((await done('GET', `${P}/secrets/kv/versions/1`))['state'], 'DISABLED');
  assert.equal((await done('POST', `${P}/secrets/kv/versions/1:enable`, {}))['state'], 'ENABLED');
  assert.equal(await server.outcome('read', 'secret/data/kv'), 'ok');
  await server.instance.close();
});

test('a policy of the Vault API decides here; nobody unknown gets further than that', async () => {
  const { send, done, server } = await world();
  await server.get('write', 'sys/policies/acl/reader', {
    data: { policy: 'path "secret/data/a" { capabilities = ["read"] }' },
  });
  const token = await server.tokenFor('reader');
  await done('POST', `${P}/secrets?secretId=a`, AUTOMATIC);
  await done('POST', `${P}/secrets/a:addVersion`, payload('v'));
  assert.equal(
    (await send('GET', `${P}/secrets/a/versions/1:access`, undefined, token)).status,
    200,
  );
  const calls = [
    ['GET', '/secrets/a', undefined],
    ['GET', '/secrets', undefined],
    ['GET', '/secrets/b/versions/1:access', undefined],
    ['POST', '/secrets?secretId=z', AUTOMATIC],
    ['POST', '/secrets/a:addVersion', payload('w')],
    ['POST', '/secrets/a/versions/1:disable', {}],
    ['POST', '/secrets/a/versions/1:destroy', {}],
    ['PATCH', '/secrets/a?updateMask=labels', {}],
    ['DELETE', '/secrets/a', undefined],
  ] as const;
  for (const [method, path, body] of calls) {
    assert.deepEqual(statusOf(await send(method, P + path, body, token)), [
      403,
      'PERMISSION_DENIED',
    ]);
    for (const unknown of [null, 'hvs.unknown', 'eyJh.eyJh.AAAA']) {
      const reply = await send(method, P + path, body, unknown);
      assert.deepEqual(statusOf(reply), [401, 'UNAUTHENTICATED'], `${method} ${path}`);
    }
  }
  assert.equal((await send('GET', '/v1/projects/other/secrets')).status, 404);
  await server.instance.close();
});

test('which permissions a caller has is what the policies say', async () => {
  const { done, send, server } = await world();
  await server.get('write', 'sys/policies/acl/reader', {
    data: { policy: 'path "secret/data/a" { capabilities = ["read"] }' },
  });
  const token = await server.makeToken({ policies: ['reader'] });
  const permissions = [
    'secretmanager.versions.access',
    'secretmanager.versions.add',
    'secretmanager.secrets.delete',
    'storage.objects.get',
  ];
  const testOf = (name: string) => `${P}/secrets/${name}:testIamPermissions`;
  const own = await done('POST', testOf('a'), { permissions }, token);
  assert.deepEqual(own, { permissions: permissions.slice(0, 1) });
  assert.deepEqual(await done('POST', testOf('b'), { permissions }, token), {});
  const all = await done('POST', testOf('a'), { permissions });
  assert.deepEqual(all, { permissions: permissions.slice(0, 3) });
  assert.equal((await send('POST', testOf('a'), { permissions }, null)).status, 401);
  await server.instance.close();
});

test('wrong requests are refused with the error of the protocol, and repeat no value', async () => {
  const { send, server } = await world();
  const canary = 'S3CRET-canary';
  for (const [method, path, body] of [
    ['POST', '/secrets', AUTOMATIC],
    ['POST', '/secrets?secretId=a%20b', AUTOMATIC],
    ['POST', '/secrets?secretId=a', {}],
    ['POST', '/secrets?secretId=a', { ...AUTOMATIC, topics: [{ name: 'projects/p/topics/t' }] }],
    ['POST', '/secrets?secretId=a', { ...AUTOMATIC, labels: { A: canary } }],
    ['POST', '/secrets?secretId=a', { ...AUTOMATIC, ttl: '-1s' }],
    ['POST', '/secrets?secretId=a', { ...AUTOMATIC, expireTime: '2001-01-01T00:00:00Z' }],
    ['POST', '/secrets?secretId=a', { ...AUTOMATIC, versionAliases: { x: '1' } }],
    ['POST', '/secrets?secretId=a', { ...AUTOMATIC, [canary]: 1 }],
    [
      'POST',
      '/secrets?secretId=a',
      { replication: { automatic: { customerManagedEncryption: { kmsKeyName: canary } } } },
    ],
    ['POST', '/secrets?secretId=a', `{"labels":"${canary}"`],
    ['POST', '/secrets/a:addVersion', {}],
    ['POST', '/secrets/a:addVersion', { payload: { data: `${canary}!` } }],
    ['POST', '/secrets/a:addVersion', { payload: { data: base64('x'.repeat(65_537)) } }],
    ['PATCH', '/secrets/a', { labels: {} }],
    ['GET', '/secrets/a%2Fb', undefined],
    ['GET', '/secrets/%', undefined],
  ] as const) {
    const reply = await send(method, P + path, body);
    assert.equal(reply.status, 400, `${method} ${path} ${JSON.stringify(reply.json)}`);
    assert.ok(!JSON.stringify(reply.json).includes(canary), path);
  }
  assert.deepEqual(statusOf(await send('POST', `${P}/secrets/a:rotateSecret`, {})), [
    501,
    'UNIMPLEMENTED',
  ]);
  assert.equal((await send('GET', `${P}/nothing`)).status, 404);
  await server.instance.close();
});

test('by gRPC: a recorded frame is answered, errors travel in the headers alone', async () => {
  const { facade, done, server } = await world();
  await done('POST', `${P}/secrets?secretId=demo`, AUTOMATIC);
  await done('POST', `${P}/secrets/demo:addVersion`, payload('payload'));
  const call = async (method: string, frame: string, headers: Record<string, string> = {}) =>
    await facade.handle(
      wireRequest(`/google.cloud.secretmanager.v1.SecretManagerService/${method}`, {
        method: 'POST',
        headers: {
          host: HOST,
          'content-type': 'application/grpc',
          authorization: 'Bearer root',
          ...headers,
        },
        body: Buffer.from(frame, 'hex'),
      }),
    );
  const latest =
    '00000000290a2770726f6a656374732f702f736563726574732f64656d6f2f76657273696f6e732f6c6174657374';
  const reply = await call('AccessSecretVersion', latest);
  assert.deepEqual(reply.trailers, { 'grpc-status': '0' });
  assert.ok(reply.body.includes('payload'));
  const missing = latest.replace('64656d6f', '6e6f7065');
  const refused = await call('AccessSecretVersion', missing);
  assert.equal(refused.headers['grpc-status'], '5');
  assert.deepEqual([refused.status, refused.body, refused.trailers], [200, '', undefined]);
  const status = async (...parameters: Parameters<typeof call>): Promise<string | undefined> =>
    (await call(...parameters)).headers['grpc-status'];
  assert.equal(await status('AccessSecretVersion', latest, { authorization: '' }), '16');
  assert.equal(await status('AccessSecretVersion', '0100000000'), '3');
  assert.equal(await status('Nothing', latest), '12');
  assert.equal(await status('RotateSecret', latest), '12');
  await server.instance.close();
});

interface KeyFile {
  readonly private_key: string;
  readonly private_key_id: string;
  readonly client_email: string;
}

async function account(server: OpenInstance): Promise<KeyFile> {
  await server.get('write', 'sys/policies/acl/app', {
    data: { policy: 'path "secret/*" { capabilities = ["read", "create", "update", "scan"] }' },
  });
  await server.get('write', 'identity/entity', { data: { name: 'app', policies: 'app' } });
  const issued = await server.get('write', 'identity/credential/service-account-key', {
    data: { entity_name: 'app', bound_to: 'p', token_uri: `https://${HOST}/google/token` },
  });
  return issued as unknown as KeyFile;
}

function jwt(file: KeyFile, claims: object, header: object = {}): string {
  const parts = [{ alg: 'RS256', typ: 'JWT', kid: file.private_key_id, ...header }, claims];
  const signed = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(signed), createPrivateKey(file.private_key));
  return `${signed}.${signature.toString('base64url')}`;
}

test('service accounts sign their own tokens; whatever is wrong with one is refused', async () => {
  const { send, done, server } = await world();
  const file = await account(server);
  const now = Math.floor(server.clock.nowMs() / 1000);
  const email = file.client_email;
  const base = { iss: email, sub: email, iat: now, exp: now + 3600 };
  const scope = 'https://www.googleapis.com/auth/cloud-platform';
  const list = async (token: string): Promise<number> =>
    (await send('GET', `${P}/secrets`, undefined, token)).status;
  for (const good of [
    { ...base, aud: 'https://secretmanager.googleapis.com/' },
    { ...base, aud: `https://${HOST}/` },
    { ...base, aud: 'https://sm.example.com/' },
    { ...base, scope },
    { ...base, scope, aud: '' },
  ]) {
    assert.equal(await list(jwt(file, good)), 200, JSON.stringify(good));
  }
  const aud = 'https://secretmanager.googleapis.com/';
  const other = await server.get('write', 'identity/credential/service-account-key', {
    data: { entity_name: 'app', bound_to: 'p' },
  });
  const foreign = other as unknown as KeyFile;
  const unsigned = (alg: string): string =>
    `${Buffer.from(JSON.stringify({ alg, kid: file.private_key_id })).toString('base64url')}.${Buffer.from(JSON.stringify({ ...base, aud })).toString('base64url')}.`;
  const good = jwt(file, { ...base, aud });
  const bad: readonly string[] = [
    jwt(file, { ...base, aud: 'https://storage.googleapis.com/' }),
    jwt(file, { ...base, aud: [aud] }),
    jwt(file, { ...base, aud: 'https://sm.example.com.evil.test/' }),
    jwt(file, { ...base }),
    jwt(file, { ...base, scope: 'openid' }),
    jwt(file, { ...base, aud, exp: now - 120, iat: now - 3600 }),
    jwt(file, { ...base, aud, iat: now + 600, exp: now + 1200 }),
    jwt(file, { ...base, aud, exp: now + 7200 }),
    jwt(file, { ...base, aud, exp: undefined }),
    jwt(file, { ...base, aud, iat: undefined }),
    jwt(file, { ...base, aud, exp: String(now + 3600) }),
    jwt(file, { ...base, aud, sub: 'admin@p.iam.strongroom' }),
    jwt(file, { ...base, aud, iss: 'other@p.iam.strongroom', sub: 'other@p.iam.strongroom' }),
    jwt(file, { ...base, aud }, { alg: 'HS256' }),
    jwt(file, { ...base, aud }, { alg: 'none' }),
    jwt(file, { ...base, aud }, { alg: 'PS256' }),
    jwt(file, { ...base, aud }, { kid: foreign.private_key_id }),
    jwt(file, { ...base, aud }, { kid: '../../x' }),
    jwt(file, { ...base, aud }, { kid: undefined }),
    jwt(file, { ...base, aud }, { crit: ['exp'] }),
    unsigned('none'),
    unsigned('RS256'),
    `${good}x`,
    `${good.split('.').slice(0, 2).join('.')}.`,
  ];
  for (const [index, token] of bad.entries()) assert.equal(await list(token), 401, `bad ${index}`);
  assert.equal(await list(good), 200);
  await server.get('write', `identity/credential/service-account-key/${file.private_key_id}`, {
    data: { enabled: false },
  });
  assert.equal(await list(good), 401);
  await done('GET', `${P}/secrets`);
  await server.instance.close();
});

test('the token endpoints take assertions for themselves, and tokens of other issuers', async () => {
  const { send, server, facade } = await world();
  const file = await account(server);
  const now = Math.floor(server.clock.nowMs() / 1000);
  const base = { iss: file.client_email, iat: now, exp: now + 3600 };
  const ask = async (fields: Record<string, string>, path = '/google/token'): Promise<JsonReply> =>
    await sendJson(facade, path, {
      method: 'POST',
      headers: { host: HOST },
      body: new URLSearchParams(fields).toString(),
    });
  const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  for (const aud of [`https://${HOST}/google/token`, 'https://oauth2.googleapis.com/token']) {
    const reply = await ask({ grant_type: grant, assertion: jwt(file, { ...base, aud }) });
    assert.equal(reply.status, 200, JSON.stringify(reply.json));
    const token = String(reply.json['access_token']);
    assert.equal((await send('GET', `${P}/secrets`, undefined, token)).status, 200);
  }
  const aud = `https://${HOST}/google/token`;
  for (const assertion of [
    jwt(file, { ...base, aud: 'https://secretmanager.googleapis.com/' }),
    jwt(file, { ...base, aud: 'https://else.example.com/google/token' }),
    jwt(file, { ...base, aud, exp: now - 120, iat: now - 3600 }),
    jwt(file, { ...base, aud }, { alg: 'none' }),
    'x',
    '',
  ]) {
    const reply = await ask({ grant_type: grant, assertion });
    assert.deepEqual([reply.status, reply.json['error']], [400, 'invalid_grant']);
  }
  const identity = jwt(file, { ...base, aud, target_audience: 'someone' });
  const none = await ask({ grant_type: grant, assertion: identity });
  assert.deepEqual([none.status, none.json['access_token']], [200, undefined]);
  const exchange = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    subject_token: 'x.y.z',
    audience:
      '//sm.example.com/projects/p/locations/global/workloadIdentityPools/k8s/providers/app',
  };
  // The project has no login mount yet.
  assert.equal((await ask(exchange, '/google/sts')).status, 400);
  assert.equal(
    (await ask({ ...exchange, audience: 'x' }, '/google/sts')).json['error'],
    'invalid_request',
  );
  assert.equal((await ask({ grant_type: 'password' })).json['error'], 'unsupported_grant_type');
  await server.instance.close();
});

test('the audit log names protocol and method, and holds no value in any form', async () => {
  const log = new KeptLog();
  const { done, server } = await world({ audit: [log.type] });
  const canary = 'S3CRET-canary-value';
  await done('POST', `${P}/secrets?secretId=audited`, AUTOMATIC);
  await done('POST', `${P}/secrets/audited:addVersion`, payload(canary));
  await done('GET', `${P}/secrets/audited/versions/latest:access`);
  assert.deepEqual(
    log.of('secret/data/audited'),
    ['request create', 'response create', 'request read', 'response read'].map((line) =>
      line.replace('create', 'update'),
    ),
  );
  assert.ok(log.text.includes('"protocol":"gcp"'));
  assert.ok(log.text.includes('SecretManagerService.AccessSecretVersion'));
  for (const form of [canary, base64(canary), Buffer.from(canary).toString('hex')]) {
    assert.ok(!log.text.includes(form), form);
  }
  await server.instance.close();
});
