/** Logins by browser, against a real OpenID provider. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { silentLog } from '../../base/log.ts';
import { systemClock } from '../../base/clock.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { RequestError } from '../../model/errors.ts';
import { fetchJson } from '../fetch-json.ts';
import { jwtBackend } from './jwt.ts';
import { CLIENT, HTTPS_LOOPBACK, IMPLICIT_CLIENT, openProvider } from './provider.testkit.ts';
import type { Landing, OpenProvider } from './provider.testkit.ts';
import type { Reply } from '../../model/reply.ts';

const CALLBACK = 'http://localhost:8250/oidc/callback';
const CONSOLE = 'https://strongroom.example/ui/vault/auth/oidc/oidc/callback';
const DIRECT = 'https://strongroom.example/v1/auth/oidc/oidc/callback';
const NONCE = 'the nonce of the client';

let provider: OpenProvider;
before(async () => {
  provider = await openProvider({
    redirect_uris: [CALLBACK, CONSOLE, DIRECT, CONSOLE.replace('ui/vault', 'v1')],
  });
});
after(() => provider.close());

interface Rig {
  readonly bench: Bench;
  begin(wish?: JsonObject): Promise<Record<string, unknown>>;
  /** A whole login in the mode client: the name of the alias, or the refusal. */
  login(user: string): Promise<string>;
}

async function openRig(role: JsonObject = {}, config: JsonObject = {}): Promise<Rig> {
  const backend = jwtBackend({
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    fetch: fetchJson,
  });
  const bench = await openBench(backend);
  bench.nowMs = systemClock.nowMs();
  await bench.call('write', 'config', {
    oidc_discovery_url: provider.issuer,
    oidc_client_id: CLIENT.id,
    oidc_client_secret: CLIENT.secret,
    default_role: 'r',
    ...config,
  });
  await bench.call('write', 'role/r', {
    user_claim: 'sub',
    allowed_redirect_uris: [CALLBACK, CONSOLE, DIRECT, HTTPS_LOOPBACK],
    ...role,
  });
  const begin: Rig['begin'] = async (wish = {}) => {
    const sent = { redirect_uri: CALLBACK, client_nonce: NONCE, ...wish };
    return (await bench.call('write', 'oidc/auth_url', sent))?.data ?? {};
  };
  return {
    bench,
    begin,
    async login(user) {
      try {
        const { auth_url: url } = await begin();
        const landing = await provider.signIn(String(url), user);
        return nameOf(await end(bench, landing));
      } catch (error) {
        if (error instanceof RequestError) return error.message;
        throw error;
      }
    },
  };
}

function nameOf(reply: Reply | undefined): string {
  return reply?.auth?.alias?.name ?? 'nobody';
}

/** As the command line ends a login: with what the browser brought, and its own nonce. */
async function end(
  bench: Bench,
  landing: Landing,
  more: JsonObject = {},
): Promise<Reply | undefined> {
  return await bench.call('read', 'oidc/callback', {
    ...landing.values,
    client_nonce: NONCE,
    ...more,
  });
}

const STALE = 'Vault login failed. Expired or missing OAuth state.';

