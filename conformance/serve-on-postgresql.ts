/**
 * `bin/node conformance/serve-on-postgresql.ts PROFILE SERVERS URL PORT ROOT-TOKEN FOLDER [CERT KEY]`: what a scenario of the transcripts expects
 * of its server, on tables of its own in the database at URL: one server, or several behind a balancer. Profiles: `dev`, `uninit`, `tls`.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AuditBroker } from '../src/audit/broker.ts';
import { systemClock } from '../src/base/clock.ts';
import { silentLog } from '../src/base/log.ts';
import { systemRandom } from '../src/base/random.ts';
import type { World } from '../src/base/world.ts';
import { createShamirSeal } from '../src/seal/shamir/shamir-seal.ts';
import { mountSecret } from '../src/server/start/dev-mode.ts';
import { Instance } from '../src/server/instance.ts';
import { LogRegistry } from '../src/base/log-lines.ts';
import { startMonitoring } from '../src/server/monitoring.ts';
import { openPostgresqlStorage } from '../src/storage/postgresql/postgresql-storage.ts';
import { Api } from '../rig/api.ts';
import { Child, freePort } from '../rig/child.ts';
import { startRoundRobin } from '../rig/round-robin.ts';
import { strongroom } from '../rig/vault-server.ts';

const POLL_MS = 20;
const HOUR_SECONDS = 3600;

interface Wish {
  readonly url: string;
  readonly table: string;
  readonly rootToken: string;
}

/** Creates the cluster with a root token of one's choice, as a development server does; gives the key share. */
async function createCluster({ url, table, rootToken }: Wish): Promise<string> {
  const world: World = {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    fatal: (reason) => {
      throw new Error(reason);
    },
  };
  const logs = new LogRegistry({
    clock: systemClock,
    format: 'standard',
    level: 'error',
    write: () => {},
  });
  const monitoring = startMonitoring({
    world,
    logs,
    feed: logs.feed,
    prefix: 'vault',
    sealed: () => false,
  });
  const instance = await Instance.open({
    world,
    storage: await openPostgresqlStorage({
      connectionUrl: url,
      table,
      clock: systemClock,
      random: systemRandom,
      onFatal: () => {},
    }),
    storageType: 'postgresql',
    seal: createShamirSeal(systemRandom),
    audit: new AuditBroker({
      types: [],
      origin: 'transcripts/one',
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      devices: { forbiddenDirectories: [], allowedDirectories: [], stdout: async () => {} },
    }),
    auditDevices: [],
    leaseBounds: { defaultSeconds: 32 * 24 * HOUR_SECONDS, maxSeconds: 32 * 24 * HOUR_SECONDS },
    clusterName: undefined,
    apiAddress: () => '',
    clusterAddress: () => '',
    auditCreationAllowed: false,
    openRekey: false,
    openRootGeneration: false,
    monitoring,
  });
  const { shares } = await instance.initialize({ sharing: { shares: 1, threshold: 1 } }, rootToken);
  const share = shares[0]?.toString('base64') ?? '';
  for (const each of shares) await instance.unsealer.submit(each);
  await instance.serve();
  await mountSecret(instance, rootToken, '2');
  monitoring.stop();
  await instance.close();
  return share;
}

async function main(args: readonly string[]): Promise<void> {
  const [profile, servers, url = '', port, rootToken = '', folder = '', cert, key] = args;
  const table = `t_${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
  const share = profile === 'uninit' ? undefined : await createCluster({ url, table, rootToken });
  const own = Number(servers) > 1 || share !== undefined;
  const ports: number[] = [];
  for (let index = 0; index < Number(servers); index++) {
    ports.push(own ? await freePort() : Number(port));
  }
  for (const each of ports)
    startServer({ url, table, folder, port: each, publicPort: Number(port), cert, key });
  if (share === undefined) return;
  const scheme = cert === undefined ? 'http' : 'https';
  for (const each of ports) await unseal(`${scheme}://127.0.0.1:${each}`, share);
  await startRoundRobin(ports, Number(port));
}

interface ServerWish {
  readonly url: string;
  readonly table: string;
  readonly folder: string;
  readonly port: number;
  readonly publicPort: number;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** With the switches of a development server. */
function startServer({ url, table, folder, port, publicPort, cert, key }: ServerWish): void {
  const file = join(folder, `server-${port}.hcl`);
  const tls =
    cert === undefined || key === undefined
      ? 'tls_disable = true'
      : `tls_cert_file = "${cert}"\n  tls_key_file = "${key}"`;
  const scheme = cert === undefined ? 'http' : 'https';
  writeFileSync(
    file,
    `storage "postgresql" {
  connection_url = "${url}"
  table = "${table}"
}
listener "tcp" {
  address = "127.0.0.1:${port}"
  ${tls}
  disable_unauthed_rekey_endpoints = false
  disable_unauthed_generate_root_endpoints = false
  telemetry { unauthenticated_metrics_access = true }
}
api_addr = "${scheme}://127.0.0.1:${publicPort}"
raw_storage_endpoint = true
`,
  );
  const child = new Child([strongroom.executable, 'server', `-config=${file}`]);
  void child.exited.then(() => {
    process.stderr.write(child.output);
    process.exit(1);
  });
}

async function unseal(address: string, share: string): Promise<void> {
  const api = new Api(address, { insecure: true });
  for (;;) {
    try {
      const { status } = await api.call('GET', 'sys/health');
      if (status === 200) return api.close();
      if (status === 503) await api.expect('POST', 'sys/unseal', { body: { key: share } });
    } catch {
      await pause(POLL_MS);
    }
  }
}

await main(process.argv.slice(2));
