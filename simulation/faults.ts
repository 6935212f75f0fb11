/**
 * Makes the disk fail under a server with a write load: fsync errors at the N-th call on the database or on the audit file (strace), and
 * a full disk below each (a small tmpfs). After an fsync error nothing may be acknowledged any more; nothing acknowledged may be lost.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startVaultServer, strongroom } from '../rig/vault-server.ts';
import { AuditLog } from './audit-log.ts';
import { Ledger } from './ledger.ts';
import { Seeded } from './seeded.ts';
import { mountSecrets, verifyAudit } from './server-under-test.ts';
import type { VaultServer, VaultServerOptions } from '../rig/vault-server.ts';

export interface FaultOptions {
  readonly points: number;
  readonly seed: number;
}

const WRITERS = 4;
const LOAD_MS_MAX = 6_000;
const HEALTHY_MS = 500;
const PROBE_MS = 700;
/** A server that gives up finishes within this time. */
const EXIT_MS_MAX = 12_000;
/** Between the return of the failed call in the trace and the clock of this process. */
const CLOCK_SLACK_MS = 2;
const SMALL_DISK = '12m';
const LARGE_DISK = '256m';

export async function simulateFaults({ points, seed }: FaultOptions): Promise<string[]> {
  const seeded = new Seeded(seed);
  const problems: string[] = [];
  if (spawnSync('strace', ['-V']).status !== 0) {
    console.log('  left out: fsync errors (apt-get install strace)');
  } else {
    for (let point = 0; point < points; point++) {
      const target = point % 2 === 0 ? 'database' : 'audit';
      const call = seeded.between(1, 40);
      const found = await failSync(target, call, seeded);
      problems.push(...found.map((problem) => `sync ${call} of the ${target}: ${problem}`));
    }
  }
  for (const target of ['database', 'audit'] as const) {
    const found = await fillDisk(target, seeded);
    problems.push(...found.map((problem) => `full disk below the ${target}: ${problem}`));
  }
  return problems;
}

/** What makes each durable: the audit file is opened with O_DSYNC, so that the write is its own sync. */
const SYNC_CALLS = { database: 'fsync,fdatasync', audit: 'write,writev,pwrite64,pwritev' } as const;

interface Scene {
  readonly folder: string;
  readonly ledger: Ledger;
  readonly seeded: Seeded;
}

/** Runs `act` in a folder of its own and compares, on a healthy disk, what is there with what was acknowledged. */
async function inScene(
  seeded: Seeded,
  act: (scene: Scene) => Promise<string[]>,
  auditFile?: (folder: string) => string,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'simulation-fault-'));
  const scene: Scene = { folder, ledger: new Ledger(), seeded };
  try {
    const problems = await act(scene);
    const options: VaultServerOptions = {
      folder,
      ...(auditFile === undefined ? {} : { auditFile: auditFile(folder) }),
    };
    const server = await startVaultServer(strongroom, options);
    problems.push(...(await scene.ledger.compare(server.api, server.rootToken, seeded, true)));
    const log = new AuditLog(server.auditFile);
    log.catchUp();
    for (const id of scene.ledger.answered) {
      if (!log.hasReply(id)) problems.push(`request ${id} was answered and has no reply record`);
    }
    problems.push(...(await verifyAudit(server.auditFile)));
    server.api.close();
    await server.child.stop();
    return problems;
  } finally {
    spawnSync('umount', [join(folder, 'data')], { stdio: 'ignore' });
    spawnSync('umount', [join(folder, 'audit')], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Loads the server until every writer has met a failure or the time is over. */
async function load(
  server: VaultServer,
  { ledger, seeded }: Scene,
  durationMs: number = LOAD_MS_MAX,
): Promise<void> {
  const end = performance.now() + durationMs;
  await Promise.all(
    Array.from({ length: WRITERS }, (_, writer) =>
      ledger.write(server.api, server.rootToken, writer, seeded, () => performance.now() > end),
    ),
  );
}

async function failSync(
  target: 'database' | 'audit',
  call: number,
  seeded: Seeded,
): Promise<string[]> {
  return inScene(seeded, async (scene) => {
    const { folder, ledger } = scene;
    const first = await startVaultServer(strongroom, { folder });
    await mountSecrets(first);
    first.api.close();
    await first.child.stop();

    const trace = join(folder, 'trace');
    const data = join(folder, 'data', 'strongroom.db');
    const files = target === 'database' ? [data, `${data}-wal`] : [join(folder, 'audit.log')];
    const calls = SYNC_CALLS[target];
    const injection = `inject=${calls}:error=EIO:when=${call}+`;
    const wrapper = ['strace', '-f', '-qq', '-ttt', '-o', trace, '-e', `trace=${calls}`];
    wrapper.push(...files.flatMap((file) => ['-P', file]), '-e', injection);
    // One pool thread, because strace counts calls per thread.
    const environment = { UV_THREADPOOL_SIZE: '1' };
    const options = { folder, wrapper, environment, evenIfSealed: true };
    let server: VaultServer;
    try {
      server = await startVaultServer(strongroom, options);
    } catch {
      return injectedAtMs(trace) === undefined ? ['did not start, without a fault'] : [];
    }
    await load(server, scene);
    const problems: string[] = [];
    const faultMs = injectedAtMs(trace);
    if (faultMs === undefined) problems.push('the fault was never met');
    else {
      const lateMs = ledger.lastSentMs - faultMs;
      if (lateMs > CLOCK_SLACK_MS) {
        problems.push(`acknowledged a write that was sent ${lateMs.toFixed(1)} ms after the fault`);
      }
      problems.push(...(await successesAfter(server)));
      if (target === 'database' && server.child.exit?.code === 0)
        problems.push('ended as if all was well');
      if (target === 'database' && server.child.exit === undefined) problems.push('still runs');
    }
    server.api.close();
    await server.child.kill();
    return problems;
  });
}

/** When the first call failed, by the trace. */
function injectedAtMs(trace: string): number | undefined {
  if (!existsSync(trace)) return undefined;
  const line = readFileSync(trace, 'utf8')
    .split('\n')
    .find((text) => text.includes('(INJECTED)'));
  const seconds = line === undefined ? undefined : /\d{9,}\.\d+/.exec(line)?.[0];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** Writes that the server still acknowledges. */
async function successesAfter({ api, rootToken }: VaultServer): Promise<string[]> {
  const end = performance.now() + PROBE_MS;
  while (performance.now() < end) {
    const body = { data: { after: 'the fault' } };
    const answer = await api
      .call('POST', 'secret/data/sim/after', { token: rootToken, body, timeoutMs: 5_000 })
      .catch(() => undefined);
    if (answer !== undefined && answer.status < 300)
      return ['acknowledged a write after the fault'];
    await delay(20);
  }
  return [];
}

async function fillDisk(target: 'database' | 'audit', seeded: Seeded): Promise<string[]> {
  const auditFile = (folder: string): string =>
    target === 'audit' ? join(folder, 'audit', 'audit.log') : join(folder, 'audit.log');
  return inScene(
    seeded,
    async (scene) => {
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
      await load(server, scene, HEALTHY_MS);
      await fill(server);
      await load(server, scene);
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
  );
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
