/**
 * As much of kube-apiserver as logins use, over TLS: it signs tokens of service accounts (RS256), reviews them by signature,
 * time, audience and whether the account is there, lets only reviewers ask, tells labels of namespaces, and publishes its keys.
 * A real one, which needs a store, is tried by `conformance/kube-apiserver`; the shapes are those of `authentication.k8s.io/v1`.
 */
import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../base/json.ts';
import { claimsOf, parseJws, verifyJws } from '../../crypto/jws.ts';
import { foreignJws } from '../../crypto/jws.testkit.ts';
import { makeCertificate } from '../../crypto/x509/certificates-fixture.ts';

export interface ApiServer {
  readonly url: string;
  readonly caPem: string;
  nowMs: number;
  /** Ids of the accounts that are there, by `namespace/name`. */
  readonly accounts: Map<string, string>;
  readonly namespaces: Map<string, Readonly<Record<string, string>>>;
  /** How often a review was asked for. */
  reviews: number;
  /** A projected token, as a pod gets it. */
  token(namespace: string, name: string, claims?: JsonObject): string;
  close(): void;
}

const REVIEWER = 'kube-system/reviewer';

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

interface Reviewed {
  readonly account: string;
  readonly uid: string;
  readonly audiences: readonly string[];
}

async function review(
  server: ApiServer,
  token: string,
  wanted: readonly string[],
): Promise<Reviewed | undefined> {
  const jws = parseJws(token);
  const claims = jws === undefined ? undefined : claimsOf(jws);
  if (jws === undefined || claims === undefined || !(await verifyJws(jws, pair.publicKey)))
    return undefined;
  const { iss, aud, exp } = claims as { iss?: unknown; aud?: unknown; exp?: unknown };
  const audiences = Array.isArray(aud) ? (aud as string[]) : [];
  if (iss !== server.url || typeof exp !== 'number' || exp * 1000 <= server.nowMs) return undefined;
  const own = wanted.length === 0 ? [server.url] : wanted;
  const shared = audiences.filter((each) => own.includes(each));
  if (shared.length === 0) return undefined;
  const bound = claims['kubernetes.io'] as {
    readonly namespace: string;
    readonly serviceaccount: { readonly name: string; readonly uid: string };
  };
  const account = `${bound.namespace}/${bound.serviceaccount.name}`;
  const { uid } = bound.serviceaccount;
  return server.accounts.get(account) === uid ? { account, uid, audiences: shared } : undefined;
}

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });

async function isReviewer(server: ApiServer, incoming: IncomingMessage): Promise<boolean> {
  const bearer = (incoming.headers.authorization ?? '').replace(/^Bearer /, '');
  return (await review(server, bearer, []))?.account === REVIEWER;
}

async function tokenReview(server: ApiServer, body: string): Promise<JsonObject> {
  server.reviews++;
  const { spec } = JSON.parse(body) as {
    readonly spec: { readonly token: string; readonly audiences?: readonly string[] };
  };
  const found = await review(server, spec.token, spec.audiences ?? []);
  const kind = { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', metadata: {} };
  if (found === undefined)
    return { ...kind, status: { user: {}, error: '[invalid bearer token]' } };
  return {
    ...kind,
    status: {
      authenticated: true,
      audiences: [...found.audiences],
      user: {
        username: `system:serviceaccount:${found.account.replace('/', ':')}`,
        uid: found.uid,
        groups: ['system:serviceaccounts', 'system:authenticated'],
      },
    },
  };
}

async function answerTo(
  server: ApiServer,
  incoming: IncomingMessage,
  body: string,
): Promise<[number, JsonObject]> {
  const path = incoming.url ?? '';
  const failure = (code: number): [number, JsonObject] => [
    code,
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', code },
  ];
  if (path === '/.well-known/openid-configuration')
    return [200, { issuer: server.url, jwks_uri: `${server.url}/openid/v1/jwks` }];
  if (path === '/openid/v1/jwks') {
    // It has its keys under this one name.
    const accepted = (incoming.headers.accept ?? '*/*')
      .split(',')
      .map((each) => each.split(';')[0]?.trim());
    if (!accepted.includes('*/*') && !accepted.includes('application/jwk-set+json'))
      return failure(406);
    const jwk = pair.publicKey.export({ format: 'jwk' }) as JsonObject;
    return [200, { keys: [{ ...jwk, kid: 'sa', use: 'sig', alg: 'RS256' }] }];
  }
  if (!(await isReviewer(server, incoming))) return failure(401);
  if (path === '/apis/authentication.k8s.io/v1/tokenreviews' && incoming.method === 'POST')
    return [201, await tokenReview(server, body)];
  const namespace = /^\/api\/v1\/namespaces\/([a-z0-9-]+)$/.exec(path)?.[1] ?? '';
  const labels = server.namespaces.get(namespace);
  if (labels === undefined) return failure(404);
  return [200, { kind: 'Namespace', apiVersion: 'v1', metadata: { name: namespace, labels } }];
}

export async function openApiServer(nowMs: number): Promise<ApiServer> {
  const realNowMs = performance.timeOrigin + performance.now();
  const ca = await makeCertificate(realNowMs, { name: 'CN=kubernetes', isCa: true });
  const own = await makeCertificate(realNowMs, {
    name: 'CN=kube-apiserver',
    issuer: ca,
    dnsNames: ['localhost'],
    forServers: true,
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.keys.privateKey));
  const pem = `-----BEGIN PRIVATE KEY-----\n${key.toString('base64')}\n-----END PRIVATE KEY-----\n`;
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const [status, document] = await answerTo(server, incoming, await bodyOf(incoming));
    outgoing.writeHead(status, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify(document));
  };
  const listener = createServer(
    { key: pem, cert: own.pem },
    (incoming, outgoing) => void answer(incoming, outgoing),
  );
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const server: ApiServer = {
    url: `https://localhost:${(listener.address() as AddressInfo).port}`,
    caPem: ca.pem,
    nowMs,
    accounts: new Map([[REVIEWER, 'uid-reviewer']]),
    namespaces: new Map(),
    reviews: 0,
    token(namespace, name, claims = {}) {
      const now = Math.floor(server.nowMs / 1000);
      const all: JsonObject = {
        iss: server.url,
        aud: [server.url],
        iat: now,
        nbf: now,
        exp: now + 3600,
        sub: `system:serviceaccount:${namespace}:${name}`,
        'kubernetes.io': {
          namespace,
          serviceaccount: { name, uid: server.accounts.get(`${namespace}/${name}`) ?? 'none' },
        },
        ...claims,
      };
      return foreignJws(all, { algorithm: 'RS256', key: pair.privateKey, keyId: 'sa' });
    },
    close: () => {
      listener.closeAllConnections();
      listener.close();
    },
  };
  return server;
}
