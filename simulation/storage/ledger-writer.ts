/**
 * Usage: ledger-writer.ts DIR LEDGER [--acknowledge-early]. Commits items to the embedded store in DIR until it is killed, and appends the
 * number of each to LEDGER once its commit is acknowledged (with the flag before that, as a control). Exits with 3 when the store reports a fatal error.
 */
import { openSync, writeSync } from 'node:fs';
import { openSqliteStorage } from '../../src/storage/sqlite/sqlite-storage.ts';
import { StorageError } from '../../src/storage/storage.ts';
import type { ScannableStorage } from '../../src/storage/storage.ts';
import { ITEMS, MIRRORS, SUM, itemName, makeEntry } from './ledger.ts';

const WRITERS = 8;
const FATAL_EXIT = 3;

const [directory = '', ledger = '', flag] = process.argv.slice(2);
const acknowledgeEarly = flag === '--acknowledge-early';
const acknowledgements = openSync(ledger, 'a');

function stop(error: unknown): never {
  console.log('FATAL', error instanceof Error ? error.message : String(error));
  process.exit(FATAL_EXIT);
}

async function main(): Promise<void> {
  const storage = await openSqliteStorage({ directory, onFatal: stop });
  let next = await firstFree(storage);
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      for (;;) {
        const number = next;
        next += 1;
        const written = writeItem(storage, number);
        if (acknowledgeEarly) writeSync(acknowledgements, `${number}\n`);
        await written;
        if (!acknowledgeEarly) writeSync(acknowledgements, `${number}\n`);
      }
    }),
  );
}

/** The number after the greatest that is there: a commit without an acknowledgement may have left one. */
async function firstFree(storage: ScannableStorage): Promise<number> {
  let last: string | undefined;
  for (;;) {
    const names = await storage.list(ITEMS, last === undefined ? {} : { after: last });
    if (names.length === 0) return last === undefined ? 1 : Number(last) + 1;
    last = names.at(-1);
  }
}

async function writeItem(storage: ScannableStorage, number: number): Promise<void> {
  const name = itemName(number);
  await storage.commit({
    checks: [{ key: ITEMS + name, revision: undefined }],
    puts: [makeEntry(ITEMS + name, number), makeEntry(MIRRORS + name, number)],
    deletes: [`scratch/${name}`],
    amend: {
      keys: [SUM],
      apply: ([sum]) => [makeEntry(SUM, (sum?.revision ?? 0) + 1)],
    },
  });
}

main().catch((error: unknown) => {
  if (error instanceof StorageError) stop(error);
  throw error;
});
