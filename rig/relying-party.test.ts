/** The OpenID provider as a relying party that others wrote sees it: discovery, PKCE, codes, tokens, user info. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as relying from 'openid-client';
import { at, textAt } from './api.ts';
import { startVaultServer, strongroom } from './vault-server.ts';
import type { VaultServer } from './vault-server.ts';

const REDIRECT = 'https://app.example/callback';
const ISSUER_PATH = 'identity/oidc/provider/main';

let server: VaultServer;
let folder: string;
let userToken: string;
let entityId: string;

async function admin(method: string, path: string, body?: unknown): Promise<unknown> {
  return await server.api.expect(method, path, {
    token: server.rootToken,
    ...(body === undefined ? {} : { body }),
  });
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'strongroom-rp-'));
  server = await startVaultServer(strongroom, { folder });
  await admin('POST', 'sys/auth/userpass', { type: 'userpass' });
  await admin('POST', 'auth/userpass/users/alice', { password: 'pw' });
  const login = await server.api.expect('POST', 'auth/userpass/login/alice', {
    body: { password: 'pw' },
  });
  userToken = textAt(login, 'auth', 'client_token');
  entityId = textAt(login, 'auth', 'entity_id');
  await admin('POST', `identity/entity/id/${entityId}`, { metadata: { mail: 'a@example.com' } });
  await admin('POST', 'identity/group', { name: 'staff', member_entity_ids: [entityId] });
  const group = textAt(await admin('GET', 'identity/group/name/staff'), 'data', 'id');
  await admin('POST', 'identity/oidc/assignment/staff', { group_ids: [group] });
  await admin('POST', 'identity/oidc/scope/profile', {
    template:
      '{"email": {{identity.entity.metadata.mail}}, "groups": {{identity.entity.groups.names}}}',
  });
  await admin('POST', 'identity/oidc/key/es', { algorithm: 'ES256' });
  await admin('POST', 'identity/oidc/provider/main', { scopes_supported: 'profile' });
});

after(async () => {
  await server.child.kill();
  server.api.close();
  rmSync(folder, { recursive: true, force: true });
});

interface ClientParts {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A client of the provider, which may use it. */
async function makeClient(name: string, settings: Record<string, unknown>): Promise<ClientParts> {
  await admin('POST', `identity/oidc/client/${name}`, {
    redirect_uris: [REDIRECT],
    assignments: ['staff'],
    ...settings,
  });
  const client = await admin('GET', `identity/oidc/client/${name}`);
  const clientId = textAt(client, 'data', 'client_id');
  await admin('POST', 'identity/oidc/key/es', { allowed_client_ids: ['*'] });
  await admin('POST', ISSUER_PATH, { allowed_client_ids: ['*'] });
  const isPublic = at(client, 'data', 'client_type') === 'public';
  return { clientId, clientSecret: isPublic ? '' : textAt(client, 'data', 'client_secret') };
}

async function discovered(
  { clientId, clientSecret }: ClientParts,
  authentication: relying.ClientAuth,
): Promise<relying.Configuration> {
  return await relying.discovery(
    new URL(`${server.api.address}/v1/${ISSUER_PATH}`),
    clientId,
    clientSecret === '' ? undefined : clientSecret,
    authentication,
    { execute: [relying.allowInsecureRequests] },
  );
}

/** What a browser does between the relying party's two halves: the user, logged in here, lets the client in. */
async function authorize(url: URL, token = userToken): Promise<{ status: number; body: unknown }> {
  return await server.api.call('GET', `${ISSUER_PATH}/authorize${url.search}`, { token });
}

interface Flow {
  readonly url: URL;
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
}

async function beginFlow(
  config: relying.Configuration,
  more: Record<string, string> = {},
): Promise<Flow> {
  const verifier = relying.randomPKCECodeVerifier();
  const state = relying.randomState();
  const nonce = relying.randomNonce();
  const url = relying.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: 'openid profile',
    code_challenge: await relying.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  });
  return { url, verifier, state, nonce };
}

function callbackOf(answer: { readonly body: unknown }): URL {
  const callback = new URL(REDIRECT);
  callback.searchParams.set('code', textAt(answer.body, 'code'));
  callback.searchParams.set('state', textAt(answer.body, 'state'));
  return callback;
}

async function redeem(
  config: relying.Configuration,
  flow: Flow,
  callback: URL,
): ReturnType<typeof relying.authorizationCodeGrant> {
  return await relying.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier: flow.verifier,
    expectedState: flow.state,
    expectedNonce: flow.nonce,
  });
}

const WAYS: readonly (readonly [string, string, (secret: string) => relying.ClientAuth])[] = [
  ['Basic credentials', 'confidential', relying.ClientSecretBasic],
  ['credentials in the body', 'confidential', relying.ClientSecretPost],
  ['no secret', 'public', () => relying.None()],
];

