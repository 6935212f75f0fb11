/** A kube-apiserver on an etcd of its own: real signatures, reviews, roles and labels, and no node that anything could run on. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, freePort } from '../../rig/child.ts';

export interface Cluster {
  readonly url: string;
  readonly caPem: string;
  /** By `system:masters`, or with another bearer token. */
  call(method: string, path: string, body?: unknown, bearer?: string): Promise<ClusterAnswer>;
  /** The document. @throws unless the answer is 2xx. */
  expect(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

export interface ClusterAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const READY_MS_MAX = 120_000;
const LOOK_AGAIN_MS = 200;

function send(
  url: string,
  options: { method: string; ca: string; bearer: string },
  body?: unknown,
): Promise<ClusterAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ClusterAnswer>();
  const { method, ca, bearer } = options;
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
  const outgoing = request(url, { method, ca, headers }, (incoming) => {
    const chunks: Buffer[] = [];
    incoming.on('error', reject);
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const document = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
      resolve({ status: incoming.statusCode ?? 0, body: document });
    });
  });
  outgoing.on('error', reject);
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

/** Certificate and keys of the API server, the key that signs tokens, and the bearer token of its administrator. */
function prepareFiles(folder: string, administrator: string): void {
  const openssl = (args: string): unknown =>
    execFileSync('openssl', args.split(' '), { cwd: folder, stdio: 'pipe' });
  openssl(
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout tls.key -out tls.pem ' +
      '-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1',
  );
  openssl('genrsa -out accounts.key 2048');
  const accounts = createPublicKey(createPrivateKey(readFileSync(join(folder, 'accounts.key'))));
  writeFileSync(join(folder, 'accounts.pem'), accounts.export({ type: 'spki', format: 'pem' }));
  writeFileSync(join(folder, 'tokens.csv'), `${administrator},admin,admin,"system:masters"\n`);
}

/** `programs`: paths of `kube-apiserver` and `etcd`. */
export async function startCluster(programs: {
  readonly apiServer: string;
  readonly etcd: string;
}): Promise<Cluster> {
  for (const program of Object.values(programs)) {
    if (!existsSync(program)) throw new Error(`there is no program ${program}`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'kube-apiserver-'));
  const administrator = randomUUID();
  prepareFiles(folder, administrator);
  const [clients, peers, port] = await Promise.all([freePort(), freePort(), freePort()]);
  const [store, peer] = [`http://127.0.0.1:${clients}`, `http://127.0.0.1:${peers}`];
  const etcd = new Child([
    programs.etcd,
    '--name=one',
    `--data-dir=${join(folder, 'etcd')}`,
    `--initial-cluster=one=${peer}`,
    `--listen-client-urls=${store}`,
    `--advertise-client-urls=${store}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
  ]);
  const url = `https://localhost:${port}`;
  const file = (name: string): string => join(folder, name);
  const apiServer = new Child([
    programs.apiServer,
    `--etcd-servers=${store}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${file('tls.pem')}`,
    `--tls-private-key-file=${file('tls.key')}`,
    `--service-account-issuer=${url}`,
    `--service-account-signing-key-file=${file('accounts.key')}`,
    `--service-account-key-file=${file('accounts.pem')}`,
    `--service-account-jwks-uri=${url}/openid/v1/jwks`,
    `--token-auth-file=${file('tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.96.0.0/24',
  ]);
  const caPem = readFileSync(file('tls.pem'), 'utf8');
  const call: Cluster['call'] = (method, path, body, bearer = administrator) =>
    send(url + path, { method, ca: caPem, bearer }, body);
  const stop = async (): Promise<void> => {
    await apiServer.stop();
    await etcd.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(call, [etcd, apiServer]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    caPem,
    call,
    stop,
    async expect(method, path, body) {
      const answer = await call(method, path, body);
      if (answer.status < 200 || answer.status > 299)
        throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
  };
}

/** Roles that come with the API server are there when `/readyz` says so. */
async function untilReady(call: Cluster['call'], children: readonly Child[]): Promise<void> {
  const untilMs = Date.now() + READY_MS_MAX;
  while (Date.now() < untilMs) {
    const dead = children.find(({ exit }) => exit !== undefined);
    if (dead !== undefined) throw new Error(`a program has ended: ${dead.output.slice(-2000)}`);
    const status = await call('GET', '/readyz').then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await sleep(LOOK_AGAIN_MS);
  }
  throw new Error('the API server does not become ready');
}
