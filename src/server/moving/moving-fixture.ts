/** What tests of moving share: configurations of stores, and stores with records in them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../base/log.ts';
import type { CountedStorage, Entry } from '../../storage/storage.ts';
import { loadConfig } from '../config/load-config.ts';
import { openLasting } from '../start/open-storage.ts';

/** Records of one commit. */
const AT_ONCE = 4_000;

export interface Ground {
  readonly folder: string;
  /** The configuration of an embedded store in a folder of its own. */
  embedded(name: string): string;
  /** The configuration of a store in the database at `url`. */
  shared(name: string, url: string): string;
  remove(): void;
}

export function makeGround(): Ground {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-moving-'));
  const write = (name: string, text: string): string => {
    const file = join(folder, `${name}.hcl`);
    writeFileSync(file, text);
    return file;
  };
  return {
    folder,
    embedded: (name) => write(name, `storage "sqlite" { path = "${join(folder, name)}" }\n`),
    shared: (name, url) =>
      write(name, `storage "postgresql" {\n  connection_url = "${url}"\n  table = "${name}"\n}\n`),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** Opens the store of a configuration, and closes it whatever happens. */
export async function inStore<Result>(
  config: string,
  body: (storage: CountedStorage) => Promise<Result>,
): Promise<Result> {
  const { storage: found } = loadConfig([config], { environment: {}, warn: () => {} });
  if (found.kind === 'inmem') throw new Error('a lasting store is needed');
  const storage = await openLasting(found, {
    log: silentLog,
    onFatal: (error) => {
      throw error;
    },
  });
  try {
    return await body(storage);
  } finally {
    await storage.close();
  }
}

/** Records of many lengths, some of them large, under keys of every level. */
export function someRecords(count: number): Entry[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `data/root/${String(index % 7)}/é${String(index).padStart(6, '0')}`,
    revision: 1 + ((index * 7919) % 1000),
    value: Buffer.alloc(index % 997 === 0 ? 200_000 : index % 100, index % 251),
  }));
}

export async function fill(storage: CountedStorage, records: readonly Entry[]): Promise<void> {
  for (let start = 0; start < records.length; start += AT_ONCE) {
    const puts = records.slice(start, start + AT_ONCE);
    await storage.commit({ checks: [], puts, deletes: [] });
  }
}
