/** Kubernetes logins over TLS, with real signatures of service accounts' tokens. */
import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { RequestError } from '../../model/errors.ts';
import { fetchJson } from '../fetch-json.ts';
import { openApiServer } from './api-server.testkit.ts';
import type { ApiServer } from './api-server.testkit.ts';
import { kubernetesBackend } from './kubernetes.ts';
import { readSelector, selects } from './selector.ts';

const backend = kubernetesBackend({
  clock: systemClock,
  fetch: fetchJson,
  local: async () => undefined,
});
const servers: ApiServer[] = [];
after(() => {
  for (const server of servers) server.close();
});

interface Rig {
  readonly bench: Bench;
  readonly api: ApiServer;
  login(jwt: string): Promise<string>;
  renew(jwt: string): Promise<void>;
}

async function openRig(role: JsonObject = {}, config: JsonObject = {}): Promise<Rig> {
  const bench = await openBench(backend);
  const api = await openApiServer(bench.nowMs);
  servers.push(api);
  api.accounts.set('prod/app', 'uid-app').set('dev/app', 'uid-dev');
  api.namespaces.set('prod', { env: 'prod', tier: 'web' }).set('dev', { env: 'dev' });
  await bench.call('write', 'config', {
    kubernetes_host: api.url,
    kubernetes_ca_cert: api.caPem,
    disable_local_ca_jwt: true,
    token_reviewer_jwt: api.token('kube-system', 'reviewer'),
    ...config,
  });
  await bench.call('write', 'role/r', {
    bound_service_account_names: 'app',
    bound_service_account_namespaces: 'prod',
    ...role,
  });
  return {
    bench,
    api,
    async login(jwt) {
      try {
        const reply = await bench.call('write', 'login', { role: 'r', jwt });
        return reply?.auth?.alias?.name ?? 'nobody';
      } catch (error) {
        if (error instanceof RequestError) return error.message;
        throw error;
      }
    },
    async renew(jwt) {
      const connection = {
        remoteAddress: '127.0.0.1',
        remotePort: 1,
        clientCertificates: [],
        local: false,
      };
      await bench.store(async (store) =>
        backend.renewAuth?.(
          {
            internal: { role: 'r', jwt },
            displayName: '',
            metadata: {},
            policies: [],
            connection,
            incrementSeconds: 0,
            nowMs: bench.nowMs,
          },
          store,
        ),
      );
    },
  };
}

const DENIED = 'permission denied';

suite('review over TLS', () => {
  test('a signed token of an account that is there', async () => {
    const rig = await openRig();
    assert.equal(await rig.login(rig.api.token('prod', 'app')), 'uid-app');
    assert.equal(await rig.login(rig.api.token('dev', 'app')), DENIED);
    assert.equal(await rig.login(rig.api.token('prod', 'gone')), DENIED);
    const [header, payload] = rig.api.token('prod', 'app').split('.');
    assert.equal(await rig.login(`${header}.${payload}.AAAA`), DENIED);
  });

  test('the certificate of the API server is checked', async () => {
    const other = await openApiServer(0);
    servers.push(other);
    const wrong = await openRig({}, { kubernetes_ca_cert: other.caPem });
    assert.equal(await wrong.login(wrong.api.token('prod', 'app')), DENIED);
    assert.equal(wrong.api.reviews, 0);
  });

  test('audiences of the role are reviewed', async () => {
    const rig = await openRig({ audience: 'vault' });
    const good = rig.api.token('prod', 'app', { aud: ['vault', rig.api.url] });
    assert.equal(await rig.login(good), 'uid-app');
    assert.equal(await rig.login(rig.api.token('prod', 'app')), DENIED);
  });

  test('without a reviewer’s token, the caller’s own must be allowed to ask', async () => {
    const rig = await openRig({}, { token_reviewer_jwt: '' });
    assert.equal(await rig.login(rig.api.token('prod', 'app')), DENIED);
    await rig.bench.call('write', 'role/r', {
      bound_service_account_names: 'reviewer',
      bound_service_account_namespaces: 'kube-system',
    });
    assert.equal(await rig.login(rig.api.token('kube-system', 'reviewer')), 'uid-reviewer');
  });

  test('a renewal sees that the account is gone, or made anew (CVE-2026-115356)', async () => {
    const rig = await openRig();
    const jwt = rig.api.token('prod', 'app');
    await rig.renew(jwt);
    rig.api.accounts.set('prod/app', 'uid-new');
    await assert.rejects(rig.renew(jwt), RequestError);
    rig.api.accounts.delete('prod/app');
    await assert.rejects(rig.renew(jwt), RequestError);
  });

  test('namespaces are selected by their labels, beside those that are named', async () => {
    const selector = JSON.stringify({ matchLabels: { env: 'dev' } });
    const rig = await openRig({ bound_service_account_namespace_selector: selector });
    assert.equal(await rig.login(rig.api.token('prod', 'app')), 'uid-app');
    assert.equal(await rig.login(rig.api.token('dev', 'app')), 'uid-dev');
    rig.api.namespaces.set('dev', {});
    assert.equal(await rig.login(rig.api.token('dev', 'app')), DENIED);
    rig.api.namespaces.delete('dev');
    assert.equal(await rig.login(rig.api.token('dev', 'app')), DENIED);
  });
});

