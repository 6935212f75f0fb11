/** Azure logins: tokens that a tenant's keys have signed, and the machine that they speak of (CVE-2025-3879). */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { systemClock } from '../../base/clock.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { RequestError } from '../../model/errors.ts';
import { fetchJson } from '../fetch-json.ts';
import { attackTokens, openIssuer } from '../token-attacks.testkit.ts';
import type { TokenIssuer } from '../token-attacks.testkit.ts';
import { azureBackend } from './azure.ts';

const TENANT = '7b8f0000-1111-2222-3333-444455556666';
const PRINCIPAL = 'aaaaaaaa-1111-2222-3333-444455556666';
const MACHINE =
  '/subscriptions/sub-1/resourcegroups/Prod/providers/Microsoft.Compute/virtualMachines/vm-1';

let issuer: TokenIssuer;
before(async () => {
  issuer = await openIssuer();
  issuer.documents.set(`/${TENANT}/.well-known/openid-configuration`, () => ({
    issuer: `https://sts.windows.net/${TENANT}/`,
    jwks_uri: `${issuer.url}/keys`,
  }));
});
after(() => issuer.close());

interface Rig {
  readonly bench: Bench;
  readonly claims: JsonObject;
  login(token: string, more?: JsonObject): Promise<string>;
}

async function openRig(role: JsonObject): Promise<Rig> {
  const bench = await openBench(azureBackend({ clock: systemClock, fetch: fetchJson }));
  await bench.call('write', 'config', {
    tenant_id: TENANT,
    resource: 'https://vault.example',
    login_endpoint: issuer.url,
    client_secret: 'a secret',
  });
  await bench.call('write', 'role/r', role);
  const now = bench.nowMs / 1000;
  return {
    bench,
    claims: {
      iss: `https://sts.windows.net/${TENANT}/`,
      aud: 'https://vault.example',
      iat: now - 10,
      nbf: now - 10,
      exp: now + 3600,
      tid: TENANT,
      oid: PRINCIPAL,
      sub: PRINCIPAL,
      groups: ['g1', 'g2'],
      xms_mirid: MACHINE,
    },
    async login(token, more = {}) {
      try {
        const reply = await bench.call('write', 'login', { role: 'r', jwt: token, ...more });
        return reply?.auth?.alias?.name ?? 'nobody';
      } catch (error) {
        if (error instanceof RequestError) return error.message;
        throw error;
      }
    },
  };
}

const DENIED = 'permission denied';

suite('login', () => {
  test('is the principal of the token, with its groups and machine', async () => {
    const rig = await openRig({ bound_service_principal_ids: PRINCIPAL, token_policies: 'p' });
    const reply = await rig.bench.call('write', 'login', {
      role: 'R',
      jwt: issuer.sign(rig.claims),
    });
    assert.equal(reply?.auth?.alias?.name, PRINCIPAL);
    assert.deepEqual(reply?.auth?.groupAliases, ['g1', 'g2']);
    assert.deepEqual(reply?.auth?.metadata, {
      role: 'r',
      resource_group_name: 'prod',
      subscription_id: 'sub-1',
    });
    const modern = { ...rig.claims, iss: `${issuer.url}/${TENANT}/v2.0` };
    assert.equal(await rig.login(issuer.sign(modern)), PRINCIPAL);
  });

  test('what attackers make of a good token is refused', async () => {
    const rig = await openRig({ bound_service_principal_ids: '*' });
    assert.equal(await rig.login(issuer.sign(rig.claims)), PRINCIPAL);
    for (const [name, token] of attackTokens(issuer, rig.claims, rig.bench.nowMs))
      assert.equal(await rig.login(token), DENIED, name);
    for (const claims of [
      { tid: 'another' },
      { oid: '' },
      { exp: null },
      { iss: `https://sts.windows.net/another/` },
    ] as JsonObject[])
      assert.equal(await rig.login(issuer.sign({ ...rig.claims, ...claims })), DENIED);
  });

  test('bounds hold by the token’s word, not the caller’s', async () => {
    for (const [role, good] of [
      [{ bound_service_principal_ids: 'other' }, false],
      [{ bound_group_ids: 'g2,g9' }, true],
      [{ bound_group_ids: 'g9' }, false],
      [{ bound_subscription_ids: 'SUB-1' }, true],
      [{ bound_subscription_ids: 'sub-2' }, false],
      [{ bound_resource_groups: 'prod' }, true],
      [{ bound_resource_groups: 'stage' }, false],
      [{ bound_scale_sets: 'set-1' }, false],
    ] as const) {
      const rig = await openRig(role);
      const said = { subscription_id: 'sub-2', resource_group_name: 'stage', vmss_name: 'set-1' };
      assert.equal((await rig.login(issuer.sign(rig.claims))) === PRINCIPAL, good);
      assert.equal(await rig.login(issuer.sign(rig.claims), said), DENIED);
      const nowhere = { ...rig.claims, xms_mirid: '' };
      const needsMachine = !('bound_group_ids' in role);
      if (needsMachine) assert.equal(await rig.login(issuer.sign(nowhere), said), DENIED);
    }
  });

  test('a key that was rotated away vouches for nobody, the new one does', async () => {
    const rig = await openRig({ bound_service_principal_ids: '*' });
    issuer.rotate();
    assert.equal(await rig.login(issuer.sign(rig.claims)), PRINCIPAL);
  });
});

test('configuration and roles are checked', async () => {
  const rig = await openRig({ bound_group_ids: 'g' });
  const shown = await rig.bench.call('read', 'config');
  assert.doesNotMatch(JSON.stringify(shown), /a secret/);
  for (const role of [
    {},
    { bound_service_principal_ids: '*,a' },
    { bound_locations: 'westeurope', bound_group_ids: 'g' },
  ] as JsonObject[])
    await rig.bench.fail('write', 'role/x', role);
  for (const config of [{ tenant_id: 'a/b' }, { environment: 'Moon' }, { login_endpoint: '!' }])
    await rig.bench.fail('write', 'config', config);
  await rig.bench.call('delete', 'config');
  assert.equal(await rig.login(issuer.sign(rig.claims)), DENIED);
});
