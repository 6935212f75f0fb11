/** Tokens and accounts on loan. */
import assert from 'node:assert/strict';
import { at, textAt } from '../../rig/api.ts';
import { AUDIENCE, CORE, RBAC, TOKEN, api, cluster, put, tokenOf } from './stage.ts';

await put('sys/mounts/kubernetes', { type: 'kubernetes' });
await put('kubernetes/config', {
  kubernetes_host: cluster.url,
  kubernetes_ca_cert: cluster.caPem,
  service_account_jwt: await tokenOf('kube-system', 'manager'),
  disable_local_ca_jwt: true,
});

interface Lent {
  readonly lease: string;
  readonly token: string;
  readonly name: string;
  readonly namespace: string;
}

async function lend(role: string, body: object = {}): Promise<Lent> {
  const answer = await put(`kubernetes/creds/${role}`, body);
  return {
    lease: textAt(answer, 'lease_id'),
    token: textAt(answer, 'data', 'service_account_token'),
    name: textAt(answer, 'data', 'service_account_name'),
    namespace: textAt(answer, 'data', 'service_account_namespace'),
  };
}

/** What the API server says to a token that asks for the pods of a namespace. */
async function pods(token: string, namespace: string): Promise<number> {
  const path = `${CORE}/namespaces/${namespace}/pods`;
  return (await cluster.call('GET', path, undefined, token)).status;
}

async function isThere(path: string): Promise<boolean> {
  return (await cluster.call('GET', path)).status === 200;
}

async function revoke({ lease }: Lent): Promise<void> {
  await put('sys/leases/revoke', { lease_id: lease, sync: true });
}

const LIST_PODS = { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }] };

export const engine: Readonly<Record<string, () => Promise<void>>> = {
  async 'the engine: an account that exists'() {
    await put('kubernetes/roles/existing', {
      allowed_kubernetes_namespaces: 'prod',
      service_account_name: 'app',
      token_default_audiences: AUDIENCE,
    });
    const lent = await lend('existing', { ttl: '20m' });
    const { status, body } = await cluster.call(
      'POST',
      '/apis/authentication.k8s.io/v1/tokenreviews',
      { spec: { token: lent.token, audiences: [AUDIENCE] } },
    );
    assert.equal(status, 201);
    assert.equal(at(body, 'status', 'authenticated'), true);
    assert.equal(textAt(body, 'status', 'user', 'username'), 'system:serviceaccount:prod:app');
    await revoke(lent);
    assert.ok(await isThere(`${CORE}/namespaces/prod/serviceaccounts/app`));
  },
  async 'the engine: an account bound to a role that exists'() {
    await put('kubernetes/roles/bound', {
      allowed_kubernetes_namespaces: '*',
      kubernetes_role_type: 'ClusterRole',
      kubernetes_role_name: 'pods',
      token_default_ttl: '15m',
    });
    for (const clusterWide of [false, true]) {
      const lent = await lend('bound', {
        kubernetes_namespace: 'dev',
        cluster_role_binding: clusterWide,
      });
      const path = `${CORE}/namespaces/dev/serviceaccounts/${lent.name}`;
      assert.ok(await isThere(path));
      assert.equal(await pods(lent.token, 'dev'), 200);
      assert.equal(await pods(lent.token, 'prod'), clusterWide ? 200 : 403);
      await revoke(lent);
      assert.equal(await isThere(path), false);
      const bindings = clusterWide
        ? `${RBAC}/clusterrolebindings`
        : `${RBAC}/namespaces/dev/rolebindings`;
      assert.equal(await isThere(`${bindings}/${lent.name}`), false);
    }
  },
  async 'the engine: an account with a role of its own'() {
    for (const kind of ['Role', 'ClusterRole']) {
      await put(`kubernetes/roles/made-${kind}`, {
        allowed_kubernetes_namespace_selector: '{"matchLabels":{"env":"dev"}}',
        generated_role_rules: JSON.stringify(LIST_PODS),
        kubernetes_role_type: kind,
        extra_labels: { team: 'shop' },
      });
      const lent = await lend(`made-${kind}`, { kubernetes_namespace: 'dev', ttl: '15m' });
      assert.equal(await pods(lent.token, 'dev'), 200);
      assert.equal(await pods(lent.token, 'prod'), 403);
      const role =
        kind === 'Role'
          ? `${RBAC}/namespaces/dev/roles/${lent.name}`
          : `${RBAC}/clusterroles/${lent.name}`;
      const shown = await cluster.expect('GET', role);
      assert.equal(textAt(shown, 'metadata', 'labels', 'team'), 'shop');
      const elsewhere = { token: TOKEN, body: { kubernetes_namespace: 'prod', ttl: '15m' } };
      const no = await api.call('PUT', `kubernetes/creds/made-${kind}`, elsewhere);
      assert.equal(no.status, 400);
      await revoke(lent);
      assert.equal(await isThere(role), false);
      assert.equal(await isThere(`${CORE}/namespaces/dev/serviceaccounts/${lent.name}`), false);
      assert.equal(await isThere(`${RBAC}/namespaces/dev/rolebindings/${lent.name}`), false);
    }
  },
  async 'the engine: what the cluster refuses leaves nothing behind'() {
    const before = await cluster.expect('GET', `${CORE}/namespaces/dev/serviceaccounts`);
    await put('kubernetes/roles/short', {
      allowed_kubernetes_namespaces: 'dev',
      generated_role_rules: JSON.stringify(LIST_PODS),
    });
    // The cluster gives no token for less than ten minutes.
    const options = { token: TOKEN, body: { ttl: '1m' } };
    const { status, body } = await api.call('PUT', 'kubernetes/creds/short', options);
    assert.equal(status, 500);
    assert.match(textAt(body, 'errors', 0), /less than 10 minutes/);
    const count = async (): Promise<number> => {
      const now = await cluster.expect('GET', `${CORE}/namespaces/dev/serviceaccounts`);
      return (at(now, 'items') as unknown[]).length;
    };
    for (let left = 60; left > 0; left--) {
      if ((await count()) === (at(before, 'items') as unknown[]).length) break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assert.equal(await count(), (at(before, 'items') as unknown[]).length);
    const roles = await cluster.expect('GET', `${RBAC}/namespaces/dev/roles`);
    assert.deepEqual(at(roles, 'items'), []);
  },
};
