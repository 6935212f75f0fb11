/** A real server process with an account, a vault and a project bound to one mount, and callers of each API. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textAt } from '../../rig/api.ts';
import { freePort } from '../../rig/child.ts';
import { startVaultServer, strongroom } from '../../rig/vault-server.ts';
import type { VaultServer } from '../../rig/vault-server.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';
export const PROJECT = 'attacked';
export const VAULT_HOST = 'attacked.kv.example.com';
export const AZURE_VERSION = 'api-version=7.6';
/** Requests must come whole within this time at the second listener. */
const IMPATIENT_SECONDS = 1;
const TIMEOUT_MS = 20_000;
const PROBE_MS_MAX = 2_000;

/** What the callers may do: nothing outside of `mine/`. */
const POLICY =
  'path "secret/+/mine/*" { capabilities = ["create", "read", "update", "delete", "list"] } ' +
  'path "secret/+/mine-*" { capabilities = ["create", "read", "update", "delete", "list"] }';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

export interface Sending {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Names and values by turns, in place of `headers`: a name may come twice. */
  readonly rawHeaders?: readonly string[];
  readonly body?: string | Buffer;
}

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

export interface CloudTarget {
  readonly server: VaultServer;
  readonly port: number;
  /** Of a listener that waits one second for a request. */
  readonly impatientPort: number;
  readonly accessKey: AccessKey;
  /** A token with the policy of the callers. */
  readonly token: string;
  send(path: string, sending?: Sending): Promise<Answer>;
  /** Signed as AWS's SDKs do; `change` alters the headers after signing. */
  aws(operation: string, body: string | Buffer, change?: Change): Promise<Answer>;
  azure(method: string, path: string, body?: string | Buffer): Promise<Answer>;
  google(method: string, path: string, body?: string | Buffer): Promise<Answer>;
  /** The server answers at once, whatever came before. */
  alive(): Promise<void>;
  /** Everything that the server wrote about what it did. */
  written(): string;
  residentMib(): number;
  stop(): Promise<void>;
}

export interface Change {
  readonly headers?: Readonly<Record<string, string>>;
  readonly service?: string;
  readonly key?: AccessKey;
  /** Added to the time of the signature. */
  readonly skewMs?: number;
  readonly body?: string | Buffer;
}

export async function startCloudTarget(): Promise<CloudTarget> {
  const folder = mkdtempSync(join(tmpdir(), 'clouds-'));
  const impatientPort = await freePort();
  const server = await startVaultServer(strongroom, {
    folder,
    settings: `listener "tcp" {
  address = "127.0.0.1:${impatientPort}"
  tls_disable = true
  http_read_timeout = "${IMPATIENT_SECONDS}s"
  http_read_header_timeout = "${IMPATIENT_SECONDS}s"
}`,
  });
  const put = async (path: string, body: unknown): Promise<Record<string, unknown>> =>
    await server.api.expect('PUT', path, { token: server.rootToken, body });
  await put('sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await put('sys/policies/acl/caller', { policy: POLICY });
  await put('identity/entity', { name: 'caller', policies: ['caller'] });
  await put(`sys/bindings/aws/${ACCOUNT}`, { mount: 'secret/' });
  await put(`sys/bindings/azure/${VAULT_HOST}`, { mount: 'secret/' });
  await put(`sys/bindings/gcp/${PROJECT}`, { mount: 'secret/' });
  await put('secret/data/theirs/db', { data: { password: 'not-for-callers' } });
  const issued = await put('identity/credential/access-key', {
    entity_name: 'caller',
    bound_to: ACCOUNT,
  });
  const accessKey = {
    id: textAt(issued, 'data', 'access_key_id'),
    secret: textAt(issued, 'data', 'secret_access_key'),
  };
  const made = await put('auth/token/create', { policies: ['caller'] });
  const token = textAt(made, 'auth', 'client_token');
  const port = Number(new URL(server.api.address).port);
  const agent = new Agent({ keepAlive: false });

  function send(path: string, sending: Sending = {}): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const { method = 'GET', headers = {}, rawHeaders, body } = sending;
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        agent,
        headers: rawHeaders ?? { ...length, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end(body);
    return promise;
  }

  return {
    server,
    port,
    impatientPort,
    accessKey,
    token,
    send,
    aws: async (operation, body, change = {}) => {
      const headers = signedHeaders(operation, body, change.key ?? accessKey, change);
      return await send('/', {
        method: 'POST',
        headers: { ...headers, ...change.headers },
        body: change.body ?? body,
      });
    },
    azure: async (method, path, body) =>
      await send(`${path}${path.includes('?') ? '&' : '?'}${AZURE_VERSION}`, {
        method,
        headers: {
          host: VAULT_HOST,
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
      }),
    google: async (method, path, body) =>
      await send(`/v1/projects/${PROJECT}/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
      }),
    alive: async () => {
      const startMs = performance.now();
      const { status } = await server.api.call('GET', 'sys/health');
      assert.equal(status, 200, server.child.output);
      assert.ok(performance.now() - startMs < PROBE_MS_MAX, 'the probe had to wait');
    },
    written: () => server.child.output + readFileSync(server.auditFile, 'utf8'),
    residentMib: () => server.child.memory()?.residentMib ?? 0,
    stop: async () => {
      agent.destroy();
      server.api.close();
      await server.child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Signature version 4 as the SDKs compute it: over the host, the date and the target. */
function signedHeaders(
  operation: string,
  body: string | Buffer,
  key: AccessKey,
  { service = 'secretsmanager', skewMs = 0 }: Change,
): Record<string, string> {
  const now = new Date(Date.now() + skewMs).toISOString();
  const date = `${now.slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host: 'localhost',
    'x-amz-date': date,
    'x-amz-target': `secretsmanager.${operation}`,
  };
  const hash = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = `POST\n/\n\n${lines.join('')}\n${names}\n${hash(body)}`;
  const scope = [date.slice(0, 8), REGION, service, 'aws4_request'];
  let signing = Buffer.from(`AWS4${key.secret}`);
  for (const part of scope) signing = createHmac('sha256', signing).update(part).digest();
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope.join('/')}\n${hash(canonical)}`;
  const signature = createHmac('sha256', signing).update(text).digest('hex');
  const credential = `${key.id}/${scope.join('/')}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}
