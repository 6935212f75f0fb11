/** The Google Cloud engine against small token, IAM and credentials endpoints that check assertions and keep keys. */
import assert from 'node:assert/strict';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
} from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, suite, test } from 'node:test';
import { fetchBytes } from '../auth/fetch-json.ts';
import type { JsonObject } from '../base/json.ts';
import { systemRandom, uuid } from '../base/random.ts';
import { claimsOf, parseJws, verifyJws } from '../crypto/jws.ts';
import { testBackendDeclaration } from '../engines/backend.contract.ts';
import { gcpBackend } from '../engines/gcp/gcp.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

testBackendDeclaration(gcpBackend({ random: systemRandom, send: fetchBytes }));

const MANAGER = 'manager@proj.iam.gserviceaccount.com';
const APP = 'app@proj.iam.gserviceaccount.com';
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const CREDENTIALS = JSON.stringify({
  type: 'service_account',
  project_id: 'proj',
  private_key_id: 'k1',
  private_key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  client_email: MANAGER,
});

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

class FakeGoogle {
  /** Certificates (PEM) by the name of their key. */
  readonly keys = new Map<string, string>();
  readonly bodies: JsonObject[] = [];
  /** Keys of the manager that were not uploaded. */
  readonly managerKeys = new Set(['k1']);
  /** Keys that not all of Google knows yet. */
  readonly ignores = new Set<string>();
  refuses: string | undefined;
  /** The next upload is done, but its answer is lost. */
  losesAnswer = false;
  nowMs = 0;
  #token = '';
  readonly #server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => void this.#serve(request, response, text));
  });

  async #serve(request: IncomingMessage, response: ServerResponse, text: string): Promise<void> {
    const [status, body] = await this.#answer(request, text);
    if (status === 0) {
      request.socket.destroy();
      return;
    }
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, text: string): Promise<[number, unknown]> {
    const { method = '', url = '' } = request;
    if (url === '/token') return await this.#grant(request, text);
    if (request.headers.authorization !== `Bearer ${this.#token}`) return refusal(401, 'token');
    if (this.refuses !== undefined && `${method} ${url}`.includes(this.refuses)) {
      return refusal(403, 'denied');
    }
    if (text !== '') this.bodies.push(JSON.parse(text) as JsonObject);
    if (url.endsWith(':generateAccessToken')) {
      const seconds = Number.parseInt(textOf(this.bodies.at(-1)?.['lifetime']), 10);
      const expireTime = new Date(this.nowMs + seconds * 1000).toISOString();
      return [200, { accessToken: `token of ${url.split('/')[5] ?? ''}`, expireTime }];
    }
    const [, , , , , account = ''] = url.replace(':upload', '').split('/');
    const keys = `/v1/projects/-/serviceAccounts/${account}/keys`;
    if (method === 'POST' && url === `${keys}:upload`) {
      const name = `projects/proj/serviceAccounts/${account}/keys/${uuid(systemRandom)}`;
      const data = textOf(this.bodies.at(-1)?.['publicKeyData']);
      this.keys.set(name, Buffer.from(data, 'base64').toString());
      if (!this.losesAnswer) return [200, { name }];
      this.losesAnswer = false;
      return [0, {}];
    }
    if (method === 'GET' && url.startsWith(`${keys}?`)) {
      return [200, { keys: [...this.keys.keys()].map((name) => ({ name })) }];
    }
    const given = url.slice('/v1/'.length).split('?')[0] ?? '';
    const name = given.replace('projects/-/', 'projects/proj/');
    if (
      method === 'DELETE' &&
      name.endsWith(`${MANAGER}/keys/k1`) &&
      this.managerKeys.delete('k1')
    ) {
      return [200, {}];
    }
    const pem = this.keys.get(name);
    if (pem === undefined) return refusal(404, 'no such key');
    if (method !== 'DELETE')
      return [200, { name, publicKeyData: Buffer.from(pem).toString('base64') }];
    this.keys.delete(name);
    return [200, {}];
  }

  /** RFC 7523: an assertion that the manager signed, for this server, that is not over. */
  async #grant(request: IncomingMessage, text: string): Promise<[number, unknown]> {
    const form = new URLSearchParams(text);
    const jws = parseJws(form.get('assertion') ?? '');
    const claims = jws === undefined ? undefined : claimsOf(jws);
    const id = textOf(jws?.keyId);
    const certificate = this.keys.get(`projects/proj/serviceAccounts/${MANAGER}/keys/${id}`);
    const key =
      certificate !== undefined
        ? new X509Certificate(certificate).publicKey
        : createPublicKey(pair.publicKey.export({ type: 'spki', format: 'pem' }));
    const good =
      jws !== undefined &&
      jws.algorithm === 'RS256' &&
      (certificate !== undefined || this.managerKeys.has(id)) &&
      !this.ignores.has(id) &&
      (await verifyJws(jws, key)) &&
      claims?.['iss'] === MANAGER &&
      claims['aud'] === `http://${request.headers.host ?? ''}/token` &&
      Number(claims['exp']) * 1000 > this.nowMs &&
      form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer';
    if (!good) return [400, { error: 'invalid_grant', error_description: 'bad assertion' }];
    this.#token = uuid(systemRandom);
    return [200, { access_token: this.#token, expires_in: 3600, token_type: 'Bearer' }];
  }
}