describe('a relying party', () => {
  for (const [index, [way, type, authentication]] of WAYS.entries()) {
    test(`logs a user in with ${way}`, async () => {
      const client = await makeClient(`app${index}`, { client_type: type, key: 'es' });
      const config = await discovered(client, authentication(client.clientSecret));
      const flow = await beginFlow(config, { max_age: '3600' });
      const tokens = await redeem(config, flow, callbackOf(await authorize(flow.url)));
      const claims = tokens.claims();
      assert.equal(claims?.sub, entityId);
      assert.equal(claims['email'], 'a@example.com');
      assert.deepEqual(claims['groups'], ['staff']);
      const info = await relying.fetchUserInfo(config, tokens.access_token, entityId);
      assert.equal(info.email, 'a@example.com');
    });
  }

  test('gets a token of its own', async () => {
    const client = await makeClient('service', { client_credentials: true, key: 'es' });
    const config = await discovered(client, relying.ClientSecretPost(client.clientSecret));
    const tokens = await relying.clientCredentialsGrant(config, { scope: 'openid' });
    assert.equal(tokens.token_type, 'bearer');
    assert.equal(tokens.access_token.split('.').length, 3);
  });

  test('gets nothing for a code twice, for a wrong verifier, at another address, or for the code of another client', async () => {
    const client = await makeClient('strict', { key: 'es' });
    const other = await makeClient('other', { key: 'es' });
    const config = await discovered(client, relying.ClientSecretPost(client.clientSecret));
    const flow = await beginFlow(config);
    const callback = callbackOf(await authorize(flow.url));
    await redeem(config, flow, callback);
    await assert.rejects(redeem(config, flow, callback), { error: 'invalid_grant' });

    const second = await beginFlow(config);
    const wrong = { ...second, verifier: relying.randomPKCECodeVerifier() };
    const secondCallback = callbackOf(await authorize(second.url));
    await assert.rejects(redeem(config, wrong, secondCallback), { error: 'invalid_grant' });
    await assert.rejects(redeem(config, second, secondCallback), { error: 'invalid_grant' });

    const third = await beginFlow(config);
    const stolen = callbackOf(await authorize(third.url));
    const thief = await discovered(other, relying.ClientSecretPost(other.clientSecret));
    await assert.rejects(redeem(thief, third, stolen), { error: 'invalid_grant' });

    const moved = await beginFlow(config);
    const elsewhere = callbackOf(await authorize(moved.url));
    elsewhere.pathname += '/x';
    await assert.rejects(redeem(config, moved, elsewhere), { error: 'invalid_grant' });

    const liar = await discovered(client, relying.ClientSecretPost('hvo_secret_wrong'));
    const fourth = await beginFlow(config);
    await assert.rejects(redeem(liar, fourth, callbackOf(await authorize(fourth.url))), {
      status: 401,
    });
  });

  test('is not let in for a user that no assignment names, nor to an address that it has not registered', async () => {
    const client = await makeClient('closed', { key: 'es', assignments: [] });
    const config = await discovered(client, relying.ClientSecretPost(client.clientSecret));
    const answer = await authorize((await beginFlow(config)).url);
    assert.equal(at(answer.body, 'error'), 'access_denied');
    const elsewhere = await beginFlow(config, { redirect_uri: `${REDIRECT}/x` });
    assert.equal(at((await authorize(elsewhere.url)).body, 'error'), 'invalid_redirect_uri');
  });

  test('may ask for the user and nothing else, and not once the user is disabled', async () => {
    const client = await makeClient('narrow', { key: 'es' });
    const config = await discovered(client, relying.ClientSecretBasic(client.clientSecret));
    const flow = await beginFlow(config);
    const tokens = await redeem(config, flow, callbackOf(await authorize(flow.url)));
    const bearer = { headers: { authorization: `Bearer ${tokens.access_token}` } };
    // Whoever is refused at the endpoint hears it in the words of RFC 6750, whatever the reason.
    for (const [path, status] of [
      ['auth/token/lookup-self', 403],
      ['identity/oidc/provider/default/userinfo', 401],
    ] as const)
      assert.equal((await server.api.call('GET', path, bearer)).status, status, path);
    const asToken = { token: tokens.access_token };
    const misplaced = await server.api.call('GET', `${ISSUER_PATH}/userinfo`, asToken);
    assert.deepEqual([misplaced.status, at(misplaced.body, 'error')], [401, 'invalid_token']);
    await admin('POST', `identity/entity/id/${entityId}`, { disabled: true });
    const refused = await server.api.call('GET', `${ISSUER_PATH}/userinfo`, bearer);
    await admin('POST', `identity/entity/id/${entityId}`, { disabled: false });
    assert.equal(refused.status, 401);
  });
});
