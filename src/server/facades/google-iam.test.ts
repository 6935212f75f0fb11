/** Google's IAM policies of a secret: groups and policies of this server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { AUTOMATIC, P, payload, statusOf, world } from './google-fixture.ts';
import type { World } from './google-fixture.ts';

const MEMBER = 'serviceAccount:app@p.iam.strongroom';

async function withSecret(): Promise<World & { readonly appToken: string }> {
  const made = await world();
  const { server, done } = made;
  await done('POST', `${P}/secrets?secretId=Db`, AUTOMATIC);
  await done('POST', `${P}/secrets/Db:addVersion`, payload('v'));
  await done('POST', `${P}/secrets?secretId=db`, AUTOMATIC);
  await server.get('write', 'identity/entity', { data: { name: 'app' } });
  await server.get('write', 'sys/auth/userpass', { data: { type: 'userpass' } });
  await server.get('write', 'auth/userpass/users/app', { data: { password: 'pass' } });
  const entity = await server.get('read', 'identity/entity/name/app');
  const { 'userpass/': mount } = (await server.get('read', 'sys/auth')) as unknown as Record<
    string,
    { accessor: string }
  >;
  await server.get('write', 'identity/entity-alias', {
    data: {
      name: 'app',
      canonical_id: entity['id'] as string,
      mount_accessor: mount?.accessor ?? '',
    },
  });
  const { auth } = await server.ask('write', 'auth/userpass/login/app', {
    data: { password: 'pass' },
    token: null,
  });
  return { ...made, appToken: auth?.clientToken ?? '' };
}

const policyOf = (role: string, members: readonly string[] = [MEMBER]): JsonObject => ({
  policy: { bindings: [{ role: `roles/secretmanager.${role}`, members: [...members] }] },
});

test('a role is granted and taken back, at once and for one secret', async () => {
  const { send, done, server, appToken } = await withSecret();
  const access = async (id = 'Db'): Promise<number> =>
    (await send('GET', `${P}/secrets/${id}/versions/latest:access`, undefined, appToken)).status;
  assert.equal(await access(), 403);
  const empty = await done('GET', `${P}/secrets/Db:getIamPolicy`);
  assert.equal(empty['bindings'], undefined);
  const set = await done('POST', `${P}/secrets/Db:setIamPolicy`, policyOf('secretAccessor'));
  assert.deepEqual(set['bindings'], [
    { role: 'roles/secretmanager.secretAccessor', members: [MEMBER] },
  ]);
  assert.deepEqual(
    await done('GET', `${P}/secrets/Db:getIamPolicy?options.requestedPolicyVersion=3`),
    set,
  );
  assert.equal(await access(), 200);
  assert.equal(await access('db'), 403);
  const add = await send('POST', `${P}/secrets/Db:addVersion`, payload('x'), appToken);
  assert.equal(add.status, 403);
  const tested = await send(
    'POST',
    `${P}/secrets/Db:testIamPermissions`,
    { permissions: ['secretmanager.versions.access', 'secretmanager.versions.add'] },
    appToken,
  );
  assert.deepEqual(tested.json, { permissions: ['secretmanager.versions.access'] });

  const stale = {
    policy: { ...(policyOf('viewer')['policy'] as JsonObject), etag: empty['etag'] },
  };
  const conflict = await send('POST', `${P}/secrets/Db:setIamPolicy`, stale);
  assert.deepEqual(statusOf(conflict), [409, 'ABORTED']);
  const fresh = { policy: { ...(policyOf('admin')['policy'] as JsonObject), etag: set['etag'] } };
  await done('POST', `${P}/secrets/Db:setIamPolicy`, fresh);
  const now = await send('POST', `${P}/secrets/Db:addVersion`, payload('x'), appToken);
  assert.equal(now.status, 200);
  await done('POST', `${P}/secrets/Db:setIamPolicy`, { policy: {} });
  assert.equal(await access(), 403);
  const groups = await server.ask('list', 'identity/group/name/');
  assert.equal(groups.error?.code, 'not_found');
  await server.instance.close();
});

test('who and what cannot be granted is refused with the reason, and nothing changes', async () => {
  const { send, done, server, appToken } = await withSecret();
  const before = await done('GET', `${P}/secrets/Db:getIamPolicy`);
  for (const [body, told] of [
    [policyOf('secretAccessor', ['allUsers']), /everybody/],
    [policyOf('secretAccessor', ['allAuthenticatedUsers']), /everybody/],
    [policyOf('secretAccessor', [MEMBER, 'user:a@example.com']), /service accounts of this server/],
    [policyOf('secretAccessor', ['serviceAccount:app@other.iam.strongroom']), /service accounts/],
    [policyOf('secretAccessor', ['serviceAccount:nobody@p.iam.strongroom']), /does not exist/],
    [policyOf('secretAccessor', ['serviceAccount:../x@p.iam.strongroom']), /not valid/],
    [policyOf('owner'), /role is not supported/],
    [policyOf('constructor'), /role is not supported/],
    [
      {
        policy: {
          bindings: [
            { role: 'roles/secretmanager.viewer', members: [MEMBER], condition: { title: 'x' } },
          ],
        },
      },
      /Conditions/,
    ],
    [{ policy: { auditConfigs: [{ service: 'allServices' }] } }, /audited/],
  ] as const) {
    const reply = await send('POST', `${P}/secrets/Db:setIamPolicy`, body);
    assert.deepEqual(statusOf(reply), [400, 'INVALID_ARGUMENT'], JSON.stringify(body));
    assert.match((reply.json['error'] as { message: string }).message, told);
  }
  assert.deepEqual(await done('GET', `${P}/secrets/Db:getIamPolicy`), before);
  assert.equal((await send('GET', `${P}/secrets/none:getIamPolicy`)).status, 404);
  const own = await send('POST', `${P}/secrets/Db:setIamPolicy`, policyOf('admin'), appToken);
  assert.deepEqual(statusOf(own), [403, 'PERMISSION_DENIED']);
  await server.instance.close();
});

test('a role takes no right away that another policy gives', async () => {
  const { send, done, server, appToken } = await withSecret();
  await server.get('write', 'sys/policies/acl/writers', {
    data: { policy: 'path "secret/data/*" { capabilities = ["create", "update"] }' },
  });
  await server.get('write', 'identity/entity/name/app', { data: { policies: ['writers'] } });
  const add = async (): Promise<number> =>
    (await send('POST', `${P}/secrets/Db:addVersion`, payload('x'), appToken)).status;
  const access = async (): Promise<number> =>
    (await send('GET', `${P}/secrets/Db/versions/latest:access`, undefined, appToken)).status;
  assert.deepEqual([await add(), await access()], [200, 403]);
  await done('POST', `${P}/secrets/Db:setIamPolicy`, policyOf('secretAccessor'));
  assert.deepEqual([await add(), await access()], [200, 200]);
});
