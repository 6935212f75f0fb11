/** The pages, in a real browser: people sign in to applications by the OpenID provider, with what they have. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as relying from 'openid-client';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { at, textAt } from './api.ts';
import { findBrowser, startBrowser } from './browser.ts';
import { startVaultServer, strongroom } from './vault-server.ts';
import type { VaultServer } from './vault-server.ts';

const PROVIDER = 'identity/oidc/provider/main';
const BROWSER = findBrowser();
const SKIP = BROWSER === undefined ? 'needs chromium (apt-get install chromium)' : false;
/** A folder for pictures of every page, for those who want to look at them. */
const PICTURES = process.env['STRONGROOM_TEST_PICTURES'] ?? '';

let server: VaultServer;
let folder: string;
let browser: Browser;
let application: Server;
let entityId: string;

async function admin(method: string, path: string, body?: unknown): Promise<unknown> {
  return await server.api.expect(method, path, {
    token: server.rootToken,
    ...(body === undefined ? {} : { body }),
  });
}

function applicationAddress(): string {
  return `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`;
}

/** RFC 6238, as an authenticator on a telephone computes it. */
function codeOf(url: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = Array.from(new URL(url).searchParams.get('secret') ?? '')
    .map((sign) => alphabet.indexOf(sign).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

before(async () => {
  if (BROWSER === undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'strongroom-pages-'));
  server = await startVaultServer(strongroom, { folder });
  browser = await startBrowser(BROWSER);
  application = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<title>Wiki</title>Back at the application');
  });
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  for (const type of ['userpass', 'oidc']) await admin('POST', `sys/auth/${type}`, { type });
  await admin('POST', 'auth/userpass/users/alice', { password: 'pw' });
  await admin('POST', 'auth/userpass/users/eve', { password: 'pw' });
  const login = await server.api.expect('POST', 'auth/userpass/login/alice', {
    body: { password: 'pw' },
  });
  entityId = textAt(login, 'auth', 'entity_id');
  await admin('POST', 'identity/oidc/assignment/staff', { entity_ids: [entityId] });
  await admin('POST', 'identity/oidc/key/es', { algorithm: 'ES256', allowed_client_ids: ['*'] });
  await admin('POST', PROVIDER, { allowed_client_ids: ['*'] });
  await admin('POST', 'identity/oidc/client/wiki', {
    redirect_uris: [applicationAddress()],
    assignments: ['staff'],
    key: 'es',
    client_type: 'public',
  });
});

after(async () => {
  if (BROWSER === undefined) return;
  await browser.close();
  application.close();
  await server.child.kill();
  server.api.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Flow {
  readonly config: relying.Configuration;
  readonly url: URL;
  readonly verifier: string;
  readonly state: string;
}

async function beginFlow(more: Record<string, string> = {}): Promise<Flow> {
  const clientId = textAt(await admin('GET', 'identity/oidc/client/wiki'), 'data', 'client_id');
  const config = await relying.discovery(
    new URL(`${server.api.address}/v1/${PROVIDER}`),
    clientId,
    undefined,
    relying.None(),
    { execute: [relying.allowInsecureRequests] },
  );
  const verifier = relying.randomPKCECodeVerifier();
  const state = relying.randomState();
  const url = relying.buildAuthorizationUrl(config, {
    redirect_uri: applicationAddress(),
    scope: 'openid',
    code_challenge: await relying.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...more,
  });
  return { config, url, verifier, state };
}

async function subjectOf({ config, verifier, state }: Flow, callback: string): Promise<string> {
  const checks = { pkceCodeVerifier: verifier, expectedState: state };
  const tokens = await relying.authorizationCodeGrant(config, new URL(callback), checks);
  return tokens.claims()?.sub ?? '';
}

/** Of the text in the first cell that says `asker`, in pixels. */
const HEIGHT_OF_ASKER = `(() => {
  const cell = [...document.querySelectorAll('td')].find((each) => each.textContent === 'asker');
  const range = document.createRange();
  range.selectNodeContents(cell);
  return range.getBoundingClientRect().height;
})()`;

let pictures = 0;

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === '') return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({
    path: join(PICTURES, `${String((pictures += 1)).padStart(2, '0')}-${name}.png`),
  });
}

/** A tab in a browser that nobody has used yet. What a page's policy forbids it, or fails in it, is a failure of the test. */
async function freshTab(): Promise<{ page: Page; context: BrowserContext; trouble: string[] }> {
  const context = await browser.newContext({ viewport: { width: 900, height: 700 } });
  const page = await context.newPage();
  const trouble: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('Failed to load resource'))
      trouble.push(message.text());
  });
  page.on('pageerror', (error) => trouble.push(error.message));
  return { page, context, trouble };
}

