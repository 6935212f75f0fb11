/** A cluster to be hurt: servers, their database with a standby, and a spoilable line from each to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startCluster } from '../../rig/cluster.ts';
import type { Cluster } from '../../rig/cluster.ts';
import { startPostgresPair } from '../../rig/postgresql-pair.ts';
import type { PostgresPair } from '../../rig/postgresql-pair.ts';
import { startTcpProxy } from '../../rig/tcp-proxy.ts';
import type { TcpProxy } from '../../rig/tcp-proxy.ts';
import type { Seeded } from '../seeded.ts';

export const SERVERS = 3;

export interface Scene {
  readonly databases: PostgresPair;
  readonly lines: readonly TcpProxy[];
  readonly cluster: Cluster;
}

/** Runs `act` on a new cluster, and takes that down whatever happens. */
export async function inScene<T>(act: (scene: Scene) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'simulation-replicas-'));
  const databases = await startPostgresPair();
  const { primary } = databases;
  const lines: TcpProxy[] = [];
  let cluster: Cluster | undefined;
  try {
    for (let index = 0; index < SERVERS; index++) lines.push(await startTcpProxy(primary.port));
    const urls = lines.map(({ port }) => primary.url().replace(`:${primary.port}/`, `:${port}/`));
    cluster = await startCluster({
      folder,
      urls,
      storage: 'deadline = "4s"\n  max_connect_retries = 60',
    });
    const body = { type: 'kv', options: { version: '2' } };
    const { rootToken: token } = cluster;
    await cluster.servers[0]?.api.expect('POST', 'sys/mounts/secret', { token, body });
    return await act({ databases, lines, cluster });
  } finally {
    for (const { child } of cluster?.servers ?? []) child.signal('SIGCONT');
    await cluster?.stop();
    for (const line of lines) await line.close();
    await databases.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How long a spoiled line or a stopped process stays so. */
const HURT_MS = [100, 1500] as const;

/** What can be done to a cluster; each is over when it returns. */
export const HURTS: Readonly<Record<string, (scene: Scene, seeded: Seeded) => Promise<void>>> = {
  'server killed': async ({ cluster }, seeded) => {
    const index = seeded.between(0, SERVERS - 1);
    await cluster.servers[index]?.child.kill();
    await cluster.restart(index);
  },
  'server stopped and continued': async ({ cluster }, seeded) => {
    const child = seeded.pick(cluster.servers).child;
    child.signal('SIGSTOP');
    // Longer than the database leaves a lock to a process that is silent.
    await pause(seeded.between(500, 4500));
    child.signal('SIGCONT');
  },
  'line cut': async ({ lines }, seeded) => {
    for (let times = seeded.between(1, 4); times > 0; times--) {
      seeded.pick(lines).cut();
      await pause(seeded.between(5, 60));
    }
  },
  'answers of the database lost': async ({ lines }, seeded) => {
    const line = seeded.pick(lines);
    line.spoil({ toClient: { blackHole: true } });
    await pause(seeded.between(...HURT_MS));
    line.heal();
    line.cut();
  },
  'line delayed': async ({ lines }, seeded) => {
    const line = seeded.pick(lines);
    const passage = { delayMs: seeded.between(5, 80) };
    line.spoil({ toServer: passage, toClient: passage });
    await pause(seeded.between(...HURT_MS));
    line.heal();
  },
  'line interrupted': async ({ lines }, seeded) => {
    const line = seeded.pick(lines);
    line.spoil({ toServer: { blackHole: true }, toClient: { blackHole: true } });
    await pause(seeded.between(...HURT_MS));
    line.heal();
    line.cut();
  },
  'database killed': async ({ databases: { primary } }) => {
    await primary.kill();
    await primary.start();
  },
  'database failed over': async ({ databases, lines }) => {
    await databases.failOver(({ port }) => {
      for (const line of lines) line.turnTo(port);
    });
  },
};

/** Hurts the cluster one way after the other until `over`; counts what it has done. */
export async function hurtUntil(
  scene: Scene,
  seeded: Seeded,
  over: () => boolean,
): Promise<Map<string, number>> {
  const done = new Map<string, number>();
  const names = Object.keys(HURTS);
  for (let turn = 0; !over(); turn++) {
    const name = names[turn % names.length] ?? '';
    try {
      await HURTS[name]?.(scene, seeded);
      done.set(name, (done.get(name) ?? 0) + 1);
    } catch (error) {
      // On a machine that is short of time a start may take too long; the rest of the cluster goes on.
      console.log(`  ${name}: ${error instanceof Error ? error.message : 'failed'}`);
    }
    await pause(seeded.between(200, 1500));
  }
  return done;
}

export function counted(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}
