/** Azure's keys on the whole core, over a transit mount. */
import assert from 'node:assert/strict';
import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  verify,
} from 'node:crypto';
import type { KeyObject, webcrypto } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { API, codeOf, VAULT, world } from './azure-fixture.ts';
import type { World } from './azure-fixture.ts';

async function keyWorld(binding: JsonObject = {}): Promise<World> {
  const made = await world({}, { keys_mount: 'transit/', ...binding });
  await made.server.get('write', 'sys/mounts/transit', { data: { type: 'transit' } });
  return made;
}

const jwkOf = (bundle: Record<string, unknown>): webcrypto.JsonWebKey & { kid: string } =>
  bundle['key'] as webcrypto.JsonWebKey & { kid: string };
const publicOf = (bundle: Record<string, unknown>): KeyObject =>
  createPublicKey({ key: jwkOf(bundle), format: 'jwk' });
const versionOf = (bundle: Record<string, unknown>): string =>
  jwkOf(bundle).kid.split('/').at(-1) ?? '';
const url = (bytes: Buffer): string => bytes.toString('base64url');
const bytesOf = (value: unknown): Buffer => Buffer.from(String(value), 'base64url');

test('an RSA key encrypts, wraps and signs what its public half undoes and verifies', async () => {
  const { done, server } = await keyWorld();
  const made = await done('POST', '/keys/rsa/create', { kty: 'RSA', tags: { a: 'b' } });
  assert.match(
    jwkOf(made).kid,
    /^https:\/\/myvault\.kv\.example\.com:8200\/keys\/rsa\/[0-9a-f]{32}$/,
  );
  assert.deepEqual(made['tags'], { a: 'b' });
  assert.equal(jwkOf(made).d, undefined);
  const key = publicOf(made);
  assert.equal(key.asymmetricKeyDetails?.modulusLength, 2048);
  const at = `/keys/rsa/${versionOf(made)}`;
  const secret = Buffer.from('päß');
  for (const [alg, oaepHash] of [
    ['RSA1_5', undefined],
    ['RSA-OAEP', 'sha1'],
    ['RSA-OAEP-256', 'sha256'],
  ] as const) {
    for (const [there, back] of [
      ['encrypt', 'decrypt'],
      ['wrapkey', 'unwrapkey'],
    ] as const) {
      const sealed = await done('POST', `${at}/${there}`, { alg, value: url(secret) });
      assert.equal(sealed['kid'], jwkOf(made).kid);
      const opened = await done('POST', `${at}/${back}`, { alg, value: sealed['value'] });
      assert.deepEqual(bytesOf(opened['value']), secret);
    }
    const outside =
      oaepHash === undefined
        ? publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, secret)
        : publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, secret);
    const opened = await done('POST', `${at}/decrypt`, { alg, value: url(outside) });
    assert.deepEqual(bytesOf(opened['value']), secret);
  }
  const digest = createHash('sha256').update('message').digest();
  for (const alg of ['RS256', 'PS256'] as const) {
    const { value } = await done('POST', `${at}/sign`, { alg, value: url(digest) });
    const options =
      alg === 'RS256'
        ? { key }
        : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: digest.length };
    assert.ok(verify('sha256', Buffer.from('message'), options, bytesOf(value)));
    const good = await done('POST', `${at}/verify`, { alg, digest: url(digest), value });
    assert.deepEqual(good, { value: true });
    const other = createHash('sha256').update('other').digest();
    const bad = await done('POST', `${at}/verify`, { alg, digest: url(other), value });
    assert.deepEqual(bad, { value: false });
  }
  await server.instance.close();
});