async function typeIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function atApplication(page: Page): Promise<string> {
  await page.waitForURL(`${applicationAddress()}?*`);
  return page.url();
}

describe('pages in a browser', { skip: SKIP }, () => {
  test('sign somebody in to an application, and let him through the next time', async () => {
    const { page, context, trouble } = await freshTab();
    const flow = await beginFlow();
    await page.goto(flow.url.href);
    await picture(page, 'sign-in');
    await typeIn(page, 'alice', 'wrong');
    assert.match((await page.getByRole('alert').textContent()) ?? '', /not let in/);
    assert.equal(
      await page.getByRole('textbox', { name: 'Name', exact: true }).inputValue(),
      'alice',
    );
    await picture(page, 'refused');
    await typeIn(page, 'alice', 'pw');
    assert.equal(await subjectOf(flow, await atApplication(page)), entityId);

    const second = await beginFlow();
    await page.goto(second.url.href);
    assert.equal(await subjectOf(second, await atApplication(page)), entityId);
    const quiet = await beginFlow({ prompt: 'none' });
    await page.goto(quiet.url.href);
    assert.equal(await subjectOf(quiet, await atApplication(page)), entityId);

    const [cookie, ...others] = await context.cookies(server.api.address);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [cookie?.httpOnly, cookie?.secure, cookie?.sameSite, cookie?.path],
      [true, true, 'Lax', '/'],
    );
    assert.deepEqual(trouble, []);
    await context.close();
  });

  test('ask before they go on where the application wants that, and again for a password', async () => {
    const { page, context, trouble } = await freshTab();
    await page.goto((await beginFlow()).url.href);
    await typeIn(page, 'alice', 'pw');
    await atApplication(page);
    const asking = await beginFlow({ prompt: 'consent' });
    await page.goto(asking.url.href);
    await picture(page, 'consent');
    await page.getByRole('button', { name: 'Refuse' }).click();
    assert.equal(new URL(await atApplication(page)).searchParams.get('error'), 'access_denied');
    await page.goto(asking.url.href);
    await page.getByRole('button', { name: 'Continue' }).click();
    assert.equal(await subjectOf(asking, await atApplication(page)), entityId);
    const anew = await beginFlow({ prompt: 'login', login_hint: 'alice' });
    await page.goto(anew.url.href);
    assert.equal(
      await page.getByRole('textbox', { name: 'Name', exact: true }).inputValue(),
      'alice',
    );
    await typeIn(page, 'alice', 'pw');
    assert.equal(await subjectOf(anew, await atApplication(page)), entityId);
    assert.deepEqual(trouble, []);
    await context.close();
  });

  test('ask for the second factor, and take no wrong code for it', async () => {
    await admin('POST', 'auth/userpass/users/mia', { password: 'pw' });
    const made = await admin('POST', 'identity/mfa/method/totp', {
      issuer: 'Strongroom',
      method_name: 'phone',
    });
    const method = textAt(made, 'data', 'method_id');
    const first = await server.api.expect('POST', 'auth/userpass/login/mia', {
      body: { password: 'pw' },
    });
    const entity = textAt(first, 'auth', 'entity_id');
    const enrolled = await admin('POST', 'identity/mfa/method/totp/admin-generate', {
      method_id: method,
      entity_id: entity,
    });
    await admin('POST', 'identity/mfa/login-enforcement/mia', {
      mfa_method_ids: [method],
      identity_entity_ids: [entity],
    });
    const { page, context, trouble } = await freshTab();
    await page.goto(`${server.api.address}/ui/`);
    await typeIn(page, 'mia', 'pw');
    await picture(page, 'second-factor');
    await page.getByLabel('Code of phone').fill('000000');
    await page.getByRole('button', { name: 'Continue' }).click();
    assert.match((await page.getByRole('alert').textContent()) ?? '', /not accepted/);
    await page.getByLabel('Code of phone').fill(codeOf(textAt(enrolled, 'data', 'url')));
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: 'Signed in' }).waitFor();
    await page.getByText('userpass-mia').waitFor();
    await picture(page, 'start');
    assert.deepEqual(trouble, []);
    await context.close();
  });

  test('turn away who is not assigned, and say what to do; send nobody to an address that is not registered', async () => {
    const { page, context } = await freshTab();
    await page.goto((await beginFlow()).url.href);
    await typeIn(page, 'eve', 'pw');
    await page.getByText('not assigned to this application').waitFor();
    await picture(page, 'not-assigned');
    const back = await page
      .getByRole('link', { name: 'Back to the application' })
      .getAttribute('href');
    assert.equal(new URL(back ?? '').searchParams.get('error'), 'access_denied');
    for (const [more, text] of [
      [{ redirect_uri: 'https://evil.example/' }, 'not registered for it'],
      [{ client_id: 'nobody' }, 'not registered here'],
    ] as const) {
      const { url } = await beginFlow(more);
      await page.goto(url.href);
      await page.getByText(text).waitFor();
      assert.equal(new URL(page.url()).origin, server.api.address);
    }
    await picture(page, 'unknown-application');
    await page.goto((await beginFlow({ response_type: 'token' })).url.href);
    assert.equal(
      new URL(await atApplication(page)).searchParams.get('error'),
      'unsupported_response_type',
    );
    await context.close();
  });

  test('end a session for good when somebody signs out, but not a token that he brought', async () => {
    const { page, context } = await freshTab();
    await page.goto(`${server.api.address}/`);
    await typeIn(page, 'alice', 'pw');
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    const [cookie] = await context.cookies(server.api.address);
    const kept: unknown = JSON.parse(Buffer.from(cookie?.value ?? '', 'base64url').toString());
    const token = textAt(kept, 'token');
    assert.equal((await server.api.call('GET', 'auth/token/lookup-self', { token })).status, 200);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    assert.equal((await server.api.call('GET', 'auth/token/lookup-self', { token })).status, 403);
    assert.deepEqual(await context.cookies(server.api.address), []);

    await page.getByRole('link', { name: 'Token' }).click();
    await page.getByRole('textbox', { name: 'Token', exact: true }).fill('hvs.nobody');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('not valid here').waitFor();
    await picture(page, 'token');
    await page.getByRole('textbox', { name: 'Token', exact: true }).fill(server.rootToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await admin('GET', 'auth/token/lookup-self');
    await context.close();
  });

  test('take no form of another site, and go to no other site after signing in', async () => {
    const { page, context } = await freshTab();
    await page.goto(applicationAddress());
    await page.setContent(
      `<form method="post" action="${server.api.address}/ui/sign-in"><input name="method" value="userpass"><input name="username" value="eve"><input name="password" value="pw"><button>Win</button></form>`,
    );
    await page.getByRole('button', { name: 'Win' }).click();
    await page.getByText('sent by another site').waitFor();
    assert.deepEqual(await context.cookies(server.api.address), []);
    for (const next of [
      'https://evil.example/',
      '//evil.example/ui/',
      '/\\evil.example',
      '/v1/sys/seal',
    ]) {
      await page.goto(
        `${server.api.address}/ui/sign-in?${new URLSearchParams({ next }).toString()}`,
      );
      assert.equal(await page.locator('input[name=next]').inputValue(), '/ui/', next);
    }
    await context.close();
  });
});

