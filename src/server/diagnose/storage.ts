/** Whether the store can be opened, is durable, and has room. */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { silentLog } from '../../base/log.ts';
import { StorageError } from '../../storage/storage.ts';
import { openLasting, storeWords } from '../start/open-storage.ts';
import type { StorageConfig } from '../config/block-keys.ts';
import type { Finding } from './finding.ts';

const MIB = 2 ** 20;
/** Below it a store that grows is full before somebody has looked. */
const FREE_BYTES_MIN = 1024 * MIB;
const about = 'storage';

export async function lookAtStorage(config: StorageConfig): Promise<Finding[]> {
  if (config.kind === 'inmem') {
    return [{ about, grade: 'warning', text: 'in memory: everything ends with the server' }];
  }
  const findings: Finding[] = config.kind === 'sqlite' ? [await roomOf(config.path)] : [];
  if (config.kind === 'sqlite' && !existsSync(join(config.path, 'strongroom.db'))) {
    const text = `${config.path} holds no store yet: the first start makes one`;
    return [...findings, { about, grade: 'ok', text }];
  }
  try {
    // One attempt, and no table that is not there yet.
    const calm =
      config.kind === 'sqlite'
        ? config
        : { ...config, connectAttemptsMax: 1, skipCreateTable: true };
    const storage = await openLasting(calm, { log: silentLog, onFatal: () => {} });
    await storage.close();
    const text = `${storeWords(config, process.env)} opens, and keeps what it has acknowledged`;
    findings.push({ about, grade: 'ok', text });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const grade = /in use/u.test(error.message) ? 'warning' : 'failure';
    findings.push({ about, grade, text: error.message });
  }
  return findings;
}

async function roomOf(path: string): Promise<Finding> {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize, blocks } = await statfs(folder);
  const free = bavail * bsize;
  const text = `${Math.floor(free / MIB)} MiB of ${Math.floor((blocks * bsize) / MIB)} MiB are free at ${path}`;
  return { about: 'room', grade: free < FREE_BYTES_MIN ? 'warning' : 'ok', text };
}
