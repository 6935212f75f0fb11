/**
 * Looks at what a server would stand on, without starting one: `operator diagnose`. Nothing is changed, and a server that runs
 * meanwhile is not disturbed.
 */
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '../../base/config/config-tree.ts';
import type { Environment } from '../../base/config/references.ts';
import { loadConfig } from '../config/load-config.ts';
import type { AuditConfig, SealConfig } from '../config/block-keys.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { lookAtListener } from './listeners.ts';
import { lookAtStorage } from './storage.ts';
import type { Finding } from './finding.ts';

/** A service has many connections: with fewer open files it refuses some. */
const OPEN_FILES_MIN = 4096;

const PARTS = ['listener', 'storage', 'seal', 'audit', 'system'] as const;
/** What can be left out. */
export const DIAGNOSED: readonly string[] = PARTS;

/**
 * @param skip parts to leave out
 * @param nowMs since the epoch: certificates are judged by it
 */
export async function diagnose(
  paths: readonly string[],
  environment: Environment,
  skip: ReadonlySet<string>,
  nowMs: number,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const about = 'configuration';
  let config: ServerConfig;
  try {
    config = loadConfig(paths, {
      environment,
      warn: (text) => findings.push({ about, grade: 'warning', text }),
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [...findings, { about, grade: 'failure', text: error.message }];
  }
  findings.push({ about, grade: 'ok', text: 'a server could start with it' });
  const parts: Record<(typeof PARTS)[number], () => Promise<readonly Finding[]>> = {
    listener: async () => await listeners(config, nowMs),
    storage: () => lookAtStorage(config.storage),
    seal: async () => [sealOf(config.seal)],
    audit: () => audits(config.audit),
    system: system,
  };
  for (const part of PARTS) if (!skip.has(part)) findings.push(...(await parts[part]()));
  return findings;
}

async function listeners(config: ServerConfig, nowMs: number): Promise<Finding[]> {
  if (config.listeners.length === 0) {
    return [
      { about: 'listener', grade: 'warning', text: 'there is none: nobody can reach the server' },
    ];
  }
  const found = await Promise.all(
    config.listeners.map((listener) => lookAtListener(listener, nowMs)),
  );
  return found.flat();
}

function sealOf(seal: SealConfig): Finding {
  if (seal.kind === 'shamir') {
    const text = 'Shamir shares: each start waits for people who bring them';
    return { about: 'seal', grade: 'ok', text };
  }
  const text = `the static key ${JSON.stringify(seal.currentKeyId)} can be read and has the right length`;
  return { about: 'seal', grade: 'ok', text };
}

async function audits(devices: readonly AuditConfig[]): Promise<Finding[]> {
  if (devices.length === 0) {
    const text = 'no device is declared: unless one was made through the API, nothing is recorded';
    return [{ about: 'audit', grade: 'warning', text }];
  }
  return await Promise.all(devices.map(auditOf));
}

async function auditOf({ type, path, options = {} }: AuditConfig): Promise<Finding> {
  const about = `audit ${path}`;
  const file = options['file_path'];
  if (type !== 'file' || file === undefined || file === 'stdout') {
    return { about, grade: 'ok', text: `a device of type ${type}; it is not tried` };
  }
  try {
    await access(file, constants.W_OK).catch(async (error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      await access(dirname(file), constants.W_OK);
    });
    return { about, grade: 'ok', text: `${file} can be written` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    return { about, grade: 'failure', text: `no request would be served: ${reason}` };
  }
}

/** Limits of the process that runs this: those of a service are in its unit. */
async function system(): Promise<Finding[]> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\d+)/mu.exec(limits)?.[1];
  if (soft === undefined) return [];
  const about = 'open files';
  if (Number(soft) >= OPEN_FILES_MIN) return [{ about, grade: 'ok', text: `at most ${soft}` }];
  const text = `at most ${soft}: with many connections some are refused (LimitNOFILE of a unit)`;
  return [{ about, grade: 'warning', text }];
}