suite('the mode client', () => {
  test('is a login as whom the provider says, with what the role maps', async () => {
    provider.claims = { email: 'ada@example.com', groups: ['a', 'b'], team: 'red' };
    const rig = await openRig({
      oidc_scopes: 'email',
      groups_claim: 'groups',
      claim_mappings: { email: 'mail' },
      bound_claims: { team: 'red' },
      token_policies: 'p',
      max_age: 3600,
    });
    const { auth_url: url } = await rig.begin({ role: 'R' });
    const sent = new URL(String(url)).searchParams;
    assert.equal(sent.get('code_challenge_method'), 'S256');
    assert.equal(sent.get('scope'), 'openid email');
    assert.equal(sent.get('redirect_uri'), CALLBACK);
    const landing = await provider.signIn(String(url), 'ada');
    assert.ok(landing.url.startsWith(CALLBACK));
    const { auth } = (await end(rig.bench, landing)) ?? {};
    assert.deepEqual(auth?.alias, {
      name: 'ada',
      metadata: { mail: 'ada@example.com', role: 'r' },
    });
    assert.deepEqual(auth.groupAliases, ['a', 'b']);
    assert.deepEqual(auth.policies, ['p']);
    // A state is good for one login.
    assert.equal(
      (await rig.bench.fail('read', 'oidc/callback', { ...landing.values, client_nonce: NONCE }))
        .message,
      STALE,
    );
  });

  test('any port of the loopback interface will do, and nothing else that is not allowed', async () => {
    const rig = await openRig();
    const there = await rig.begin({ redirect_uri: 'http://localhost:1234/oidc/callback' });
    assert.notEqual(there['auth_url'], '');
    for (const uri of [
      'http://localhost:8250/other',
      'http://localhost.evil.example/oidc/callback',
      'http://evil@localhost:8250/oidc/callback',
      `${CONSOLE}/`,
      `${CONSOLE}?x=1`,
      'not a url',
    ])
      assert.deepEqual(await rig.begin({ redirect_uri: uri }), { auth_url: '' }, uri);
  });

  test('the namespace of a console goes along in the state', async () => {
    const rig = await openRig();
    const { auth_url: url } = await rig.begin({ redirect_uri: `${CONSOLE}?namespace=a%2Fb` });
    const sent = new URL(String(url)).searchParams;
    assert.equal(sent.get('redirect_uri'), CONSOLE);
    assert.match(sent.get('state') ?? '', /,ns=a\/b$/);
    const landing = await provider.signIn(String(url), 'ada');
    assert.equal(nameOf(await end(rig.bench, landing)), 'ada');
  });

  test('a login is its client’s, its mount’s and its time’s', async () => {
    const rig = await openRig();
    const { auth_url: url } = await rig.begin();
    const landing = await provider.signIn(String(url), 'ada');
    await assert.rejects(
      end(rig.bench, landing, { client_nonce: 'another' }),
      /invalid client_nonce/,
    );
    await assert.rejects(end(rig.bench, landing, { client_nonce: '' }), /invalid client_nonce/);
    const state = landing.values['state'] ?? '';
    const flipped = `${state.slice(0, -2)}${state.endsWith('AA') ? 'BB' : 'AA'}`;
    for (const forged of ['', 'st_', 'st_abc', flipped])
      await assert.rejects(end(rig.bench, landing, { state: forged }), { message: STALE });
    const other = await openRig();
    await assert.rejects(end(other.bench, landing), { message: STALE });
    rig.bench.nowMs += 10 * 60_000;
    await assert.rejects(end(rig.bench, landing), { message: STALE });
    rig.bench.nowMs -= 10 * 60_000;
    assert.equal(nameOf(await end(rig.bench, landing)), 'ada');
  });

  test('a browser at an address that the role is not bound to is not let in', async () => {
    const rig = await openRig({ token_bound_cidrs: '10.0.0.0/8' });
    assert.equal(await rig.login('ada'), 'permission denied');
    const bound = await openRig({ token_bound_cidrs: '127.0.0.0/8' });
    assert.equal(await bound.login('ada'), 'ada');
  });

  test('a code of another login is not taken (PKCE, nonce)', async () => {
    const rig = await openRig();
    const own = await provider.signIn(String((await rig.begin())['auth_url']), 'ada');
    const stolen = await provider.signIn(String((await rig.begin())['auth_url']), 'victim');
    const code = stolen.values['code'] ?? '';
    await assert.rejects(end(rig.bench, own, { code }), { message: 'Vault login failed.' });
  });

  test('whatever is wrong, the caller hears the same', async () => {
    provider.claims = { team: 'red' };
    for (const role of [
      { bound_claims: { team: 'blue' } },
      { bound_subject: 'somebody' },
      { bound_audiences: 'another' },
      { user_claim: 'missing' },
      { groups_claim: 'missing' },
    ])
      assert.equal(await (await openRig(role)).login('ada'), 'Vault login failed.');
    assert.equal(
      await (await openRig({ token_bound_cidrs: '10.0.0.0/8' })).login('ada'),
      'permission denied',
    );
  });

  test('an error of the provider is told as its code only', async () => {
    const rig = await openRig();
    const { auth_url: url } = await rig.begin();
    const state = new URL(String(url)).searchParams.get('state') ?? '';
    const error = { state, error: 'access_denied', error_description: '<img src=x onerror=…>' };
    assert.equal(
      (await rig.bench.fail('read', 'oidc/callback', error)).message,
      'Vault login failed. access_denied',
    );
    const odd = await rig.bench.fail('read', 'oidc/callback', { state, error: '<b>' });
    assert.equal(odd.message, 'Vault login failed.');
  });

  test('policies can be filled from claims', async () => {
    provider.claims = { team: 'red' };
    const rig = await openRig({
      token_policies: ['team-{{.team}}', 'all'],
      token_policies_template_claims: true,
    });
    const landing = await provider.signIn(String((await rig.begin())['auth_url']), 'ada');
    assert.deepEqual((await end(rig.bench, landing))?.auth?.policies, ['team-red', 'all']);
    provider.claims = { team: '../root' };
    assert.equal(await rig.login('ada'), 'Vault login failed.');
    await rig.bench.fail('write', 'role/x', {
      token_policies: '{{ if .a }}',
      token_policies_template_claims: true,
      user_claim: 'sub',
      allowed_redirect_uris: 'x',
    });
  });
});

