/**
 * Usage: ledger-check.ts DIR LEDGER. Reopens the store and compares it with the ledger: every acknowledged item is
 * there, every item has its bytes and its mirror, the sum counts them, and SQLite finds no damage.
 * Exits with 0 (all good), 1 (an acknowledged item is lost) or 2 (torn, wrong or damaged), 3 (the disk failed under the check).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteStorage } from '../../src/storage/sqlite/sqlite-storage.ts';
import type { ScannableStorage } from '../../src/storage/storage.ts';
import { ITEMS, MIRRORS, SUM, expectedValue } from './ledger.ts';

const LOST = 1;
const DAMAGED = 2;
/** The disk failed or filled up under the check itself. */
const NOT_CHECKED = 3;
const SCAN_PAGE = 1000;

interface Verdict {
  readonly items: ReadonlySet<number>;
  /** What is wrong beside lost items. */
  readonly faults: readonly string[];
}

async function main(directory: string, ledger: string): Promise<number> {
  // What follows the last newline is a line that the crash cut off.
  const acknowledged = readFileSync(ledger, 'latin1').split('\n').slice(0, -1).map(Number);
  let verdict: Verdict;
  try {
    const storage = await openSqliteStorage({
      directory,
      onFatal: (error) => {
        console.log(`acked=${acknowledged.length} store failed: ${error.message}`);
        process.exit(NOT_CHECKED);
      },
    });
    verdict = await inspect(storage);
    await storage.close();
  } catch (error) {
    console.log(`acked=${acknowledged.length} cannot be read: ${String(error)}`);
    return DAMAGED;
  }
  const integrity = integrityOf(join(directory, 'strongroom.db'));
  const lost = acknowledged.filter((number) => !verdict.items.has(number));
  console.log(
    `acked=${acknowledged.length} present=${verdict.items.size} lost=${lost.length} ` +
      `faults=${verdict.faults.length} integrity=${integrity}`,
    ...lost.slice(0, 3),
    ...verdict.faults.slice(0, 3),
  );
  if (integrity !== 'ok' || verdict.faults.length > 0) return DAMAGED;
  return lost.length > 0 ? LOST : 0;
}

async function inspect(storage: ScannableStorage): Promise<Verdict> {
  const items = await numbersUnder(storage, ITEMS);
  const mirrors = await numbersUnder(storage, MIRRORS);
  const faults = [...items.faults, ...mirrors.faults];
  for (const number of items.items.symmetricDifference(mirrors.items)) {
    faults.push(`torn commit ${number}`);
  }
  const [sum] = await storage.read([SUM]);
  if ((sum?.revision ?? 0) !== items.items.size) faults.push(`the sum is ${sum?.revision}`);
  return { items: items.items, faults };
}

async function numbersUnder(
  storage: ScannableStorage,
  prefix: string,
): Promise<{ items: Set<number>; faults: string[] }> {
  const items = new Set<number>();
  const faults: string[] = [];
  let last: string | undefined;
  for (;;) {
    const page = await storage.scan(prefix, last, SCAN_PAGE);
    for (const { key, revision, value } of page) {
      if (Number(key.slice(prefix.length)) !== revision) faults.push(`wrong revision of ${key}`);
      if (!value.equals(expectedValue(key, revision))) faults.push(`wrong bytes of ${key}`);
      items.add(revision);
      last = key;
    }
    if (page.length < SCAN_PAGE) return { items, faults };
  }
}

function integrityOf(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  const result = Object.values(database.prepare('PRAGMA integrity_check').get() ?? {})[0];
  database.close();
  return String(result);
}

const [directory = '', ledger = ''] = process.argv.slice(2);
process.exitCode = await main(directory, ledger);
