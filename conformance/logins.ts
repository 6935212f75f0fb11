/** What the suites of logins find on the server: each method with somebody who may log in, and who they are. */
import { execFileSync } from 'node:child_process';
import { createSign, createVerify, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { textAt } from '../rig/api.ts';
import type { Stage } from './stages.ts';

const HOUR_SECONDS = 3600;
const ACCOUNT = { namespace: 'prod', name: 'app', uid: 'uid-of-app' };

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });

function signed(claims: object): string {
  const text = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${createSign('sha256').update(text).sign(pair.privateKey, 'base64url')}`;
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** An API server that reviews tokens by their signature (`authentication.k8s.io/v1`). */
async function startReviewer(): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const { spec } = JSON.parse(await bodyOf(incoming)) as { spec: { token: string } };
      const [header, payload, signature = ''] = spec.token.split('.');
      const good = createVerify('sha256')
        .update(`${header}.${payload}`)
        .verify(pair.publicKey, signature, 'base64url');
      const username = `system:serviceaccount:${ACCOUNT.namespace}:${ACCOUNT.name}`;
      const status = good
        ? { authenticated: true, user: { username, uid: ACCOUNT.uid } }
        : { authenticated: false, error: 'invalid bearer token' };
      outgoing.writeHead(201, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify({ kind: 'TokenReview', status }));
    })();
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A client certificate that is its own authority. */
function clientCertificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'client.pem'), join(folder, 'client.key')];
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
  const names = ['-subj', '/CN=conformance', '-addext', 'extendedKeyUsage=clientAuth'];
  const files = ['-keyout', key, '-out', cert, '-addext', 'basicConstraints=critical,CA:FALSE'];
  execFileSync('openssl', [...request.split(' '), ...names, ...files], { stdio: 'pipe' });
  return { cert, key };
}

export async function logins({ server }: Stage): Promise<Readonly<Record<string, string>>> {
  const { api, rootToken: token, folder } = server;
  const put = async (path: string, body: unknown): Promise<Record<string, unknown>> =>
    await api.expect('PUT', path, { token, body });
  await put('sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await put('secret/data/app', { data: { value: 'of everybody who is in' } });
  await put('sys/policies/acl/reader', {
    policy: 'path "secret/data/*" { capabilities = ["read"] }',
  });
  for (const type of ['approle', 'userpass', 'jwt', 'kubernetes', 'cert'])
    await put(`sys/auth/${type}`, { type });
  const token_policies = ['reader'];
  await put('auth/approle/role/app', { token_policies });
  const role = await api.expect('GET', 'auth/approle/role/app/role-id', { token });
  const secret = await put('auth/approle/role/app/secret-id', {});
  await put('auth/userpass/users/ada', { password: 'lovelace', token_policies });
  await put('auth/jwt/config', {
    jwt_validation_pubkeys: [pair.publicKey.export({ type: 'spki', format: 'pem' })],
  });
  const bound = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['strongroom'] };
  await put('auth/jwt/role/app', { ...bound, token_policies });
  await put('auth/kubernetes/config', {
    kubernetes_host: await startReviewer(),
    kubernetes_ca_cert: 'none',
    disable_local_ca_jwt: true,
  });
  await put('auth/kubernetes/role/app', {
    bound_service_account_names: [ACCOUNT.name],
    bound_service_account_namespaces: [ACCOUNT.namespace],
    token_policies,
  });
  const client = clientCertificate(folder);
  const certificate = readFileSync(client.cert, 'utf8');
  await put('auth/cert/certs/app', { certificate, token_policies });
  const now = Math.floor(Date.now() / 1000);
  const times = { iat: now, exp: now + HOUR_SECONDS };
  const { namespace, name, uid } = ACCOUNT;
  const serviceAccount = { namespace, serviceaccount: { name, uid } };
  writeFileSync(join(folder, 'app.jwt'), signed({ sub: 'pod', aud: 'strongroom', ...times }));
  return {
    ROLE_ID: textAt(role, 'data', 'role_id'),
    SECRET_ID: textAt(secret, 'data', 'secret_id'),
    JWT: readFileSync(join(folder, 'app.jwt'), 'utf8'),
    KUBERNETES_JWT: signed({ 'kubernetes.io': serviceAccount, ...times }),
    CLIENT_CERT: client.cert,
    CLIENT_KEY: client.key,
  };
}
