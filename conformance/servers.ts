/** The servers that a suite drives: on their embedded stores, or on a PostgreSQL that the run starts, several behind a balancer. */
import { join } from 'node:path';
import { Api } from '../rig/api.ts';
import { freePort } from '../rig/child.ts';
import { startCluster, strongroomOn } from '../rig/cluster.ts';
import { startPostgres } from '../rig/postgresql.ts';
import { startRoundRobin } from '../rig/round-robin.ts';
import { startVaultServer } from '../rig/vault-server.ts';
import type { Program, VaultServer, VaultServerOptions } from '../rig/vault-server.ts';

export type Tls = NonNullable<VaultServerOptions['tls']>;

/** What one suite is given. */
export interface SuiteServers {
  /** Open and ready, where the suite reaches it. */
  readonly used: VaultServer;
  /** Not initialised yet; for suites that want one. */
  readonly fresh: VaultServer | undefined;
  stop(): Promise<void>;
}

/** Where servers come from. */
export interface ServerSource {
  start(name: string, folder: string, tls: Tls, wantsFresh: boolean): Promise<SuiteServers>;
  close(): Promise<void>;
}

async function stopAll(servers: readonly (VaultServer | undefined)[]): Promise<void> {
  for (const server of servers) {
    server?.api.close();
    await server?.child.stop();
  }
}

/** One server of `program`, with its own files. */
export function alone(program: Program): ServerSource {
  return {
    async start(name, folder, tls, wantsFresh) {
      const used = await startVaultServer(program, { folder: join(folder, name), tls });
      const other = { folder: join(folder, `${name}-fresh`), tls, seal: 'shamir' } as const;
      const fresh = wantsFresh ? await startVaultServer(program, other) : undefined;
      return { used, fresh, stop: () => stopAll([used, fresh]) };
    },
    close: async () => {},
  };
}

/** `count` Strongroom servers on one PostgreSQL; each suite has databases of its own. */
export async function onPostgresql(count: number): Promise<ServerSource> {
  const postgres = await startPostgres();
  return {
    async start(name, folder, tls, wantsFresh) {
      const database = name.replaceAll('-', '_');
      const empty = `${database}_fresh`;
      await postgres.createDatabase(database);
      await postgres.createDatabase(empty);
      const port = await freePort();
      const publicAddress = `https://127.0.0.1:${port}`;
      const cluster = await startCluster({
        folder: join(folder, name),
        urls: Array.from({ length: count }, () => postgres.url(database)),
        tls,
        publicAddress,
      });
      const ports = cluster.servers.map(({ api }) => Number(new URL(api.address).port));
      const balancer = await startRoundRobin(ports, port);
      const other = { folder: join(folder, `${name}-fresh`), tls, seal: 'shamir' } as const;
      const fresh = wantsFresh
        ? await startVaultServer(strongroomOn(postgres.url(empty)), other)
        : undefined;
      const [first] = cluster.servers;
      if (first === undefined) throw new Error('a cluster has at least one server');
      const used = { ...first, api: new Api(publicAddress, { ca: tls.ca }) };
      return {
        used,
        fresh,
        async stop() {
          used.api.close();
          await stopAll([fresh]);
          await cluster.stop();
          await balancer.close();
        },
      };
    },
    close: () => postgres.stop(),
  };
}