suite('the mode direct', () => {
  const role = { callback_mode: 'direct', poll_interval: 2 };

  async function arrive(rig: Rig): Promise<{ state: string; landing: Landing }> {
    const begun = await rig.begin({ redirect_uri: DIRECT });
    assert.equal(begun['poll_interval'], '2');
    const landing = await provider.signIn(String(begun['auth_url']), 'ada');
    return { state: String(begun['state']), landing };
  }

  test('asks the user, then whoever polls with the nonce is in, once', async () => {
    const rig = await openRig(role);
    const { state, landing } = await arrive(rig);
    const poll = { state, client_nonce: NONCE };
    assert.equal(
      (await rig.bench.fail('write', 'oidc/poll', poll)).message,
      'authorization_pending',
    );
    const question = await rig.bench.call('read', 'oidc/callback', landing.values);
    const page = String(question?.raw?.body);
    assert.match(page, /127\.0\.0\.1/);
    assert.match(page, /name="confirmation" value="yes"/);
    assert.match(question?.headers?.['Content-Security-Policy'] ?? '', /default-src 'none'/);
    assert.equal(
      (await rig.bench.fail('write', 'oidc/poll', poll)).message,
      'authorization_pending',
    );
    const confirmed = { ...landing.values, confirmation: 'yes' };
    const done = await rig.bench.call('read', 'oidc/callback', confirmed);
    assert.match(String(done?.raw?.body), /complete/);
    assert.equal(done?.auth, undefined);
    assert.equal(
      (await rig.bench.fail('write', 'oidc/poll', { state, client_nonce: 'x' })).message,
      'invalid client_nonce',
    );
    assert.equal(nameOf(await rig.bench.call('write', 'oidc/poll', poll)), 'ada');
    assert.equal((await rig.bench.fail('write', 'oidc/poll', poll)).message, STALE);
    assert.equal((await rig.bench.fail('read', 'oidc/callback', confirmed)).message, STALE);
  });

  test('a nonce is needed, and a refusal is a page without markup of others', async () => {
    const rig = await openRig(role);
    await rig.bench.fail('write', 'oidc/auth_url', { redirect_uri: DIRECT });
    const { landing } = await arrive(rig);
    const state = landing.values['state'] ?? '';
    const given = { state, error: 'access_denied', error_description: '<img src=x>' };
    const question = await rig.bench.call('read', 'oidc/callback', {
      ...given,
      code: '"><script>',
    });
    assert.doesNotMatch(String(question?.raw?.body), /<script>/);
    const failure = await rig.bench.fail('read', 'oidc/callback', {
      ...given,
      confirmation: 'yes',
    });
    assert.match(String(failure.page?.body), /Vault login failed. access_denied/);
    assert.doesNotMatch(String(failure.page?.body), /<img/);
  });
});

suite('the mode device', () => {
  test('the user goes elsewhere with a code, and whoever polls is in', async () => {
    const rig = await openRig({ callback_mode: 'device' });
    const begun = await rig.begin({ redirect_uri: '' });
    assert.match(String(begun['auth_url']), /device/);
    const state = String(begun['state']);
    const poll = { state, client_nonce: NONCE };
    assert.equal(
      (await rig.bench.fail('write', 'oidc/poll', poll)).message,
      'authorization_pending',
    );
    await provider.confirmDevice(String(begun['auth_url']), '', 'ada');
    assert.equal(nameOf(await rig.bench.call('write', 'oidc/poll', poll)), 'ada');
    assert.equal((await rig.bench.fail('write', 'oidc/poll', poll)).message, STALE);
  });
});

suite('form_post', () => {
  const config = {
    oidc_response_mode: 'form_post',
    oidc_response_types: 'id_token',
    oidc_client_id: IMPLICIT_CLIENT,
  };

  test('the provider’s form is judged, and the client that brought it is in', async () => {
    const rig = await openRig({}, config);
    const begun = await rig.begin({ redirect_uri: HTTPS_LOOPBACK });
    const landing = await provider.signIn(String(begun['auth_url']), 'ada');
    assert.equal(landing.method, 'POST');
    await rig.bench.call('write', 'oidc/callback', landing.values);
    const { state = '' } = landing.values;
    assert.equal(nameOf(await end(rig.bench, { ...landing, values: { state } })), 'ada');
    assert.equal((await rig.bench.fail('write', 'oidc/callback', landing.values)).message, STALE);
  });

  test('at a console, only the browser that brought it goes on', async () => {
    const rig = await openRig({}, config);
    const { auth_url: url } = await rig.begin({ redirect_uri: CONSOLE });
    const landing = await provider.signIn(String(url), 'victim');
    const page = String(
      (await rig.bench.call('write', 'oidc/callback', landing.values))?.raw?.body,
    );
    const { state = '' } = landing.values;
    await assert.rejects(end(rig.bench, landing, { code: 'no_code' }), /Vault login failed/);
    await rig.bench.fail('write', 'oidc/poll', { state, client_nonce: NONCE });
    const code = /code=(\w+)/.exec(page)?.[1] ?? '';
    assert.equal(
      nameOf(await end(rig.bench, { ...landing, values: { state } }, { code })),
      'victim',
    );
  });

  test('without the mode, nothing takes a form', async () => {
    const rig = await openRig();
    const reply = await rig.bench.call('write', 'oidc/callback', { state: 'x' });
    assert.equal(reply?.status, 405);
    assert.equal(reply.raw?.body, '');
  });
});