function refusal(status: number, message: string): [number, unknown] {
  return [status, { error: { code: status, message } }];
}

suite('the Google Cloud engine', () => {
  let google: FakeGoogle;
  let open: OpenInstance;
  let endpoints: Record<string, string>;

  before(async () => {
    google = new FakeGoogle();
    const host = await google.listen();
    endpoints = { iam: host, iamcredentials: host, oauth2: `${host}/token` };
    open = await openInstance();
    await open.ask('write', 'sys/mounts/gcp', { data: { type: 'gcp' } });
    const data = {
      credentials: CREDENTIALS,
      ttl: '10m',
      max_ttl: '30m',
      custom_endpoint: endpoints,
    };
    assert.equal(await open.outcome('write', 'gcp/config', { data }), 'ok');
  });
  beforeEach(() => {
    google.nowMs = open.clock.nowMs();
    google.refuses = undefined;
  });
  after(async () => {
    google?.close();
    await open?.instance.close();
  });

  const write = async (path: string, data: JsonObject): Promise<string> =>
    (await open.ask('write', path, { data })).error?.message ?? 'done';

  test('settings and accounts are checked, and show no key', async () => {
    const shown = JSON.stringify(await open.get('read', 'gcp/config'));
    assert.ok(shown.includes(MANAGER) && !shown.includes('PRIVATE'));
    for (const data of [
      { credentials: 'S3CRET' },
      { credentials: '{}' },
      { custom_endpoint: { other: 'https://x' } },
      { custom_endpoint: { iam: 'ftp://x' } },
    ]) {
      const message = await write('gcp/config', data);
      assert.ok(message !== 'done' && !message.includes('S3CRET'));
    }
    const account = { service_account_email: APP, token_scopes: 'https://x.test/scope' };
    for (const data of [
      { ...account, service_account_email: '../../x' },
      { ...account, token_scopes: '' },
      { ...account, token_scopes: 'cloud' },
      { ...account, ttl: '13h' },
      { ...account, secret_type: 'password' },
    ]) {
      assert.notEqual(await write('gcp/static-account/bad', data), 'done', JSON.stringify(data));
    }
    const key = { ...account, secret_type: 'service_account_key' };
    assert.notEqual(await write('gcp/impersonated-account/bad', key), 'done');
  });

  test('access tokens by impersonation, with the scopes and the life of the account', async () => {
    for (const kind of ['static-account', 'impersonated-account']) {
      const scope = 'https://www.googleapis.com/auth/devstorage.read_only';
      const data = { service_account_email: APP, token_scopes: scope, ttl: '15m' };
      assert.equal(await write(`gcp/${kind}/app`, data), 'done');
      const { reply, lease } = await open.ask('read', `gcp/${kind}/app/token`);
      assert.equal(reply?.data?.['token'], `token of ${APP}:generateAccessToken`);
      assert.equal(reply?.data?.['token_ttl'], 900);
      assert.equal(lease, undefined);
      assert.deepEqual(google.bodies.at(-1), { scope: [scope], lifetime: '900s' });
      assert.deepEqual(await open.get('list', `gcp/${kind}s/`), { keys: ['app'] });
    }
    const { error } = await open.ask('read', 'gcp/static-account/app/key');
    assert.match(error?.message ?? '', /gives access tokens/);
  });

  suite('keys', () => {
    before(async () => {
      const data = { service_account_email: APP, secret_type: 'service_account_key' };
      assert.equal(await write('gcp/static-account/keys', data), 'done');
    });

    test('are made here, and Google gets their certificates only, for as long as the lease', async () => {
      const { reply, lease, error } = await open.ask('read', 'gcp/static-account/keys/key');
      assert.equal(error, undefined);
      const data = Buffer.from(String(reply?.data?.['private_key_data']), 'base64').toString();
      const file = JSON.parse(data) as { private_key: string; private_key_id: string };
      const [[name, pem] = ['', '']] = [...google.keys];
      assert.ok(name.endsWith(file.private_key_id));
      const certificate = new X509Certificate(pem);
      assert.ok(certificate.checkPrivateKey(createPrivateKey(file.private_key)));
      assert.ok(certificate.verify(certificate.publicKey));
      assert.ok(Date.parse(certificate.validTo) > open.clock.nowMs() + 1_800_000);
      assert.equal(lease?.durationSeconds, 600);
      await open.pass(601);
      assert.equal(google.keys.size, 0);
    });

    test('whose upload was done but not answered are found by their certificate, and no other is touched', async () => {
      const { lease: kept } = await open.ask('read', 'gcp/static-account/keys/key');
      google.losesAnswer = true;
      const { error } = await open.ask('read', 'gcp/static-account/keys/key');
      assert.match(error?.message ?? '', /Google does not answer/);
      await open.pass(1);
      assert.equal(google.keys.size, 1);
      const data = { lease_id: kept?.id ?? '', sync: true };
      assert.equal(await open.outcome('write', 'sys/leases/revoke', { data }), 'ok');
      assert.equal(google.keys.size, 0);
    });

    test('are removed when Google lets them be, and one that is gone is no failure', async () => {
      await open.ask('read', 'gcp/static-account/keys/key');
      google.refuses = 'DELETE';
      await open.pass(601);
      assert.equal(google.keys.size, 1);
      google.refuses = undefined;
      await open.pass(3600);
      assert.equal(google.keys.size, 0);
      const { lease } = await open.ask('read', 'gcp/static-account/keys/key');
      google.keys.clear();
      const data = { lease_id: lease?.id ?? '', sync: true };
      assert.equal(await open.outcome('write', 'sys/leases/revoke', { data }), 'ok');
    });
  });

  suite('rotation of the manager’s own key', () => {
    const uploaded = (): string[] =>
      [...google.keys.keys()].filter((name) => name.includes(MANAGER));

    test('leaves none behind whose answer was lost', async () => {
      google.losesAnswer = true;
      assert.match(await write('gcp/config/rotate-root', {}), /Google does not answer/);
      await open.pass(1);
      assert.deepEqual([uploaded(), google.managerKeys.size], [[], 1]);
    });

    test('goes over to the new one when Google takes it, and removes the old one', async () => {
      const made = await open.get('write', 'gcp/config/rotate-root');
      const id = textOf(made['private_key_id']);
      assert.ok(uploaded()[0]?.endsWith(id));
      assert.deepEqual(Object.keys(made), ['private_key_id']);
      assert.match(await write('gcp/config/rotate-root', {}), /not removed yet/);
      google.ignores.add(id);
      await open.pass(61);
      assert.ok(
        google.managerKeys.has('k1'),
        'the old one stays until the new one is known to work',
      );
      google.ignores.clear();
      await open.pass(61);
      assert.equal(google.managerKeys.size, 0);
      google.nowMs = open.clock.nowMs();
      const { error } = await open.ask('read', 'gcp/static-account/app/token');
      assert.equal(error, undefined);

      const next = textOf((await open.get('write', 'gcp/config/rotate-root'))['private_key_id']);
      google.nowMs = open.clock.nowMs();
      await open.pass(61);
      assert.deepEqual(
        uploaded().map((name) => name.slice(name.lastIndexOf('/') + 1)),
        [next],
      );
      const shown = JSON.stringify(await open.get('read', 'gcp/config'));
      assert.ok(!shown.includes('PRIVATE'));
    });
  });
});