test('elliptic keys sign digests', async () => {
  const { done, send, server } = await keyWorld();
  for (const [crv, alg, hash] of [
    ['P-256', 'ES256', 'sha256'],
    ['P-384', 'ES384', 'sha384'],
    ['P-521', 'ES512', 'sha512'],
  ] as const) {
    const made = await done('POST', `/keys/${alg}/create`, { kty: 'EC', crv });
    assert.equal(jwkOf(made).crv, crv);
    const digest = createHash(hash).update('message').digest();
    const { value } = await done('POST', `/keys/${alg}/sign`, { alg, value: url(digest) });
    const options = { key: publicOf(made), dsaEncoding: 'ieee-p1363' } as const;
    assert.ok(verify(hash, Buffer.from('message'), options, bytesOf(value)));
    const checked = await done('POST', `/keys/${alg}/verify`, { alg, digest: url(digest), value });
    assert.deepEqual(checked, { value: true });
    const wrong = await send('POST', `/keys/${alg}/sign`, { alg: 'RS256', value: url(digest) });
    assert.deepEqual(codeOf(wrong), [400, 'BadParameter']);
    const encrypting = { alg: 'RSA-OAEP', value: url(digest) };
    assert.equal((await send('POST', `/keys/${alg}/encrypt`, encrypting)).status, 403);
  }
  await server.instance.close();
});

test('a second create and a rotation add versions; old ones still open what they sealed', async () => {
  const { done, send, server } = await keyWorld();
  const first = await done('POST', '/keys/k/create', { kty: 'RSA', tags: { kept: 'yes' } });
  const sealed = await done('POST', '/keys/k/encrypt', { alg: 'RSA-OAEP', value: 'AAEC' });
  const second = await done('POST', '/keys/k/rotate');
  assert.deepEqual(second['tags'], { kept: 'yes' });
  const third = await done('POST', '/keys/k/create', { kty: 'RSA' });
  const ids = [first, second, third].map(versionOf);
  assert.equal(new Set(ids).size, 3);
  assert.equal(versionOf(await done('GET', '/keys/k/')), ids[2]);
  const listed = (await done('GET', '/keys/k/versions')) as { value: { kid: string }[] };
  assert.deepEqual(
    listed.value.map(({ kid }) => kid.split('/').at(-1)),
    ids,
  );
  const body = { alg: 'RSA-OAEP', value: sealed['value'] };
  assert.equal((await done('POST', `/keys/k/${ids[0]}/decrypt`, body))['value'], 'AAEC');
  assert.equal((await send('POST', `/keys/k/${ids[2]}/decrypt`, body)).status, 400);
  assert.deepEqual(codeOf(await send('POST', '/keys/k/create', { kty: 'EC' })), [409, 'Conflict']);
  const { latest_version: latest } = await server.get('read', 'transit/keys/k');
  assert.equal(latest, 3);
  await server.instance.close();
});

test('attributes and operations of a key bind its use', async () => {
  const { done, send, server } = await keyWorld();
  const now = Math.floor(server.clock.nowMs() / 1000);
  await done('POST', '/keys/k/create', { kty: 'RSA', key_ops: ['sign', 'verify', 'decrypt'] });
  const digest = url(Buffer.alloc(32, 1));
  const sign = async (): Promise<unknown[]> => {
    const reply = await send('POST', '/keys/k/sign', { alg: 'RS256', value: digest });
    return reply.status === 200 ? [200] : codeOf(reply);
  };
  assert.deepEqual(await sign(), [200]);
  const encrypt = await send('POST', '/keys/k/encrypt', { alg: 'RSA-OAEP', value: digest });
  assert.deepEqual(codeOf(encrypt), [403, 'Forbidden', 'KeyOperationForbidden']);
  await done('PATCH', '/keys/k/', { attributes: { enabled: false } });
  assert.deepEqual(await sign(), [403, 'Forbidden', 'KeyDisabled']);
  const changed = await done('PATCH', '/keys/k/', {
    attributes: { enabled: true, exp: now + 60 },
    key_ops: ['sign'],
    tags: { a: 'b' },
  });
  assert.deepEqual([jwkOf(changed).key_ops, changed['tags']], [['sign'], { a: 'b' }]);
  assert.deepEqual(await sign(), [200]);
  server.clock.advance(60_000);
  assert.deepEqual(await sign(), [403, 'Forbidden', 'KeyExpired']);
  await server.instance.close();
});

