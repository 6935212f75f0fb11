/** The Key Vault calls of the provider azurerm, in the form that its generated client gives them: the version in the query, none in the path. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';

const API_VERSION = '7.4';
const POLL_MS = 100;
const POLLS_MAX = 300;

export interface VaultAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export class VaultCalls {
  #token: Promise<string> | undefined;

  /** @param path below the vault, without the query. */
  async call(method: string, path: string, body?: object): Promise<VaultAnswer> {
    const url = new URL(`${process.env['VAULT_URL'] ?? ''}/${path}?api-version=${API_VERSION}`);
    const token = await (this.#token ??= logIn());
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    };
    return await ask(method, url, headers, body === undefined ? '' : JSON.stringify(body));
  }

  /** Deletes, waits until that is seen, purges, and waits again. */
  async destroy(kind: 'secrets' | 'keys' | 'certificates', name: string): Promise<void> {
    assert.equal((await this.call('DELETE', `${kind}/${name}`)).status, 200);
    await this.until(async () => (await this.call('GET', `${kind}/${name}/`)).status === 404);
    await this.until(
      async () => (await this.call('DELETE', `deleted${kind}/${name}`)).status === 204,
    );
    await this.until(async () => (await this.call('GET', `deleted${kind}/${name}`)).status === 404);
  }

  async until(done: () => Promise<boolean>): Promise<void> {
    for (let count = 0; count < POLLS_MAX; count++) {
      if (await done()) return;
      await pause(POLL_MS);
    }
    throw new Error('waited in vain');
  }
}

async function logIn(): Promise<string> {
  const {
    AZURE_AUTHORITY_HOST = '',
    AZURE_TENANT_ID = '',
    AZURE_CLIENT_ID = '',
    AZURE_CLIENT_SECRET = '',
    VAULT_URL = '',
  } = process.env;
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: AZURE_CLIENT_ID,
    client_secret: AZURE_CLIENT_SECRET,
    scope: `https://${new URL(VAULT_URL).hostname.replace(/^[^.]*\./, '')}/.default`,
  });
  const url = new URL(`${AZURE_AUTHORITY_HOST}/${AZURE_TENANT_ID}/oauth2/v2.0/token`);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const { status, body } = await ask('POST', url, headers, form.toString());
  assert.equal(status, 200, JSON.stringify(body));
  return String(body['access_token']);
}

/** The names of the vault lead to this machine, as a name server would say. */
async function ask(
  method: string,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<VaultAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<VaultAnswer>();
  const sent = request(
    {
      host: '127.0.0.1',
      servername: url.hostname,
      port: url.port,
      path: url.pathname + url.search,
      method,
      ca: readFileSync(process.env['NODE_EXTRA_CA_CERTS'] ?? ''),
      headers: { ...headers, host: url.host, 'content-length': Buffer.byteLength(body) },
    },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const parsed = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
        resolve({ status: answer.statusCode ?? 0, body: parsed });
      });
      answer.on('error', reject);
    },
  );
  sent.on('error', reject);
  sent.end(body);
  return await promise;
}