describe('pages of approvals', { skip: SKIP }, () => {
  test('show an approver what waits, who asks and why, and take the decision', async () => {
    const controlled = `path "secret/data/prod/*" { capabilities = ["create", "update"]
      control_group { factor "ops" { identity { group_names = ["ops"] approvals = 1 } } } }
      path "sys/approvals/*" { capabilities = ["update"] }`;
    await admin('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
    await admin('POST', 'sys/policies/acl/controlled', { policy: controlled });
    const people: Record<string, { token: string; id: string }> = {};
    for (const name of ['asker', 'boss']) {
      const settings = { password: 'pw', token_policies: ['controlled'] };
      await admin('POST', `auth/userpass/users/${name}`, settings);
      const login = await server.api.expect('POST', `auth/userpass/login/${name}`, {
        body: { password: 'pw' },
      });
      const [token, id] = [
        textAt(login, 'auth', 'client_token'),
        textAt(login, 'auth', 'entity_id'),
      ];
      people[name] = { token, id };
    }
    await admin('POST', 'identity/group', { name: 'ops', member_entity_ids: [people['boss']?.id] });
    const wrapped: string[] = [];
    for (const name of ['db', 'web']) {
      const answer = await server.api.expect('POST', `secret/data/prod/${name}`, {
        token: people['asker']?.token ?? '',
        body: { data: { password: '<script>alert(1)</script>' } },
        headers: { 'x-strongroom-reason': `ticket <b>7</b>${' because'.repeat(60)}` },
      });
      wrapped.push(textAt(answer, 'wrap_info', 'token'));
    }
    const { page, context, trouble } = await freshTab();
    await page.goto(`${server.api.address}/ui/approvals`);
    await typeIn(page, 'boss', 'pw');
    await page.getByRole('heading', { name: 'For you to decide' }).waitFor();
    await picture(page, 'approvals');
    // However long a reason is, no word of the other columns is torn apart.
    for (const width of [900, 380]) {
      await page.setViewportSize({ width, height: 700 });
      await picture(page, `approvals-${width}`);
      const height = await page.evaluate(HEIGHT_OF_ASKER);
      assert.ok(Number(height) < 40, `${width}: ${String(height)}`);
    }
    await page.getByRole('link', { name: 'secret/data/prod/db' }).click();
    await page.getByText('ticket <b>7</b>').waitFor();
    await page.getByText('<script>alert(1)</script>').waitFor();
    await picture(page, 'approval');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('link', { name: 'secret/data/prod/web' }).click();
    await page.getByLabel('Reason').fill('not today');
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.getByRole('heading', { name: 'Asked for by you, or decided by you' }).waitFor();
    await picture(page, 'decided');
    const opened = async (token = ''): Promise<{ status: number; body: unknown }> =>
      await server.api.call('POST', 'sys/wrapping/unwrap', { token });
    assert.equal((await opened(wrapped[0])).status, 200);
    assert.match(JSON.stringify((await opened(wrapped[1])).body), /denied by boss: not today/);
    assert.deepEqual(trouble, []);
    await context.close();
  });
});

describe('pages and another provider', { skip: SKIP }, () => {
  test('sign somebody in by OpenID Connect: another server of ours is the provider', async () => {
    const other = mkdtempSync(join(tmpdir(), 'strongroom-pages-provider-'));
    const upstream = await startVaultServer(strongroom, { folder: other });
    try {
      const there = async (method: string, path: string, body?: unknown): Promise<unknown> =>
        await upstream.api.expect(method, path, {
          token: upstream.rootToken,
          ...(body === undefined ? {} : { body }),
        });
      // Of another host than the provider: cookies do not tell ports apart.
      const here = server.api.address.replace('127.0.0.1', 'localhost');
      const redirect = `${here}/ui/vault/auth/oidc/oidc/callback`;
      await there('POST', 'sys/auth/userpass', { type: 'userpass' });
      await there('POST', 'auth/userpass/users/otto', { password: 'pw' });
      await there('POST', 'identity/oidc/key/es', {
        algorithm: 'ES256',
        allowed_client_ids: ['*'],
      });
      await there('POST', 'identity/oidc/client/us', {
        redirect_uris: [redirect],
        assignments: ['allow_all'],
        key: 'es',
      });
      const client = await there('GET', 'identity/oidc/client/us');
      await admin('POST', 'auth/oidc/config', {
        oidc_discovery_url: `${upstream.api.address}/v1/identity/oidc/provider/default`,
        oidc_client_id: textAt(client, 'data', 'client_id'),
        oidc_client_secret: textAt(client, 'data', 'client_secret'),
        default_role: 'people',
      });
      const role = { user_claim: 'sub', token_policies: ['default'] };
      await admin('POST', 'auth/oidc/role/people', { ...role, allowed_redirect_uris: [redirect] });
      await admin('POST', 'auth/oidc/role/elsewhere', {
        ...role,
        allowed_redirect_uris: ['https://x.example/'],
      });
      const { page, context, trouble } = await freshTab();
      await page.goto(`${here}/ui/`);
      await page.getByRole('link', { name: 'OpenID Connect' }).click();
      await picture(page, 'provider');
      await page.getByLabel('Role').fill('elsewhere');
      await page.getByRole('button', { name: 'Go to OpenID Connect' }).click();
      await page.getByText(redirect).waitFor();
      await page.getByLabel('Role').fill('');
      await page.getByRole('button', { name: 'Go to OpenID Connect' }).click();
      await page.waitForURL(`${upstream.api.address}/ui/sign-in?*`);
      await typeIn(page, 'otto', 'pw');
      await page.waitForURL(`${here}/ui/`);
      await page.getByText('oidc-').waitFor();
      assert.deepEqual(trouble, []);
      await context.close();
      const self = at(await admin('LIST', 'identity/entity-alias/id'), 'data', 'key_info');
      assert.ok(JSON.stringify(self).includes('auth/oidc/'));
    } finally {
      await upstream.child.kill();
      upstream.api.close();
      rmSync(other, { recursive: true, force: true });
    }
  });
});
