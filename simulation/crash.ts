/**
 * Kills the server again and again in the middle of a write load, starts it on the same data and compares it with the ledger of
 * acknowledged writes: none lost, none half written, every reply in the audit log, the log's chain whole.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startVaultServer, strongroom } from '../rig/vault-server.ts';
import { AuditLog } from './audit-log.ts';
import { Ledger } from './ledger.ts';
import { Seeded } from './seeded.ts';
import { mountSecrets, verifyAudit } from './server-under-test.ts';
import type { VaultServer } from '../rig/vault-server.ts';

export interface CrashOptions {
  readonly cycles: number;
  readonly seed: number;
}

const WRITERS = 8;
const LOAD_MS_MIN = 20;
const LOAD_MS_MAX = 150;
/** The chain is verified from its beginning, so not after every crash. */
const VERIFY_EVERY = 50;
const PROBLEMS_MAX = 20;

export async function simulateCrashes({ cycles, seed }: CrashOptions): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'simulation-crash-'));
  const seeded = new Seeded(seed);
  const ledger = new Ledger();
  const problems: string[] = [];
  const log = new AuditLog(join(folder, 'audit.log'));
  const began = performance.now();
  let slowestMs = 0;

  async function checked(server: VaultServer, cycle: number, everything: boolean): Promise<void> {
    const { api, rootToken } = server;
    const found = await ledger.compare(api, rootToken, seeded, everything);
    log.catchUp();
    for (const id of ledger.answered) {
      if (!log.hasReply(id)) found.push(`request ${id} was answered and has no reply record`);
    }
    ledger.answered.clear();
    if (everything || cycle % VERIFY_EVERY === 0)
      found.push(...(await verifyAudit(server.auditFile)));
    problems.push(...found.map((problem) => `cycle ${cycle}: ${problem}`));
    if (everything || cycle % VERIFY_EVERY === 0) {
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      console.log(
        `  cycle ${cycle}: ${ledger.acknowledged} acknowledged, ${log.lines} audit lines, ${problems.length} problems, slowest start ${slowestMs.toFixed(0)} ms, ${seconds} s`,
      );
    }
  }

  try {
    for (let cycle = 0; cycle <= cycles && problems.length < PROBLEMS_MAX; cycle++) {
      const server = await startVaultServer(strongroom, { folder });
      slowestMs = Math.max(slowestMs, server.readyMs);
      if (cycle === 0) await mountSecrets(server);
      else await checked(server, cycle, cycle === cycles);
      let stopped = false;
      const load = Promise.all(
        Array.from({ length: WRITERS }, (_, writer) =>
          ledger.write(server.api, server.rootToken, writer, seeded, () => stopped),
        ),
      );
      await delay(seeded.between(LOAD_MS_MIN, LOAD_MS_MAX));
      await server.child.kill();
      stopped = true;
      await load;
      server.api.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // A run without acknowledged writes proves nothing.
  if (ledger.acknowledged < cycles)
    problems.push(`only ${ledger.acknowledged} writes in ${cycles} cycles`);
  return problems;
}
