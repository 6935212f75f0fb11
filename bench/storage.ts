/** Reads and durable commits of the embedded store: `bin/node bench/storage.ts [records] [directory]`. */
import type { Awaitable } from '../src/base/awaitable.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStorage } from '../src/storage/sqlite/sqlite-storage.ts';
import type { SqliteStorage } from '../src/storage/sqlite/sqlite-storage.ts';

const RECORDS = Number(process.argv[2] ?? 100_000);
const FOLDERS = 10;
const COMMIT_RECORDS = 500;
const COMMITS = 20_000;
const READS = 200_000;
const HOT_KEYS = 1000;
const WARM_KEYS = 10_000;
const value = Buffer.alloc(350, 7);
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'bench-storage-'));

function open(cacheBytesMax?: number): Promise<SqliteStorage> {
  return openSqliteStorage({
    directory: folder,
    onFatal: (error) => {
      throw error;
    },
    ...(cacheBytesMax === undefined ? {} : { cacheBytesMax }),
  });
}

/** Runs `operation` `count` times, `concurrency` at once, and prints rate and CPU. */
async function measure(
  name: string,
  count: number,
  concurrency: number,
  operation: (index: number) => Awaitable<unknown>,
): Promise<void> {
  let next = 0;
  const start = process.cpuUsage();
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (next < count) {
        const index = next;
        next += 1;
        await operation(index);
      }
    }),
  );
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(start);
  console.log(
    `${name.padEnd(44)} ${((count / wallMs) * 1000).toFixed(0).padStart(9)}/s ` +
      `${((wallMs * 1000) / count).toFixed(2).padStart(9)} µs ${((user + system) / count).toFixed(2).padStart(8)} µs CPU`,
  );
}

/** Keys that come in no order, as identifiers do. */
function keyOf(index: number): string {
  return `folder-${index % FOLDERS}/${(Math.imul(index, 2654435761) >>> 0).toString(36)}-${index}`;
}

function put(storage: SqliteStorage, keys: readonly string[]): Promise<void> {
  const puts = keys.map((key) => ({ key, revision: 1, value }));
  return storage.commit({ checks: [], puts, deletes: [] });
}

try {
  const storage = await open();
  await measure(`commit ${COMMIT_RECORDS} new records`, RECORDS / COMMIT_RECORDS, 4, (index) =>
    put(
      storage,
      Array.from({ length: COMMIT_RECORDS }, (_, n) => keyOf(index * COMMIT_RECORDS + n)),
    ),
  );
  for (const [concurrency, count] of [
    [1, 300],
    [16, 5000],
    [64, COMMITS],
    [256, COMMITS],
  ] as const) {
    await measure(`commit 1 new record, ${concurrency} at once`, count, concurrency, (index) => {
      const key = `new-${concurrency}/${keyOf(index)}`;
      const puts = [{ key, revision: 1, value }];
      return storage.commit({ checks: [{ key, revision: undefined }], puts, deletes: [] });
    });
  }
  await measure('commit 1 hot record, 64 at once', COMMITS, 64, (index) =>
    put(storage, [keyOf(index % HOT_KEYS)]),
  );
  await measure('read 1, cached', READS, 1, (index) => storage.read([keyOf(index % HOT_KEYS)]));
  await measure('read 4, cached', READS, 1, (index) =>
    storage.read([0, 1, 2, 3].map((each) => keyOf((index + each) % HOT_KEYS))),
  );
  await measure('list the top, by folder', 100, 1, () => storage.list(''));
  await measure('list a folder, 1000 names', 100, 1, () =>
    storage.list('folder-1/', { limit: 1000 }),
  );
  await storage.close();
  const startMs = performance.now();
  const uncached = await open(0);
  console.log(`open again: ${(performance.now() - startMs).toFixed(0)} ms`);
  await measure('read 1, not cached', READS / 4, 1, (index) =>
    uncached.read([keyOf(index % WARM_KEYS)]),
  );
  await measure('read 4, not cached', READS / 16, 1, (index) =>
    uncached.read([0, 1, 2, 3].map((each) => keyOf((index + each) % WARM_KEYS))),
  );
  await uncached.close();
} finally {
  rmSync(folder, { recursive: true });
}