suite('judged by the issuer’s keys', () => {
  test('without a review, for the audience of the role', async () => {
    const offline = await openRig({ audience: 'vault' });
    await offline.bench.call('write', 'config', {
      kubernetes_host: 'https://nowhere.invalid',
      kubernetes_ca_cert: offline.api.caPem,
      disable_local_ca_jwt: true,
      issuer_discovery_url: offline.api.url,
      issuer_ca_pem: offline.api.caPem,
    });
    const good = offline.api.token('prod', 'app', { aud: ['vault'] });
    assert.equal(await offline.login(good), 'uid-app');
    assert.equal(offline.api.reviews, 0);
    for (const claims of [
      { aud: ['other'] },
      { iss: 'https://other' },
      { exp: offline.bench.nowMs / 1000 },
      { exp: null },
    ] as JsonObject[])
      assert.equal(
        await offline.login(offline.api.token('prod', 'app', { aud: ['vault'], ...claims })),
        DENIED,
      );
    const [header, payload] = good.split('.');
    assert.equal(await offline.login(`${header}.${payload}.AAAA`), DENIED);
    await offline.renew(good);
    offline.bench.nowMs += 2 * 3_600_000;
    await assert.rejects(offline.renew(good), RequestError);
    await offline.bench.call('write', 'role/r', { audience: '' });
    offline.bench.nowMs -= 2 * 3_600_000;
    assert.equal(await offline.login(good), DENIED);
  });
});

test('selectors are read, or refused', async () => {
  const yaml =
    'matchLabels:\n  env: prod\nmatchExpressions:\n  - {key: tier, operator: In, values: [web, api]}\n  - {key: old, operator: DoesNotExist}\n';
  const selector = await readSelector(yaml);
  assert.ok(
    selects(
      selector,
      new Map([
        ['env', 'prod'],
        ['tier', 'web'],
      ]),
    ),
  );
  assert.ok(
    !selects(
      selector,
      new Map([
        ['env', 'prod'],
        ['tier', 'db'],
      ]),
    ),
  );
  assert.ok(
    !selects(
      selector,
      new Map([
        ['env', 'prod'],
        ['tier', 'web'],
        ['old', ''],
      ]),
    ),
  );
  for (const wrong of [
    '',
    '{}',
    'x',
    '{"matchLabels":{}}',
    '{"matchLabels":{"a":1}}',
    '{"matchExpressions":[{"key":"a","operator":"Like","values":["b"]}]}',
    '{"matchExpressions":[{"key":"a","operator":"In"}]}',
    '{"matchNames":{"a":"b"},"matchLabels":{"a":"b"}}',
    '{"__proto__":{"a":"b"}}',
    'a: &a [x]\nb: *a',
    '[',
  ])
    await assert.rejects(readSelector(wrong), RequestError, wrong);
});
