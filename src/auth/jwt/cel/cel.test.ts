/** Roles in CEL: what a program makes of a token, and what it cannot. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../../base/json.ts';
import { silentLog } from '../../../base/log.ts';
import { systemRandom } from '../../../base/random.ts';
import { openBench } from '../../../core/backend-bench.contract.ts';
import type { Bench } from '../../../core/backend-bench.contract.ts';
import { foreignJws } from '../../../crypto/jws.testkit.ts';
import type { RequestError } from '../../../model/errors.ts';
import { FetchError } from '../../fetch-json.ts';
import { jwtBackend } from '../jwt.ts';
import type { AuthGrant } from '../../../model/reply.ts';

const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const clock = { nowMs: () => 0, monotonicMs: () => 0, after: () => () => {} };
const backend = jwtBackend({
  clock,
  random: systemRandom,
  log: silentLog,
  fetch: () => Promise.reject(new FetchError('no network here')),
});

interface Rig {
  readonly bench: Bench;
  role(program: JsonObject, more?: JsonObject): Promise<void>;
  token(claims: JsonObject): string;
  login(claims?: JsonObject): Promise<AuthGrant | undefined>;
  refusal(claims?: JsonObject): Promise<RequestError>;
}

async function openRig(): Promise<Rig> {
  const bench = await openBench(backend);
  const pem = issuer.publicKey.export({ type: 'spki', format: 'pem' });
  await bench.call('write', 'config', { jwt_validation_pubkeys: [pem] });
  const now = bench.nowMs / 1000;
  const token = (claims: JsonObject): string =>
    foreignJws(
      { sub: 'bob', aud: 'v', iat: now, exp: now + 60, groups: ['dev', 'ops'], n: 5, ...claims },
      { algorithm: 'ES256', key: issuer.privateKey, keyId: '' },
    );
  const sent = (claims: JsonObject): JsonObject => ({ role: 'r', jwt: token(claims) });
  return {
    bench,
    token,
    async role(program, more = {}) {
      const role = { cel_program: program, bound_audiences: 'v', ...more };
      await bench.call('write', 'cel/role/r', role);
    },
    login: async (claims = {}) => (await bench.call('write', 'cel/login', sent(claims)))?.auth,
    refusal: async (claims = {}) => await bench.fail('write', 'cel/login', sent(claims)),
  };
}

const REFUSED = 'error validating token';

suite('a program', () => {
  test('says whom the login is for, and what becomes of it', async () => {
    const rig = await openRig();
    await rig.role({
      variables: [
        { name: 'admin', expression: "'ops' in claims.groups && claims.n > 4.0" },
        { name: 'roles', expression: "claims.groups.map(g, 'team-' + g)" },
      ],
      expression: `admin && operation == 'update' && now > timestamp('2020-01-01T00:00:00Z')
        ? pb.Auth{display_name: claims.sub.upperAscii(), policies: roles, metadata: {'who': claims.sub},
            alias: logical.Alias{name: claims.sub, metadata: {'n': 'x'}},
            group_aliases: [logical.Alias{name: 'g1'}], bound_cidrs: ['127.0.0.0/8'], num_uses: 3,
            lease_options: pb.LeaseOptions{TTL: 600000000000, MaxTTL: 3600000000000, renewable: true, issue_time: now},
            token_type: 1u, no_default_policy: true}
        : false`,
    });
    const auth = await rig.login();
    assert.deepEqual(auth?.policies, ['team-dev', 'team-ops']);
    assert.deepEqual(auth.alias, { name: 'bob', metadata: { n: 'x' } });
    assert.deepEqual(auth.groupAliases, ['g1']);
    assert.deepEqual(auth.metadata, { who: 'bob' });
    assert.deepEqual(
      [auth.displayName, auth.ttlSeconds, auth.maxTtlSeconds, auth.numUses, auth.tokenType],
      ['BOB', 600, 3600, 3, 'service'],
    );
    assert.deepEqual([auth.boundCidrs, auth.noDefaultPolicy], [['127.0.0.0/8'], true]);
    assert.equal(auth.renewable, true);
    assert.equal((await rig.refusal({ groups: ['dev'] })).message, REFUSED);
    assert.equal((await rig.refusal({ n: 4 })).message, REFUSED);
  });

  test('refuses in every way alike, and the log has the reason', async () => {
    const rig = await openRig();
    for (const [expression, detail] of [
      ['1 == 2', /says false/],
      ["'not on a Sunday'", /says: not on a Sunday/],
      ['true', /neither false/],
      ['claims.none == 1', /failed/],
      ['int(claims.sub) == 1 ? false : false', /failed/],
      ['pb.Auth{no_field: 1}', /failed/],
      ["pb.Auth{policies: ['Root']}", /policy root$/],
      ["pb.Auth{policies: ['a', ' ROOT ']}", /policy root$/],
      ["pb.Auth{bound_cidrs: ['nowhere']}", /no address/],
      ['pb.Auth{period: -1}', /negative/],
      ["pb.Auth{client_token: 'mine'}", /failed/],
      ["pb.Auth{entity_id: 'mine'}", /failed/],
    ] as const) {
      await rig.role({ expression });
      const error = await rig.refusal({ sub: 'the-sub' });
      assert.equal(error.message, REFUSED, expression);
      assert.match(error.detail ?? '', detail, expression);
      assert.doesNotMatch(error.detail ?? '', /the-sub/, expression);
    }
  });

  test('is asked only about a token that is good: signature, times and audience', async () => {
    const rig = await openRig();
    await rig.role({ expression: "pb.Auth{alias: logical.Alias{name: 'x'}}" });
    assert.equal((await rig.login())?.alias?.name, 'x');
    for (const claims of [{ aud: 'w' }, { exp: 1 }, { aud: null }] as JsonObject[])
      assert.equal((await rig.refusal(claims)).message, REFUSED);
    const forged = `${rig.token({}).slice(0, -4)}AAAA`;
    const error = await rig.bench.fail('write', 'cel/login', { role: 'r', jwt: forged });
    assert.equal(error.message, REFUSED);
    await rig.role({ expression: 'pb.Auth{}' }, { bound_audiences: '' });
    assert.equal((await rig.refusal()).message, REFUSED);
  });

  test('with a regular expression takes linear time', async () => {
    const rig = await openRig();
    await rig.role({ expression: "claims.sub.matches('^(a+)+$') ? pb.Auth{} : false" });
    assert.equal((await rig.refusal({ sub: `${'a'.repeat(5000)}!` })).message, REFUSED);
  });
});

suite('roles in CEL', () => {
  test('are read back as written, patched, listed and deleted', async () => {
    const rig = await openRig();
    const program = { variables: [{ name: 'a', expression: '1' }], expression: 'a == 1' };
    const made = await rig.bench.call('write', 'cel/role/R', { cel_program: program });
    const wanted = {
      name: 'r',
      cel_program: program,
      message: '',
      expiration_leeway: 150,
      not_before_leeway: 150,
      clock_skew_leeway: 60,
      bound_audiences: [],
    };
    assert.deepEqual(made?.data, wanted);
    assert.deepEqual((await rig.bench.call('read', 'cel/role/r'))?.data, wanted);
    assert.deepEqual((await rig.bench.call('list', 'cel/role'))?.data, { keys: ['r'] });
    await rig.bench.call('delete', 'cel/role/r');
    assert.equal((await rig.bench.fail('read', 'cel/role/r')).code, 'not_found');
  });

  test('must hold programs that can be read', async () => {
    const rig = await openRig();
    for (const program of [
      {},
      { expression: '' },
      { expression: 'claims.' },
      { expression: 'x'.repeat(9000) },
      { expression: '('.repeat(4000) },
      { expression: 'a', variables: [{ name: 'a', expression: ')' }] },
      { expression: 'a', variables: [{ name: 'claims', expression: '1' }] },
      { expression: 'a', variables: [{ name: 'a b', expression: '1' }] },
      { expression: 'a', variables: 'a' },
    ] as JsonObject[]) {
      const error = await rig.bench.fail('write', 'cel/role/r', { cel_program: program });
      assert.equal(error.code, 'invalid_request', JSON.stringify(program).slice(0, 80));
    }
    await rig.bench.fail('write', 'cel/role/r', {});
    await rig.bench.fail('write', 'cel/login', { role: 'none', jwt: rig.token({}) });
  });

  test('renew with the times of the login while the role is there', async () => {
    const rig = await openRig();
    await rig.role({ expression: 'pb.Auth{lease_options: pb.LeaseOptions{TTL: 600000000000}}' });
    const auth = await rig.login();
    const renewal = {
      internal: auth?.internal ?? {},
      displayName: '',
      metadata: {},
      policies: [],
      connection: {
        remoteAddress: '127.0.0.1',
        remotePort: 1,
        clientCertificates: [],
        local: false,
      },
      incrementSeconds: 0,
      nowMs: rig.bench.nowMs,
    };
    const renew = async (): Promise<unknown> =>
      await rig.bench.store(async (store) => await backend.renewAuth?.(renewal, store));
    assert.equal(((await renew()) as { ttlSeconds: number }).ttlSeconds, 600);
    await rig.bench.call('delete', 'cel/role/r');
    await assert.rejects(renew(), /no longer exists/);
  });
});
