/** A server with a write load whose disk is about to fail, and the comparison on a healthy disk afterwards. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startVaultServer, strongroom } from '../../rig/vault-server.ts';
import type { VaultServer, VaultServerOptions } from '../../rig/vault-server.ts';
import { AuditLog } from '../audit-log.ts';
import { Ledger } from '../ledger.ts';
import type { Seeded } from '../seeded.ts';
import { mountSecrets, verifyAudit } from '../server-under-test.ts';

const WRITERS = 4;

export interface Scene {
  readonly folder: string;
  readonly ledger: Ledger;
  readonly seeded: Seeded;
}

export interface SceneOptions {
  readonly seeded: Seeded;
  readonly act: (scene: Scene) => Promise<string[]>;
  /** A folder whose server has been initialised already. */
  readonly prepared?: string;
  readonly auditFile?: (folder: string) => string;
}

/** Runs `act` in a folder of its own and compares, on a healthy disk, what is there with what was acknowledged. */
export async function inScene(options: SceneOptions): Promise<string[]> {
  const { seeded, act, prepared, auditFile } = options;
  const folder = mkdtempSync(join(tmpdir(), 'simulation-fault-'));
  if (prepared !== undefined)
    cpSync(prepared, folder, { recursive: true, preserveTimestamps: true });
  const scene: Scene = { folder, ledger: new Ledger(), seeded };
  try {
    const problems = await act(scene);
    const healthy: VaultServerOptions = {
      folder,
      ...(auditFile === undefined ? {} : { auditFile: auditFile(folder) }),
    };
    const server = await startVaultServer(strongroom, healthy);
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

/** A folder with an initialised server and a mount to write to; the caller removes it. */
export async function prepare(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'simulation-prepared-'));
  const server = await startVaultServer(strongroom, { folder });
  await mountSecrets(server);
  server.api.close();
  await server.child.stop();
  return folder;
}

/** Loads the server until every writer has met a failure or `over` says so. */
export async function load(
  server: VaultServer,
  { ledger, seeded }: Scene,
  over: () => boolean,
): Promise<void> {
  await Promise.all(
    Array.from({ length: WRITERS }, (_, writer) =>
      ledger.write(server.api, server.rootToken, writer, seeded, over),
    ),
  );
}
