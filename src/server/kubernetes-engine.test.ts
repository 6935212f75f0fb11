/** The Kubernetes engine against a small API server that keeps objects, checks the caller and refuses what is not there. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, suite, test } from 'node:test';
import { fetchBytes } from '../auth/fetch-json.ts';
import type { JsonObject } from '../base/json.ts';
import { systemRandom, uuid } from '../base/random.ts';
import { testBackendDeclaration } from '../engines/backend.contract.ts';
import { kubernetesBackend } from '../engines/kubernetes/kubernetes.ts';
import { matches, parseRules, parseSelector } from '../engines/kubernetes/selector.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

testBackendDeclaration(
  kubernetesBackend({
    random: systemRandom,
    send: fetchBytes,
    local: async () => undefined,
    environment: {},
  }),
);

const MANAGER = 'manager-token';
const COLLECTIONS =
  /^\/api\/v1\/namespaces\/([^/]+)\/serviceaccounts$|^\/apis\/rbac\.authorization\.k8s\.io\/v1\/(?:namespaces\/([^/]+)\/)?(roles|rolebindings|clusterroles|clusterrolebindings)$/;

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Record<string, string>;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
  readonly [name: string]: unknown;
}

/** Objects by their path; an object whose owner goes, goes too. */
class FakeCluster {
  readonly objects = new Map<string, KubernetesObject>();
  readonly namespaces = new Map<string, Record<string, string>>([
    ['dev', { env: 'dev' }],
    ['prod', { env: 'prod' }],
  ]);
  /** A call whose path has this in it is refused. */
  refuses: string | undefined;
  /** Seconds that tokens live, whatever is asked. */
  lifetimeSeconds: number | undefined;
  readonly #server: Server = createServer(
    (request, response) => void this.#take(request, response),
  );

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  names(): string[] {
    return [...this.objects.keys()].map((path) => path.split('/').slice(-2)[0] ?? '').sort();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const [status, body] = this.#answer(request, text);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }

  #answer(request: IncomingMessage, text: string): [number, unknown] {
    const { method = '', url: path = '' } = request;
    if (request.headers.authorization !== `Bearer ${MANAGER}`) return failure(401, 'Unauthorized');
    if (this.refuses !== undefined && path.includes(this.refuses)) return failure(403, 'forbidden');
    if (method === 'GET') {
      const labels = this.namespaces.get(path.slice('/api/v1/namespaces/'.length));
      return labels === undefined
        ? failure(404, 'no such namespace')
        : [200, { metadata: { labels } }];
    }
    if (method === 'DELETE') return this.#delete(path);
    const body = JSON.parse(text) as JsonObject;
    return path.endsWith('/token') ? this.#token(path, body) : this.#create(path, body);
  }

  #create(path: string, body: JsonObject): [number, unknown] {
    if (!COLLECTIONS.test(path)) return failure(404, 'no such collection');
    const { name, ...metadata } = body['metadata'] as { name: string };
    const key = `${path}/${name}`;
    if (this.objects.has(key)) return failure(409, 'already exists');
    const object = { ...body, metadata: { name, ...metadata, uid: uuid(systemRandom) } };
    this.objects.set(key, object as unknown as KubernetesObject);
    return [201, object];
  }

  #delete(path: string): [number, unknown] {
    const object = this.objects.get(path);
    if (object === undefined) return failure(404, 'not found');
    this.objects.delete(path);
    for (const [key, { metadata }] of this.objects) {
      if (metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid) === true) {
        this.objects.delete(key);
      }
    }
    return [200, { kind: 'Status', status: 'Success' }];
  }

  #token(path: string, body: JsonObject): [number, unknown] {
    const account = path.slice(0, -'/token'.length);
    if (!this.objects.has(account)) return failure(404, 'serviceaccount not found');
    const spec = body['spec'] as { expirationSeconds: number; audiences: string[] };
    const seconds = this.lifetimeSeconds ?? spec.expirationSeconds;
    const claims = { iat: 1000, exp: 1000 + seconds, aud: spec.audiences, sub: account };
    const token = `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
    return [201, { kind: 'TokenRequest', status: { token } }];
  }
}

function failure(status: number, message: string): [number, unknown] {
  return [status, { kind: 'Status', status: 'Failure', message, code: status }];
}

suite('the Kubernetes engine', () => {
  let cluster: FakeCluster;
  let host = '';
  let open: OpenInstance;

  before(async () => {
    cluster = new FakeCluster();
    host = await cluster.listen();
    open = await openInstance();
    await open.ask('write', 'sys/mounts/kubernetes', { data: { type: 'kubernetes' } });
    await configure();
  });
  beforeEach(() => {
    cluster.objects.clear();
    cluster.refuses = undefined;
    cluster.lifetimeSeconds = undefined;
  });
  after(async () => {
    cluster?.close();
    await open?.instance.close();
  });

  async function configure(data: JsonObject = {}): Promise<void> {
    const settings = { kubernetes_host: host, service_account_jwt: MANAGER, ...data };
    assert.equal(await open.outcome('write', 'kubernetes/config', { data: settings }), 'ok');
  }

  async function role(data: JsonObject): Promise<string> {
    const all = { allowed_kubernetes_namespaces: 'dev', token_default_ttl: '10m', ...data };
    const { error } = await open.ask('write', 'kubernetes/roles/r', { data: all });
    return error?.message ?? 'done';
  }

  async function fresh(data: JsonObject): Promise<void> {
    await open.ask('delete', 'kubernetes/roles/r');
    assert.equal(await role(data), 'done');
  }

  const creds = (data: JsonObject = {}): ReturnType<OpenInstance['ask']> =>
    open.ask('write', 'kubernetes/creds/r', { data });

  const RULES = 'rules:\n- apiGroups: [""]\n  resources: ["pods"]\n  verbs: ["list"]\n';

  test('settings do not show the token of the managing account', async () => {
    const shown = await open.get('read', 'kubernetes/config');
    assert.equal(JSON.stringify(shown).includes(MANAGER), false);
    assert.equal(shown['kubernetes_host'], host);
    for (const data of [
      { kubernetes_host: 'ftp://x' },
      { kubernetes_host: 'https://u:p@x' },
      { kubernetes_ca_cert: 'x' },
    ]) {
      assert.equal(await open.outcome('write', 'kubernetes/config', { data }), 'invalid_request');
    }
  });

  test('a role says one thing only', async () => {
    await open.ask('delete', 'kubernetes/roles/r');
    assert.match(await role({}), /one \(and only one\)/);
    const both = { service_account_name: 'a', kubernetes_role_name: 'b' };
    assert.match(await role(both), /one \(and only one\)/);
    const account = { service_account_name: 'a' };
    assert.match(await role({ ...account, allowed_kubernetes_namespaces: '' }), /at least/);
    assert.match(await role({ ...account, kubernetes_role_type: 'X' }), /either 'Role'/);
    assert.match(await role({ ...account, token_max_ttl: '1m' }), /cannot be greater/);
    assert.match(await role({ service_account_name: '../nodes/x' }), /none of Kubernetes/);
    assert.match(await role({ generated_role_rules: 'x' }), /generated_role_rules/);
    assert.match(await role({ ...account, name_template: '{{.Bogus' }), /name template/);
    const selector = { allowed_kubernetes_namespace_selector: '[]' };
    assert.match(await role({ ...account, ...selector }), /selector/);
  });

  test('a token of an account that exists; nothing else is made or removed', async () => {
    const path = '/api/v1/namespaces/dev/serviceaccounts/app';
    const metadata = { name: 'app', uid: 'u', labels: {} };
    cluster.objects.set(path, { kind: 'ServiceAccount', metadata });
    await fresh({ service_account_name: 'app', token_default_audiences: 'one' });
    const { reply, lease } = await creds({ audiences: 'two,three' });
    const token = String(reply?.data?.['service_account_token']);
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      aud: string[];
    };
    assert.deepEqual(claims.aud, ['two', 'three']);
    assert.equal(lease?.durationSeconds, 600);
    await open.pass(601);
    assert.deepEqual(cluster.names(), ['serviceaccounts']);
  });

  test('an account bound to a role that exists lives as long as its lease', async () => {
    await fresh({
      kubernetes_role_name: 'view',
      kubernetes_role_type: 'clusterrole',
      extra_labels: { team: 'a', 'app.kubernetes.io/managed-by': 'somebody' },
    });
    const { reply, error } = await creds();
    assert.equal(error, undefined);
    assert.match(String(reply?.data?.['service_account_name']), /^v-token-r-\d+-[0-9a-z]+$/);
    assert.deepEqual(cluster.names(), ['rolebindings', 'serviceaccounts']);
    const [binding] = [...cluster.objects.values()];
    assert.deepEqual(binding?.['roleRef'], {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: 'view',
    });
    assert.equal(binding?.metadata.labels['team'], 'a');
    assert.equal(binding?.metadata.labels['app.kubernetes.io/managed-by'], 'strongroom');
    assert.equal((await creds({ cluster_role_binding: true })).error, undefined);
    assert.ok(cluster.names().includes('clusterrolebindings'));
    await open.pass(601);
    assert.deepEqual(cluster.names(), []);
  });

  test('a role made of rules goes with its lease, and so does what hangs on it', async () => {
    await fresh({ generated_role_rules: RULES });
    const { lease } = await creds();
    assert.deepEqual(cluster.names(), ['rolebindings', 'roles', 'serviceaccounts']);
    const { error } = await creds({ cluster_role_binding: true });
    assert.match(error?.message ?? '', /cannot ref a Role/);
    const data = { lease_id: lease?.id ?? '', sync: true };
    assert.equal(await open.outcome('write', 'sys/leases/revoke', { data }), 'ok');
    assert.deepEqual(cluster.names(), []);
  });

  test('whatever step is refused, nothing is left', async () => {
    for (const step of ['/roles', '/rolebindings', '/serviceaccounts', '/token']) {
      await fresh({ generated_role_rules: RULES });
      cluster.refuses = step;
      assert.match((await creds()).error?.message ?? '', /403: forbidden/);
      cluster.refuses = undefined;
      await open.pass(700);
      assert.deepEqual(cluster.names(), [], step);
    }
  });

  test('namespaces: listed, any, or by their labels, and never a path', async () => {
    const account = (namespace: string): void => {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/app`;
      const metadata = { name: 'app', uid: 'u', labels: {} };
      cluster.objects.set(path, { kind: 'ServiceAccount', metadata });
    };
    for (const namespace of ['dev', 'prod']) account(namespace);
    const into = async (kubernetes_namespace: string): Promise<string> =>
      (await creds({ kubernetes_namespace })).error?.message ?? 'done';
    await fresh({ service_account_name: 'app', allowed_kubernetes_namespaces: 'dev' });
    assert.equal(await into(''), 'done');
    assert.match(await into('prod'), /not present in role's/);
    await fresh({ service_account_name: 'app', allowed_kubernetes_namespaces: '*' });
    assert.match(await into(''), /is required/);
    assert.equal(await into('prod'), 'done');
    assert.match(await into('dev/../prod'), /no namespace/);
    await fresh({
      service_account_name: 'app',
      allowed_kubernetes_namespaces: 'other',
      allowed_kubernetes_namespace_selector: '{"matchLabels": {"env": "dev"}}',
    });
    assert.equal(await into('dev'), 'done');
    assert.match(await into('prod'), /not present in role's/);
  });

  test('a token that lives shorter than its lease shortens the lease', async () => {
    await fresh({ generated_role_rules: RULES, token_max_ttl: '20m' });
    cluster.lifetimeSeconds = 300;
    const { reply, lease } = await creds({ ttl: '1h' });
    assert.equal(lease?.durationSeconds, 300);
    assert.equal(reply?.warnings?.length, 2);
    await open.pass(301);
  });
});