test('keys are deleted, recovered and purged; a deleted one is out of use for everybody', async () => {
  const { done, send, server } = await keyWorld({ recovery_days: 7 });
  await done('POST', '/keys/k/create', { kty: 'RSA' });
  const deleted = await done('DELETE', '/keys/k');
  assert.equal(deleted['recoveryId'], `https://${VAULT}:8200/deletedkeys/k`);
  assert.equal(Number(deleted['scheduledPurgeDate']) - Number(deleted['deletedDate']), 7 * 86_400);
  assert.deepEqual(codeOf(await send('GET', '/keys/k')), [404, 'KeyNotFound']);
  assert.deepEqual(codeOf(await send('POST', '/keys/k/create', { kty: 'RSA' })), [
    409,
    'Conflict',
    'ObjectIsDeletedButRecoverable',
  ]);
  const input = { data: { plaintext: 'AAAA' } };
  assert.notEqual(await server.outcome('write', 'transit/encrypt/k', input), 'ok');
  assert.equal(((await done('GET', '/deletedkeys'))['value'] as unknown[]).length, 1);
  await done('GET', '/deletedkeys/k');
  await done('POST', '/deletedkeys/k/recover');
  assert.equal(await server.outcome('write', 'transit/encrypt/k', input), 'ok');
  await done('DELETE', '/keys/k');
  assert.equal((await send('DELETE', '/deletedkeys/k')).status, 204);
  assert.equal(await server.outcome('read', 'transit/keys/k'), 'not_found');
  await done('POST', '/keys/k/create', { kty: 'RSA' });
  await done('DELETE', '/keys/k');
  server.clock.advance(7 * 86_400_000);
  assert.equal((await send('GET', '/deletedkeys/k')).status, 404);
  await done('POST', '/keys/k/create', { kty: 'EC' });
  await server.instance.close();
});

test('a backup brings a key back with all versions; a backup of a secret does not', async () => {
  const { done, send, server } = await keyWorld();
  await done('POST', '/keys/k/create', { kty: 'RSA' });
  const { value: sealed } = await done('POST', '/keys/k/encrypt', {
    alg: 'RSA-OAEP',
    value: 'AAEC',
  });
  const old = versionOf(await done('GET', '/keys/k'));
  await done('POST', '/keys/k/rotate');
  const { value } = await done('POST', '/keys/k/backup');
  assert.equal((await send('POST', '/keys/restore', { value })).status, 409);
  await done('DELETE', '/keys/k');
  await send('DELETE', '/deletedkeys/k');
  await done('POST', '/keys/restore', { value });
  const opened = await done('POST', `/keys/k/${old}/decrypt`, { alg: 'RSA-OAEP', value: sealed });
  assert.equal(opened['value'], 'AAEC');
  await done('PUT', '/secrets/s', { value: 'v' });
  const secret = await done('POST', '/secrets/s/backup');
  assert.equal((await send('POST', '/keys/restore', { value: secret['value'] })).status, 400);
  assert.equal((await send('POST', '/secrets/restore', { value })).status, 400);
  await server.instance.close();
});

test('private keys are imported, and whatever is none is refused without repeating it', async () => {
  const { done, send, server } = await keyWorld();
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = privateKey.export({ format: 'jwk' });
  const made = await done('PUT', '/keys/mine', {
    key: { ...jwk, kty: 'RSA', key_ops: ['decrypt'] },
  });
  assert.ok(publicOf(made).equals(publicKey));
  assert.deepEqual(jwkOf(made).key_ops, ['decrypt']);
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    format: 'jwk',
  });
  assert.equal(jwkOf(await done('PUT', '/keys/ec', { key: ec })).crv, 'P-256');
  const { d: _d, ...half } = jwk;
  const canary = 'S3CRETcanary';
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    format: 'jwk',
  });
  for (const key of [
    half,
    { kty: 'RSA' },
    { ...jwk, d: `${canary}!` },
    { ...jwk, n: other.n },
    canary,
    { kty: 'oct', k: canary },
  ]) {
    const reply = await send('PUT', '/keys/bad', { key });
    assert.equal(reply.status, 400, JSON.stringify(reply.json));
    assert.ok(!JSON.stringify(reply.json).includes(canary));
  }
  assert.equal((await send('GET', '/keys/bad')).status, 404);
  for (const body of [
    { kty: 'RSA-HSM' },
    { kty: 'oct' },
    { kty: 'RSA', key_size: 1024 },
    { kty: 'EC', crv: 'P-256K' },
    {},
  ]) {
    assert.equal((await send('POST', '/keys/bad/create', body)).status, 400);
  }
  await server.instance.close();
});

