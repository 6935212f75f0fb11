/** ID tokens of a provider that errs or lies: which of them end a browser login (OpenID Connect Core 1.0 §3.1.3.7). */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import { foreignJws } from '../../crypto/jws.testkit.ts';
import { RequestError } from '../../model/errors.ts';
import { jwtBackend } from './jwt.ts';

const ISSUER = 'https://provider.example';
const CLIENT = 'strongroom';
const CALLBACK = 'http://localhost:8250/oidc/callback';
const NONCE = 'the nonce of the client';
const ACCESS_TOKEN = 'access';
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');
}

/** Ends a login whose ID token has these claims beside, or in place of, the right ones. */
async function login(claims: JsonObject, key = pair.privateKey): Promise<string> {
  let idToken = '';
  const documents: Readonly<Record<string, unknown>> = {
    '/.well-known/openid-configuration': {
      issuer: ISSUER,
      jwks_uri: `${ISSUER}/keys`,
      authorization_endpoint: `${ISSUER}/authorize`,
      token_endpoint: `${ISSUER}/token`,
    },
    '/keys': { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256' }] },
  };
  const backend = jwtBackend({
    clock: { nowMs: () => 0, monotonicMs: () => 0, after: () => () => {} },
    random: systemRandom,
    log: silentLog,
    async fetch(url) {
      const path = new URL(url).pathname;
      const tokens = { id_token: idToken, access_token: ACCESS_TOKEN, token_type: 'Bearer' };
      return { status: 200, document: path === '/token' ? tokens : documents[path] };
    },
  });
  const bench = await openBench(backend);
  await bench.call('write', 'config', {
    oidc_discovery_url: ISSUER,
    oidc_client_id: CLIENT,
    oidc_client_secret: 'secret',
    default_role: 'r',
  });
  await bench.call('write', 'role/r', { user_claim: 'sub', allowed_redirect_uris: CALLBACK });
  const sent = { redirect_uri: CALLBACK, client_nonce: NONCE };
  const begun = await bench.call('write', 'oidc/auth_url', sent);
  const asked = new URL(String(begun?.data?.['auth_url'])).searchParams;
  const now = bench.nowMs / 1000;
  const right = {
    iss: ISSUER,
    aud: CLIENT,
    sub: 'ada',
    iat: now,
    exp: now + 60,
    nonce: asked.get('nonce') ?? '',
    at_hash: hashOf(ACCESS_TOKEN),
  };
  const all: JsonObject = { ...right, ...claims };
  idToken = foreignJws(all, { algorithm: 'ES256', key, keyId: 'k' });
  try {
    const reply = await bench.call('read', 'oidc/callback', {
      state: asked.get('state') ?? '',
      code: 'code',
      client_nonce: NONCE,
    });
    return reply?.auth?.alias?.name ?? 'nobody';
  } catch (error) {
    if (error instanceof RequestError) return error.message;
    throw error;
  }
}

test('a token that was made for this login is believed', async () => {
  assert.equal(await login({}), 'ada');
  assert.equal(await login({ aud: [CLIENT, 'another'], azp: CLIENT }), 'ada');
});

const WRONG: Readonly<Record<string, JsonObject>> = {
  'for another client': { aud: 'another' },
  'for other clients': { aud: ['another', 'third'] },
  'for nobody': { aud: [] },
  'issued to another client': { aud: [CLIENT, 'another'], azp: 'another' },
  'of another issuer': { iss: `${ISSUER}/` },
  'of another login': { nonce: 'another' },
  'without a nonce': { nonce: '' },
  'that is over': { iat: 1, exp: 2 },
  'with another access token': { at_hash: hashOf('another') },
};
for (const [what, claims] of Object.entries(WRONG)) {
  test(`a token ${what} is refused`, async () => {
    assert.equal(await login(claims), 'Vault login failed.');
  });
}

test('a token that another key has signed is refused', async () => {
  assert.equal(await login({}, foreign.privateKey), 'Vault login failed.');
});
