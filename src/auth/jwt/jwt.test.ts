/** JWT logins: who gets in by what the token claims, and how keys are fetched. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { parseJws } from '../../crypto/jws.ts';
import { foreignJws } from '../../crypto/jws.testkit.ts';
import { RequestError } from '../../model/errors.ts';
import { FetchError } from '../fetch-json.ts';
import type { Fetched } from '../fetch-json.ts';
import { jwtBackend } from './jwt.ts';
import { KeySets } from '../key-sets.ts';

const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PEM = issuer.publicKey.export({ type: 'spki', format: 'pem' });
const ROLE = { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'v', groups_claim: '' };

function noFetch(): Promise<Fetched> {
  throw new FetchError('no network here');
}

const clock = { nowMs: () => 0, monotonicMs: () => 0, after: () => () => {} };

interface Rig {
  readonly bench: Bench;
  login(claims: JsonObject, key?: KeyObject): Promise<string>;
}

async function openRig(role: JsonObject = {}, config: JsonObject = {}): Promise<Rig> {
  const bench = await openBench(
    jwtBackend({ clock, random: systemRandom, log: silentLog, fetch: noFetch }),
  );
  await bench.call('write', 'config', { jwt_validation_pubkeys: [PEM], ...config });
  await bench.call('write', 'role/r', { ...ROLE, ...role });
  const now = bench.nowMs / 1000;
  return {
    bench,
    async login(claims, key = issuer.privateKey) {
      const all = { sub: 'bob', aud: 'v', iat: now, exp: now + 60, ...claims };
      const jwt = foreignJws(all, { algorithm: 'ES256', key, keyId: '' });
      try {
        const reply = await bench.call('write', 'login', { role: 'r', jwt });
        return reply?.auth?.alias?.name ?? 'nobody';
      } catch (error) {
        if (error instanceof RequestError) return `refused: ${error.message}`;
        throw error;
      }
    },
  };
}

const REFUSED = 'refused: error validating token';

suite('claims', () => {
  test('a good token is who it says', async () => {
    const rig = await openRig();
    assert.equal(await rig.login({}), 'bob');
    assert.equal(await rig.login({ aud: ['x', 'v'] }), 'bob');
  });

  test('whatever is wrong, the caller hears the same', async () => {
    const rig = await openRig({}, { bound_issuer: 'https://iss' });
    const now = rig.bench.nowMs / 1000;
    const iss = 'https://iss';
    assert.equal(await rig.login({ iss }), 'bob');
    assert.equal(await rig.login({ iss }, other.privateKey), REFUSED);
    for (const claims of [
      {},
      { iss: 'https://other' },
      { iss, aud: 'w' },
      { iss, aud: [] },
      { iss, aud: ['V'] },
      { iss, aud: [5] },
      { iss, exp: now - 61 },
      { iss, nbf: now + 61 },
      { iss, iat: now + 61 },
      { iss, exp: 'never' },
      { iss, sub: 5 },
      { iss, sub: '' },
    ] as JsonObject[]) {
      assert.equal(await rig.login(claims), REFUSED, JSON.stringify(claims));
    }
  });

  test('bound_audiences and the audience of a token, in every combination (CVE-2024-5798)', async () => {
    const audiences: readonly (readonly [JsonObject, boolean])[] = [
      [{ aud: 'v' }, true],
      [{ aud: ['w', 'v'] }, true],
      [{ aud: 'w' }, false],
      [{ aud: ['w'] }, false],
      [{ aud: [] }, false],
      [{ aud: null }, false],
      [{ aud: 'v ' }, false],
      [{ aud: [['v']] }, false],
    ];
    for (const [claims, letIn] of audiences) {
      const bound = await openRig({ bound_audiences: ['u', 'v'] });
      assert.equal(await bound.login(claims), letIn ? 'bob' : REFUSED, JSON.stringify(claims));
      const free = await openRig({ bound_audiences: [], bound_subject: 'bob' });
      const without = claims['aud'] === null || JSON.stringify(claims['aud']) === '[]';
      assert.equal(await free.login(claims), without ? 'bob' : REFUSED, JSON.stringify(claims));
    }
  });

  test('a role for browsers takes no token, and one for tokens begins no login of a browser', async () => {
    const rig = await openRig();
    const redirect = 'https://x.example/';
    await rig.bench.call('write', 'role/o', {
      role_type: 'oidc',
      user_claim: 'sub',
      allowed_redirect_uris: redirect,
    });
    const now = rig.bench.nowMs / 1000;
    const jwt = foreignJws(
      { sub: 'bob', iat: now, exp: now + 60 },
      { algorithm: 'ES256', key: issuer.privateKey, keyId: '' },
    );
    const error = await rig.bench.fail('write', 'login', { role: 'o', jwt });
    assert.notEqual(error.code, 'internal');
    const wish = { role: 'r', redirect_uri: redirect };
    const reply = await rig.bench.call('write', 'oidc/auth_url', wish).catch(() => undefined);
    assert.equal(reply?.data?.['auth_url'] ?? '', '');
  });

  test('a token for an audience is refused where the role is bound to none', async () => {
    const rig = await openRig({ bound_audiences: [], bound_subject: 'bob' });
    assert.equal(await rig.login({}), REFUSED);
    assert.equal(await rig.login({ aud: null }), 'bob');
  });

  test('bound claims must be there, of the right value and type', async () => {
    const rig = await openRig({
      bound_claims_type: 'glob',
      bound_claims: { ref: ['refs/heads/*', 'main'], '/project/id': 'p1' },
    });
    const project = { id: 'p1' };
    assert.equal(await rig.login({ ref: 'refs/heads/x', project }), 'bob');
    assert.equal(await rig.login({ ref: ['other', 'main'], project }), 'bob');
    for (const claims of [
      { ref: 'refs/tags/x', project },
      { ref: 'main' },
      { project },
      { ref: 'main', project: { id: ['p2'] } },
      { ref: 'main', project: [] },
      { ref: null, project },
      { ref: { main: 'main' }, project },
    ] as JsonObject[]) {
      assert.equal(await rig.login(claims), REFUSED, JSON.stringify(claims));
    }
  });

  test('claims that are taken back are shown as none', async () => {
    const rig = await openRig();
    for (const none of [null, {}]) {
      const role = { ...ROLE, bound_claims: none, claim_mappings: none };
      await rig.bench.call('write', 'role/new', role);
      const shown = (await rig.bench.call('read', 'role/new'))?.data;
      assert.deepEqual([shown?.['bound_claims'], shown?.['claim_mappings']], [none, none]);
    }
  });

  test('a role that anybody’s token would satisfy is refused', async () => {
    const rig = await openRig();
    for (const role of [
      { ...ROLE, bound_audiences: [] },
      { ...ROLE, user_claim: '' },
      { ...ROLE, role_type: 'x' },
      { ...ROLE, bound_claims: { a: { b: 'c' } } },
      { ...ROLE, bound_claims_type: 'regex' },
      { ...ROLE, token_policies: 'Root' },
    ] as JsonObject[]) {
      await rig.bench.fail('write', 'role/new', role);
    }
  });
});

suite('fetched keys', () => {
  const source = { kind: 'jwks', url: 'https://iss/keys', caPem: '' } as const;
  const jwkOf = (pair: { publicKey: KeyObject }, kid: string): object => ({
    ...pair.publicKey.export({ format: 'jwk' }),
    kid,
  });

  interface Issuer {
    nowMs: number;
    fetches: number;
    keys: object[];
    readonly sets: KeySets;
    verify(pair: { privateKey: KeyObject }, keyId: string): Promise<boolean>;
  }

  function openIssuer(): Issuer {
    const state: Issuer = {
      nowMs: 0,
      fetches: 0,
      keys: [jwkOf(issuer, 'a')],
      sets: new KeySets({ ...clock, monotonicMs: () => state.nowMs }, async () => {
        state.fetches++;
        return { status: 200, document: { keys: state.keys } };
      }),
      async verify(pair, keyId) {
        const token = foreignJws({}, { algorithm: 'ES256', key: pair.privateKey, keyId });
        const jws = parseJws(token);
        assert.ok(jws !== undefined);
        return await state.sets.verify(jws, source);
      },
    };
    return state;
  }

  test('a rotated key is found, and forged tokens do not make us ask again and again', async () => {
    const open = openIssuer();
    assert.equal(await open.verify(issuer, 'a'), true);
    for (let count = 0; count < 50; count++) assert.equal(await open.verify(other, 'b'), false);
    assert.equal(open.fetches, 1);
    open.keys = [jwkOf(other, 'b')];
    open.nowMs += 10_000;
    assert.equal(await open.verify(other, 'b'), true);
    assert.equal(open.fetches, 2);
    assert.equal(await open.verify(issuer, 'a'), false);
  });

  test('a removed key is out after five minutes', async () => {
    const open = openIssuer();
    assert.equal(await open.verify(issuer, 'a'), true);
    open.keys = [];
    assert.equal(await open.verify(issuer, 'a'), true);
    open.nowMs += 5 * 60_000;
    assert.equal(await open.verify(issuer, 'a'), false);
  });

  test('logins at once wait for one answer', async () => {
    const open = openIssuer();
    const all = await Promise.all(Array.from({ length: 20 }, () => open.verify(issuer, 'a')));
    assert.ok(all.every(Boolean));
    assert.equal(open.fetches, 1);
  });

  test('a discovery document of another issuer is refused', async () => {
    const sets = new KeySets(clock, async (url) => ({
      status: 200,
      document: url.endsWith('openid-configuration')
        ? { issuer: 'https://evil', jwks_uri: 'https://evil/keys' }
        : { keys: [jwkOf(other, 'b')] },
    }));
    await assert.rejects(sets.check({ ...source, kind: 'discovery' }), FetchError);
  });
});
