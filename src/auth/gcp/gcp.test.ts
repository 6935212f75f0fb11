/** Google logins: tokens that service accounts sign, and tokens of machines. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { systemClock } from '../../base/clock.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { RequestError } from '../../model/errors.ts';
import { fetchJson } from '../fetch-json.ts';
import { attackTokens, openIssuer } from '../token-attacks.testkit.ts';
import type { TokenIssuer } from '../token-attacks.testkit.ts';
import { gcpBackend } from './gcp.ts';

const ACCOUNT = 'app@my-project.iam.gserviceaccount.com';

let google: TokenIssuer;
before(async () => {
  google = await openIssuer();
  google.documents.set('/oauth2/v3/certs', () => google.jwks());
  google.documents.set(`/service_accounts/v1/jwk/${encodeURIComponent(ACCOUNT)}`, () =>
    google.jwks(),
  );
});
after(() => google.close());

interface Rig {
  readonly bench: Bench;
  readonly now: number;
  login(token: string): Promise<string>;
}

async function openRig(role: JsonObject, config: JsonObject = {}): Promise<Rig> {
  const ports = { clock: systemClock, random: systemRandom, fetch: fetchJson };
  const bench = await openBench(gcpBackend(ports));
  const endpoint = { custom_endpoint: { api: google.url } };
  await bench.call('write', 'config', { ...endpoint, iam_alias: 'role_id', ...config });
  await bench.call('write', 'role/r', role);
  return {
    bench,
    now: bench.nowMs / 1000,
    async login(token) {
      try {
        const reply = await bench.call('write', 'login', { role: 'r', jwt: token });
        return reply?.auth?.displayName ?? 'nobody';
      } catch (error) {
        if (error instanceof RequestError) return error.message;
        throw error;
      }
    },
  };
}

const DENIED = 'permission denied';

suite('service accounts', () => {
  const role = { type: 'iam', bound_service_accounts: ACCOUNT };
  const claimsAt = (now: number): JsonObject => ({ sub: ACCOUNT, aud: 'vault/r', exp: now + 600 });

  test('sign a token for the role, which lives as long as it may', async () => {
    const rig = await openRig({ ...role, add_group_aliases: true });
    const token = google.sign(claimsAt(rig.now));
    const reply = await rig.bench.call('write', 'login', { role: 'R', jwt: token });
    const shown = (await rig.bench.call('read', 'role/r'))?.data ?? {};
    assert.equal(reply?.auth?.alias?.name, shown['role_id']);
    assert.deepEqual(reply?.auth?.groupAliases, ['project-my-project']);
    assert.equal(reply?.auth?.metadata?.['service_account_email'], ACCOUNT);
    const long = { ...claimsAt(rig.now), exp: rig.now + 901 };
    assert.equal(await rig.login(google.sign(long)), DENIED);
    const other = { ...claimsAt(rig.now), aud: 'vault/other' };
    assert.equal(await rig.login(google.sign(other)), DENIED);
  });

  test('what attackers make of a good token is refused', async () => {
    const rig = await openRig(role);
    const claims = { ...claimsAt(rig.now), iss: ACCOUNT };
    assert.equal(await rig.login(google.sign(claims)), ACCOUNT);
    for (const [name, token] of attackTokens(google, claims, rig.bench.nowMs))
      assert.equal(await rig.login(token), DENIED, name);
  });

  test('nobody is asked for the keys of an account that the role does not name', async () => {
    const rig = await openRig(role);
    const asked = google.requests.length;
    for (const sub of ['other@my-project.iam.gserviceaccount.com', '../../evil', 'a@b/../c', ''])
      assert.equal(await rig.login(google.sign({ ...claimsAt(rig.now), sub })), DENIED, sub);
    assert.equal(google.requests.length, asked);
  });

  test('any account of a project', async () => {
    const any = { ...role, bound_service_accounts: '*' };
    const good = await openRig({ ...any, bound_projects: 'my-project' });
    assert.equal(await good.login(google.sign(claimsAt(good.now))), ACCOUNT);
    const bad = await openRig({ ...any, bound_projects: 'another' });
    assert.equal(await bad.login(google.sign(claimsAt(bad.now))), DENIED);
  });
});

suite('machines', () => {
  const claimsAt = (now: number): JsonObject => ({
    iss: 'https://accounts.google.com',
    aud: 'http://vault/r',
    sub: '112233445566',
    azp: '112233445566',
    email: ACCOUNT,
    email_verified: true,
    iat: now - 10,
    exp: now + 3600,
    google: {
      compute_engine: {
        instance_id: '42',
        instance_name: 'vm-1',
        instance_creation_timestamp: 1_700_000_000,
        project_id: 'my-project',
        project_number: 7,
        zone: 'europe-west1-b',
      },
    },
  });

  test('are what Google says they are', async () => {
    const rig = await openRig(
      { type: 'gce', bound_projects: 'my-project' },
      { gce_alias: 'instance_id' },
    );
    const reply = await rig.bench.call('write', 'login', {
      role: 'r',
      jwt: google.sign(claimsAt(rig.now)),
    });
    assert.equal(reply?.auth?.alias?.name, 'gce-42');
    assert.deepEqual(reply?.auth?.metadata, {
      instance_creation_timestamp: '1700000000',
      instance_id: '42',
      instance_name: 'vm-1',
      project_id: 'my-project',
      project_number: '7',
      role: 'r',
      service_account_email: ACCOUNT,
      service_account_id: '112233445566',
      zone: 'europe-west1-b',
    });
    for (const [name, token] of attackTokens(google, claimsAt(rig.now), rig.bench.nowMs))
      assert.equal(await rig.login(token), DENIED, name);
    const { google: _engine, ...person } = claimsAt(rig.now);
    assert.equal(await rig.login(google.sign(person)), DENIED);
  });

  test('are bound by account, project, zone or region', async () => {
    for (const [bound, good] of [
      [{ bound_service_accounts: '112233445566' }, true],
      [{ bound_service_accounts: 'x' }, false],
      [{ bound_projects: 'x' }, false],
      [{ bound_zones: 'europe-west1-b' }, true],
      [{ bound_zones: 'europe-west1-c', bound_regions: 'europe-west1' }, false],
      [{ bound_regions: 'europe-west1' }, true],
      [{ bound_regions: 'us-east1' }, false],
    ] as const) {
      const rig = await openRig({ type: 'gce', ...bound });
      const outcome = await rig.login(google.sign(claimsAt(rig.now)));
      assert.equal(outcome === ACCOUNT, good, JSON.stringify(bound));
    }
  });

  test('log in as their service account only where the role lets them', async () => {
    const role = { type: 'iam', bound_service_accounts: ACCOUNT };
    const open = await openRig(role);
    assert.equal(await open.login(google.sign(claimsAt(open.now))), ACCOUNT);
    const unverified = { ...claimsAt(open.now), email_verified: false };
    assert.equal(await open.login(google.sign(unverified)), DENIED);
    const closed = await openRig({ ...role, allow_gce_inference: false });
    assert.equal(await closed.login(google.sign(claimsAt(closed.now))), DENIED);
  });
});

test('roles are checked', async () => {
  const rig = await openRig({ type: 'gce', bound_projects: 'p' });
  for (const role of [
    { bound_projects: 'p' },
    { type: 'iam' },
    { type: 'gce' },
    { type: 'iam', bound_service_accounts: '*' },
    { type: 'iam', bound_service_accounts: 'a', bound_zones: 'z' },
    { type: 'gce', bound_projects: 'p', bound_labels: 'a:b' },
    { type: 'iam', bound_service_accounts: 'a', max_jwt_exp: 7200 },
  ] as JsonObject[])
    await rig.bench.fail('write', 'role/x', role);
  await rig.bench.fail('write', 'role/r', { type: 'iam', bound_service_accounts: 'a' });
});
