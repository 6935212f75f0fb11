/**
 * Logs in with the unmodified node-vault client, by each method. Environment: MODULES (folder it is installed in), ADDR, CA (PEM
 * file), and what `logins.ts` prepares. One line per case, then "N passed, N failed".
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { runCases } from '../cases.ts';

interface Answer {
  readonly data: { readonly data?: unknown };
  readonly auth: { readonly client_token: string };
}

type Client = Readonly<Record<string, (...args: readonly unknown[]) => Promise<Answer>>> & {
  token: string;
};

const { ADDR, CA = '', MODULES = '', CLIENT_CERT = '', CLIENT_KEY = '' } = process.env;
const require = createRequire(`${MODULES}/`);
const makeClient = require('node-vault') as (options: object) => Client;

function client(options: object = {}): Client {
  const requestOptions = { ca: readFileSync(CA), ...options };
  return makeClient({ apiVersion: 'v1', endpoint: ADDR, requestOptions });
}

const CERTIFICATE = { cert: readFileSync(CLIENT_CERT), key: readFileSync(CLIENT_KEY) };

function login(
  name: string,
  given: object,
  wrong: object,
  options: object = {},
): () => Promise<void> {
  return async () => {
    const caller = client(options);
    await assert.rejects(
      async () => await caller[name]?.({ ...given, ...wrong }),
      ({ response }: { readonly response?: { readonly statusCode?: number } }) =>
        [400, 403].includes(response?.statusCode ?? 0),
    );
    const answer = await caller[name]?.(given);
    caller.token = answer?.auth.client_token ?? '';
    const read = await caller['read']?.('secret/data/app');
    assert.deepEqual(read?.data.data, { value: 'of everybody who is in' });
    await caller['tokenRenewSelf']?.();
    await caller['tokenRevokeSelf']?.();
  };
}

const { ROLE_ID, SECRET_ID, JWT, KUBERNETES_JWT } = process.env;

await runCases('logins-javascript', {
  approle: login('approleLogin', { role_id: ROLE_ID, secret_id: SECRET_ID }, { secret_id: 'x' }),
  userpass: login('userpassLogin', { username: 'ada', password: 'lovelace' }, { password: 'x' }),
  kubernetes: login(
    'kubernetesLogin',
    { mount_point: 'kubernetes', role: 'app', jwt: KUBERNETES_JWT },
    { jwt: JWT },
  ),
  async jwt() {
    const caller = client();
    await assert.rejects(
      async () => await caller['write']?.('auth/jwt/login', { role: 'app', jwt: 'x' }),
    );
    const answer = await caller['write']?.('auth/jwt/login', { role: 'app', jwt: JWT });
    assert.ok(answer?.auth.client_token);
  },
  async cert() {
    const caller = client(CERTIFICATE);
    await assert.rejects(async () => await caller['write']?.('auth/cert/login', { name: 'other' }));
    const answer = await caller['write']?.('auth/cert/login', { name: 'app' });
    assert.ok(answer?.auth.client_token);
    await assert.rejects(async () => await client()['write']?.('auth/cert/login', { name: 'app' }));
  },
});
