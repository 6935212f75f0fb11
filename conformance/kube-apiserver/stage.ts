/** The server and the cluster of the suite: namespaces, service accounts and who may do what. */
import { readFileSync } from 'node:fs';
import { Api, textAt } from '../../rig/api.ts';
import { startCluster } from './cluster.ts';
import type { Cluster } from './cluster.ts';

const { ADDR = '', CA = '', KUBE_APISERVER = '', ETCD = '' } = process.env;
export const TOKEN: string = process.env['TOKEN'] ?? '';
export const api: Api = new Api(ADDR, { ca: readFileSync(CA, 'utf8') });
export const cluster: Cluster = await startCluster({ apiServer: KUBE_APISERVER, etcd: ETCD });

export const CORE = '/api/v1';
export const RBAC = '/apis/rbac.authorization.k8s.io/v1';
export const AUDIENCE = 'strongroom';

export async function put(path: string, body: unknown = {}): Promise<Record<string, unknown>> {
  return await api.expect('PUT', path, { token: TOKEN, body });
}

export async function makeAccount(namespace: string, name: string): Promise<void> {
  await cluster.expect('POST', `${CORE}/namespaces/${namespace}/serviceaccounts`, {
    metadata: { name },
  });
}

/** A token of a service account, by the TokenRequest API. */
export async function tokenOf(
  namespace: string,
  name: string,
  audiences: readonly string[] = [],
): Promise<string> {
  const path = `${CORE}/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const spec = { expirationSeconds: 3600, ...(audiences.length === 0 ? {} : { audiences }) };
  return textAt(await cluster.expect('POST', path, { spec }), 'status', 'token');
}

async function bind(name: string, role: string, subject: object): Promise<void> {
  await cluster.expect('POST', `${RBAC}/clusterrolebindings`, {
    metadata: { name },
    subjects: [subject],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  });
}

function account(namespace: string, name: string): object {
  return { kind: 'ServiceAccount', namespace, name };
}

for (const [name, labels] of [
  ['prod', { env: 'prod', tier: 'web' }],
  ['dev', { env: 'dev' }],
] as const) {
  await cluster.expect('POST', `${CORE}/namespaces`, { metadata: { name, labels } });
}
for (const [namespace, name] of [
  ['prod', 'app'],
  ['prod', 'other'],
  ['prod', 'fleeting'],
  ['dev', 'app'],
  ['kube-system', 'reviewer'],
  ['kube-system', 'manager'],
] as const) {
  await makeAccount(namespace, name);
}
await bind('reviewer', 'system:auth-delegator', account('kube-system', 'reviewer'));
await bind('app-reviews', 'system:auth-delegator', account('prod', 'app'));
await bind('manager', 'cluster-admin', account('kube-system', 'manager'));
await bind('issuer', 'system:service-account-issuer-discovery', {
  kind: 'Group',
  apiGroup: 'rbac.authorization.k8s.io',
  name: 'system:unauthenticated',
});
for (const [name, resource, verb] of [
  ['namespaces', 'namespaces', 'get'],
  ['pods', 'pods', 'list'],
] as const) {
  await cluster.expect('POST', `${RBAC}/clusterroles`, {
    metadata: { name },
    rules: [{ apiGroups: [''], resources: [resource], verbs: [verb] }],
  });
}
await bind('reviewer-looks', 'namespaces', account('kube-system', 'reviewer'));
