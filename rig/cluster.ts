/** Several Strongroom servers on one PostgreSQL database. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startVaultServer, strongroom } from './vault-server.ts';
import type { Program, VaultServer, VaultServerOptions } from './vault-server.ts';

/** What the servers of a cluster have in common. */
const COMMON_FILES = ['unseal.key', 'root-token'];

/** Strongroom with its records in the database at `url`. */
export function strongroomOn(url: string, more = ''): Program {
  return {
    ...strongroom,
    storage: () => `storage "postgresql" {\n  connection_url = "${url}"\n  ${more}\n}`,
  };
}

export interface ClusterOptions extends Pick<VaultServerOptions, 'tls' | 'publicAddress'> {
  readonly folder: string;
  /** The database as each server reaches it: one server for each. */
  readonly urls: readonly string[];
  /** Further lines for the servers' configurations, and for their storage blocks. */
  readonly settings?: string;
  readonly storage?: string;
}

export interface Cluster {
  /** In the order of the URLs; a restarted one takes the place of the old. */
  readonly servers: readonly VaultServer[];
  readonly rootToken: string;
  /** Starts the server at `index` again, on another port. The one before must have ended. */
  restart(index: number): Promise<VaultServer>;
  stop(): Promise<void>;
}

/** The first creates the cluster, the others find it. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { folder, urls, storage, ...more } = options;
  const servers: VaultServer[] = [];
  const folderOf = (index: number): string => join(folder, `server-${index}`);
  const start = (index: number): Promise<VaultServer> =>
    startVaultServer(strongroomOn(urls[index] ?? '', storage), {
      ...more,
      folder: folderOf(index),
    });
  try {
    for (const index of urls.keys()) {
      mkdirSync(folderOf(index), { recursive: true });
      if (index > 0) {
        for (const file of COMMON_FILES) {
          copyFileSync(join(folderOf(0), file), join(folderOf(index), file));
        }
      }
      servers.push(await start(index));
    }
  } catch (error) {
    for (const server of servers) await server.child.kill();
    throw error;
  }
  return {
    servers,
    rootToken: servers[0]?.rootToken ?? '',
    restart: async (index) => {
      servers[index]?.api.close();
      const server = await start(index);
      servers[index] = server;
      return server;
    },
    stop: async () => {
      await Promise.all(
        servers.map(async (server) => {
          server.api.close();
          await server.child.stop();
        }),
      );
    },
  };
}
