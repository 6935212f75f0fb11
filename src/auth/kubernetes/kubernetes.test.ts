/** Kubernetes logins against an API server that reviews tokens: who gets in, and who stays in. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, suite, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { foreignJws } from '../../crypto/jws.testkit.ts';
import { RequestError } from '../../model/errors.ts';
import { fetchJson } from '../fetch-json.ts';
import { kubernetesBackend } from './kubernetes.ts';

const cluster = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const UID = '0f0f0f0f-1111-2222-3333-444444444444';

interface ApiServer {
  readonly url: string;
  /** What a review answers. */
  status: JsonObject;
  readonly bearers: string[];
}

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

async function openApiServer(): Promise<ApiServer> {
  const api = {
    url: '',
    status: {
      authenticated: true,
      audiences: ['vault'],
      user: { username: 'system:serviceaccount:prod:app', uid: UID },
    } as JsonObject,
    bearers: [] as string[],
  };
  const server = createServer((incoming, outgoing) => {
    api.bearers.push(incoming.headers.authorization ?? '');
    incoming.resume().on('end', () => {
      const found = incoming.url === '/apis/authentication.k8s.io/v1/tokenreviews';
      outgoing.writeHead(found ? 201 : 404, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify({ kind: 'TokenReview', status: api.status }));
    });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return api;
}

const backend = kubernetesBackend({
  clock: systemClock,
  fetch: fetchJson,
  local: async () => undefined,
});

interface Rig {
  readonly bench: Bench;
  readonly api: ApiServer;
  token(claims?: JsonObject): string;
  login(jwt: string): Promise<string>;
}

async function openRig(role: JsonObject = {}, config: JsonObject = {}): Promise<Rig> {
  const api = await openApiServer();
  const bench = await openBench(backend);
  await bench.call('write', 'config', {
    kubernetes_host: api.url,
    kubernetes_ca_cert: 'x',
    disable_local_ca_jwt: true,
    token_reviewer_jwt: 'reviewer',
    ...config,
  });
  await bench.call('write', 'role/r', {
    bound_service_account_names: 'app',
    bound_service_account_namespaces: 'prod,stage',
    ...role,
  });
  return {
    bench,
    api,
    token(claims = {}) {
      const all: JsonObject = {
        iss: 'https://kubernetes.default.svc',
        aud: ['vault'],
        exp: bench.nowMs / 1000 + 3600,
        'kubernetes.io': { namespace: 'prod', serviceaccount: { name: 'app', uid: UID } },
        ...claims,
      };
      return foreignJws(all, { algorithm: 'ES256', key: cluster.privateKey, keyId: '' });
    },
    async login(jwt) {
      try {
        const reply = await bench.call('write', 'login', { role: 'r', jwt });
        return reply?.auth?.alias?.name ?? 'nobody';
      } catch (error) {
        if (error instanceof RequestError) return error.message;
        throw error;
      }
    },
  };
}

const DENIED = 'permission denied';

suite('login', () => {
  test('a token that the API server accepts is its service account', async () => {
    const rig = await openRig();
    assert.equal(await rig.login(rig.token()), UID);
    assert.deepEqual(rig.api.bearers, ['Bearer reviewer']);
    await rig.bench.call('write', 'role/r', { alias_name_source: 'serviceaccount_name' });
    assert.equal(await rig.login(rig.token()), 'prod/app');
  });

  test('whatever is wrong, the caller hears the same', async () => {
    const rig = await openRig({ audience: 'vault' });
    const account = (namespace: string, name: string, uid = UID): JsonObject => ({
      'kubernetes.io': { namespace, serviceaccount: { name, uid } },
    });
    assert.equal(await rig.login(rig.token()), UID);
    for (const claims of [
      account('dev', 'app'),
      account('prod', 'other'),
      account('prod', 'app', 'another-uid'),
      account('stage', 'app'),
      { aud: 'other' },
      { aud: [] },
      { exp: rig.bench.nowMs / 1000 },
      { nbf: rig.bench.nowMs / 1000 + 1 },
      { 'kubernetes.io': {} },
    ]) {
      assert.equal(await rig.login(rig.token(claims)), DENIED, JSON.stringify(claims));
    }
    assert.equal(await rig.login('garbage'), DENIED);
  });

  test('the API server’s word counts', async () => {
    const rig = await openRig({ audience: 'vault' });
    const good = rig.api.status;
    for (const status of [
      {},
      { ...good, authenticated: false },
      { ...good, error: 'expired' },
      { ...good, audiences: [] },
      { ...good, user: { username: 'system:serviceaccount:prod:other', uid: UID } },
      { ...good, user: { username: 'admin', uid: UID } },
      { ...good, user: { username: 'system:serviceaccount:prod:app:x', uid: UID } },
      { ...good, user: { username: 'system:serviceaccount:prod:app', uid: 'other' } },
    ] as JsonObject[]) {
      rig.api.status = status;
      assert.equal(await rig.login(rig.token()), DENIED, JSON.stringify(status));
    }
  });

  test('a key of the configuration must have signed, where there is one', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = (key: typeof other): string =>
      key.publicKey.export({ type: 'spki', format: 'pem' });
    const good = await openRig({}, { pem_keys: [pem(cluster)] });
    assert.equal(await good.login(good.token()), UID);
    const bad = await openRig({}, { pem_keys: [pem(other)] });
    assert.equal(await bad.login(bad.token()), DENIED);
    assert.deepEqual(bad.api.bearers, []);
  });

  test('outside of a pod the certificates of the API server must be given', async () => {
    const bench = await openBench(backend);
    await bench.fail('write', 'config', { kubernetes_host: 'https://127.0.0.1' });
    await bench.call('write', 'config', {
      kubernetes_host: 'https://127.0.0.1',
      kubernetes_ca_cert: 'x',
    });
  });

  test('the reviewer’s token is never read back', async () => {
    const rig = await openRig();
    const shown = await rig.bench.call('read', 'config');
    assert.equal(shown?.data?.['token_reviewer_jwt_set'], true);
    assert.doesNotMatch(JSON.stringify(shown), /"reviewer"/);
  });
});

test('a service account that is gone renews nothing (CVE-2026-115356)', async () => {
  const rig = await openRig();
  const reply = await rig.bench.call('write', 'login', { role: 'r', jwt: rig.token() });
  const renew = async (): Promise<unknown> =>
    await rig.bench.store(async (store) => {
      const renewal = {
        internal: reply?.auth?.internal ?? {},
        displayName: '',
        metadata: {},
        policies: [],
        connection: { remoteAddress: '', remotePort: 0, clientCertificates: [], local: false },
        incrementSeconds: 0,
        nowMs: rig.bench.nowMs,
      };
      return await backend.renewAuth?.(renewal, store);
    });
  await renew();
  rig.api.status = { authenticated: false };
  await assert.rejects(renew(), RequestError);
});
