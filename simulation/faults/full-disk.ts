/** A disk that fills up under a server, below its store or its audit log: a small tmpfs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startVaultServer, strongroom } from '../../rig/vault-server.ts';
import type { VaultServer } from '../../rig/vault-server.ts';
import type { Seeded } from '../seeded.ts';
import { mountSecrets } from '../server-under-test.ts';
import { inScene, load } from './scene.ts';

const LOAD_MS_MAX = 6_000;
const HEALTHY_MS = 500;
/** A server that gives up finishes within this time. */
const EXIT_MS_MAX = 12_000;
const SMALL_DISK = '12m';
const LARGE_DISK = '256m';

function untilMs(durationMs: number): () => boolean {
  const end = performance.now() + durationMs;
  return () => performance.now() > end;
}

export async function fillDisk(target: 'database' | 'audit', seeded: Seeded): Promise<string[]> {
  const auditFile = (folder: string): string =>
    target === 'audit' ? join(folder, 'audit', 'audit.log') : join(folder, 'audit.log');
  return inScene({
    seeded,
    act: async (scene) => {
      const { folder } = scene;
      const disk = join(folder, target === 'audit' ? 'audit' : 'data');
      mkdirSync(disk, { recursive: true, mode: 0o700 });
      const size = `size=${SMALL_DISK},mode=0700`;
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'none', disk]).status !== 0) {
        console.log(`  left out: full disk below the ${target} (needs root)`);
        return [];
      }
      const server = await startVaultServer(strongroom, { folder, auditFile: auditFile(folder) });
      await mountSecrets(server);
      await load(server, scene, untilMs(HEALTHY_MS));
      await fill(server);
      await load(server, scene, untilMs(LOAD_MS_MAX));
      const health = await server.api.call('GET', 'sys/health').catch(() => undefined);
      if (health === undefined) await Promise.race([server.child.exited, delay(EXIT_MS_MAX)]);
      const { exit } = server.child;
      if (health === undefined && exit === undefined) return ['neither answers nor ends'];
      const said = exit === undefined ? 'goes on' : `ended with ${JSON.stringify(exit)}`;
      console.log(
        `  full disk below the ${target}: ${scene.ledger.acknowledged} acknowledged, then ${said}`,
      );
      server.api.close();
      await server.child.kill();
      execFileSync('mount', ['-o', `remount,size=${LARGE_DISK}`, disk]);
      return [];
    },
    auditFile,
  });
}

/** Takes most of the space with large secrets, until one is refused. */
async function fill({ api, rootToken }: VaultServer): Promise<void> {
  const body = { data: { padding: 'p'.repeat(200_000) } };
  for (let index = 0; index < 400; index++) {
    const answer = await api
      .call('POST', `secret/data/fill/${index}`, { token: rootToken, body })
      .catch(() => undefined);
    if (answer === undefined || answer.status >= 300) return;
  }
}