test('label selectors as Kubernetes reads them', () => {
  const CASES: readonly (readonly [string, Record<string, string>, boolean | undefined])[] = [
    ['{}', { a: '1' }, true],
    ['matchLabels:\n  a: "1"', { a: '1' }, true],
    ['matchLabels:\n  a: "1"', { a: '2' }, false],
    ['{"matchExpressions":[{"key":"a","operator":"In","values":["1","2"]}]}', { a: '2' }, true],
    ['{"matchExpressions":[{"key":"a","operator":"NotIn","values":["1"]}]}', {}, true],
    ['{"matchExpressions":[{"key":"a","operator":"Exists"}]}', {}, false],
    ['{"matchExpressions":[{"key":"a","operator":"DoesNotExist"}]}', {}, true],
    ['{"matchExpressions":[{"key":"a","operator":"In"}]}', {}, undefined],
    ['{"matchExpressions":[{"key":"a","operator":"Gt","values":["1"]}]}', {}, undefined],
    ['{"matchLabels":{"a":1}}', {}, undefined],
    ['a: &a [*a]', {}, undefined],
    ['x', {}, undefined],
  ];
  for (const [text, labels, expected] of CASES) {
    const selector = parseSelector(text);
    const found =
      selector === undefined ? undefined : matches(selector, new Map(Object.entries(labels)));
    assert.equal(found, expected, text);
  }
  assert.equal(parseRules('rules:\n- verbs: [get]\n  evil: [x]'), undefined);
});