test('keys are listed in pages; what this API cannot express is left out', async () => {
  const { done, server } = await keyWorld();
  for (const name of ['a', 'b', 'c']) await done('POST', `/keys/${name}/create`, { kty: 'EC' });
  await server.get('write', 'transit/keys/aes', { data: {} });
  await server.get('write', 'transit/keys/under_score', { data: { type: 'rsa-2048' } });
  const seen: unknown[] = [];
  for (let path = `/keys?${API}&maxresults=2`; path !== '';) {
    const page = await done('GET', path);
    seen.push(...(page['value'] as JsonObject[]).map((one) => one['kid']));
    const link = page['nextLink'] as string | null;
    path = link === null ? '' : link.slice(link.indexOf('/keys'));
  }
  assert.deepEqual(
    seen,
    ['a', 'b', 'c'].map((name) => `https://${VAULT}:8200/keys/${name}`),
  );
  await server.instance.close();
});

test('a rotation policy makes the key rotate by itself', async () => {
  const { done, send, server } = await keyWorld();
  const first = await done('POST', '/keys/k/create', { kty: 'EC' });
  const policy = {
    lifetimeActions: [{ trigger: { timeAfterCreate: 'P30D' }, action: { type: 'Rotate' } }],
    attributes: { expiryTime: 'P90D' },
  };
  const set = await done('PUT', '/keys/k/rotationpolicy', policy);
  assert.deepEqual(set['lifetimeActions'], policy.lifetimeActions);
  assert.deepEqual(await done('GET', '/keys/k/rotationpolicy'), set);
  const { auto_rotate_period: period } = await server.get('read', 'transit/keys/k');
  assert.equal(period, 30 * 86_400);
  for (const after of ['P6D', 'P', '30', 'PT1H']) {
    const bad = {
      lifetimeActions: [{ trigger: { timeAfterCreate: after }, action: { type: 'Rotate' } }],
    };
    assert.equal((await send('PUT', '/keys/k/rotationpolicy', bad)).status, 400, after);
  }
  server.clock.advance(30 * 86_400_000);
  assert.notEqual(versionOf(await done('GET', '/keys/k')), versionOf(first));
  await server.instance.close();
});

test('random bytes; rights as in the Vault API', async () => {
  const { done, send, server } = await keyWorld();
  assert.equal(bytesOf((await done('POST', '/rng', { count: 16 }))['value']).length, 16);
  assert.equal((await send('POST', '/rng', { count: 0 })).status, 400);
  await done('POST', '/keys/k/create', { kty: 'RSA' });
  await server.get('write', 'sys/policies/acl/signer', {
    data: { policy: 'path "transit/sign/k" { capabilities = ["update"] }' },
  });
  const token = await server.tokenFor('signer');
  const value = url(Buffer.alloc(32, 1));
  const may = await send('POST', '/keys/k/sign', { alg: 'RS256', value }, { token });
  assert.equal(may.status, 200);
  for (const [method, path, body] of [
    ['GET', '/keys/k', undefined],
    ['GET', '/keys', undefined],
    ['POST', '/keys/k/decrypt', { alg: 'RSA-OAEP', value }],
    ['POST', '/keys/k/backup', undefined],
    ['POST', '/keys/x/create', { kty: 'RSA' }],
    ['DELETE', '/keys/k', undefined],
    ['POST', '/rng', { count: 4 }],
  ] as const) {
    assert.equal((await send(method, path, body, { token })).status, 403, `${method} ${path}`);
  }
  assert.equal((await send('POST', `/keys/k/release`, {})).status, 501);
  await server.instance.close();
});
