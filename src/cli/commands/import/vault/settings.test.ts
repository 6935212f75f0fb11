/** import vault: radius, second factors, the OpenID provider and quotas, whose parts name each other by ids of each server's own. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { at } from '../../../../../rig/api.ts';
import { runImport, startDev, TOKEN } from '../import.testkit.ts';
import type { DevServer } from '../import.testkit.ts';

const OPENBAO = process.env['STRONGROOM_TEST_OPENBAO'];
const TOTP = 'identity/mfa/method/totp';

function suite(name: string, openbao: string | undefined): void {
  let source: DevServer;
  let target: DevServer;
  before(async () => {
    [source, target] = await Promise.all([startDev(openbao), startDev()]);
    await fill(source, openbao !== undefined);
  });
  after(async () => {
    await source.stop();
    await target.stop();
  });

  const read = async (server: DevServer, path: string): Promise<unknown> =>
    (await server.api.expect('GET', path, { token: TOKEN }))['data'];

  test(`${name}: a dry run lists them and what is left out, and writes none`, async () => {
    const said = await runImport(target, ['vault', '-dry-run', source.address]);
    assert.equal(said.code, 0, said.complaints + said.output);
    for (const line of [
      'create auth auth/radius/users/ann',
      'create mfa totp method code',
      'create mfa identity/mfa/login-enforcement/people',
      'create oidc identity/oidc/client/shop',
      'create oidc identity/oidc/provider/shops',
      'create quotas sys/quotas/rate-limit/calm',
      'auth/radius/config: secret, which is never shown',
      'totp method code: what people have enrolled',
      ...(openbao === undefined ? [] : ['its secrets are never shown: make it anew']),
      'identity/oidc/client/shop: client id and secret are new ones here',
    ]) {
      assert.ok(said.output.includes(line), `${line}\n${said.output}`);
    }
    assert.equal(
      (await target.api.call('GET', 'auth/radius/config', { token: TOKEN })).status,
      404,
    );
  });

  test(`${name}: they arrive, and name what is here; a repetition changes nothing`, async () => {
    const said = await runImport(target, ['vault', source.address]);
    assert.equal(said.code, 0, said.complaints + said.output);
    assert.deepEqual(at(await read(target, 'auth/radius/users/ann'), 'policies'), ['default']);
    assert.equal(at(await read(target, 'auth/radius/config'), 'host'), '127.0.0.1');
    assert.equal(at(await read(target, 'sys/quotas/rate-limit/calm'), 'rate'), 100);
    const [method] = at(await read(target, `${TOTP}?list=true`), 'keys') as string[];
    const enforcement = await read(target, 'identity/mfa/login-enforcement/people');
    assert.deepEqual(at(enforcement, 'mfa_method_ids'), [method]);
    const entity = at(await read(target, 'identity/entity/name/ann'), 'id');
    assert.deepEqual(at(enforcement, 'identity_entity_ids'), [entity]);
    const accessor = at(await read(target, 'sys/auth'), 'radius/', 'accessor');
    assert.deepEqual(at(enforcement, 'auth_method_accessors'), [accessor]);
    const client = at(await read(target, 'identity/oidc/client/shop'), 'client_id');
    assert.notEqual(client, at(await read(source, 'identity/oidc/client/shop'), 'client_id'));
    for (const path of ['identity/oidc/provider/shops', 'identity/oidc/key/shops']) {
      assert.deepEqual(at(await read(target, path), 'allowed_client_ids'), [client], path);
    }
    assert.deepEqual(at(await read(target, 'identity/oidc/assignment/few'), 'entity_ids'), [
      entity,
    ]);
    const again = await runImport(target, ['vault', '-format=json', source.address]);
    assert.equal(again.code, 0, again.output);
    assert.doesNotMatch(again.output, /"verdict": ?"(create|change|fail)"/u);
  });
}

async function fill({ api }: DevServer, openbao: boolean): Promise<void> {
  const put = async (path: string, body: unknown): Promise<unknown> =>
    (await api.expect('POST', path, { token: TOKEN, body }))['data'];
  await put('sys/auth/radius', { type: 'radius' });
  await put('auth/radius/config', { host: '127.0.0.1', secret: 'shared' });
  await put('auth/radius/users/ann', { policies: 'default' });
  const accessor = at(
    (await api.expect('GET', 'sys/auth', { token: TOKEN }))['data'],
    'radius/',
    'accessor',
  );
  const entity = at(await put('identity/entity', { name: 'ann' }), 'id');
  await put('sys/quotas/rate-limit/calm', { rate: 100, interval: '2s' });
  const method = at(await put(TOTP, { issuer: 'x', method_name: 'code' }), 'method_id');
  // There are no such methods here.
  if (openbao) {
    await put('identity/mfa/method/duo', {
      api_hostname: 'h',
      secret_key: 'k',
      integration_key: 'i',
    });
  }
  await put('identity/mfa/login-enforcement/people', {
    mfa_method_ids: [method],
    auth_method_accessors: [accessor],
    identity_entity_ids: [entity],
  });
  const key = { rotation_period: '48h', verification_ttl: '24h' };
  await put('identity/oidc/key/shops', key);
  await put('identity/oidc/scope/who', { template: '{"a":"b"}' });
  await put('identity/oidc/assignment/few', { entity_ids: [entity], group_ids: [] });
  await put('identity/oidc/client/shop', {
    key: 'shops',
    redirect_uris: ['https://shop.example/back'],
    assignments: ['few'],
  });
  const client = at(
    (await api.expect('GET', 'identity/oidc/client/shop', { token: TOKEN }))['data'],
    'client_id',
  );
  await put('identity/oidc/key/shops', { ...key, allowed_client_ids: [client] });
  await put('identity/oidc/provider/shops', {
    allowed_client_ids: [client],
    scopes_supported: ['who'],
  });
}

suite('from a Strongroom', undefined);
if (OPENBAO !== undefined) suite('from an OpenBao', OPENBAO);
