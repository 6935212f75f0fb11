/** Reads every record of one state of the database, page by page, in one transaction on a connection of its own. */
import type { Awaitable } from '../../base/awaitable.ts';
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import { StorageError } from '../storage.ts';
import type { Entry } from '../storage.ts';
import { LinkError } from './failures.ts';
import type { Connection } from './link.ts';
import { AFTER_ALL_KEYS, entryOf, firstAfter } from './rows.ts';
import { asStorageError } from './reader.ts';
import type { Statements } from './statements.ts';

/** Entries of the first page; later ones are larger or smaller by what they weigh. */
const PAGE_FIRST = 64;
const PAGE_MAX = 1_000;
const PAGE_BYTES_LOW: number = 1024 * 1024;
const PAGE_BYTES_HIGH: number = 8 * 1024 * 1024;

export interface WalkPorts {
  readonly statements: Statements;
  readonly random: Random;
  readonly makeLink: () => Connection;
}

/** @throws {StorageError} the connection was lost: what was visited may be of another state than what would follow. */
export async function walkSnapshot(
  ports: WalkPorts,
  visit: (entries: readonly Entry[]) => Awaitable<void>,
): Promise<void> {
  const { statements } = ports;
  const link = ports.makeLink();
  const id = uuid(ports.random);
  try {
    await link.run(statements.beginWalk(id));
    let from = '';
    let limit = PAGE_FIRST;
    for (;;) {
      // A lost connection is replaced without a word, and then the transaction is gone.
      const [walking, page] = await link.run([
        statements.walking,
        statements.scan(from, AFTER_ALL_KEYS, limit),
      ]);
      if (walking?.rows[0]?.[0] !== id || page === undefined) {
        throw new StorageError('the connection was lost in the middle of a copy');
      }
      const entries = page.rows.map(entryOf);
      const last = entries.at(-1);
      if (last !== undefined) await visit(entries);
      if (last === undefined || entries.length < limit) break;
      from = firstAfter(last.key);
      limit = nextLimit(entries, limit);
    }
    await link.one(statements.rollback);
  } catch (error) {
    throw error instanceof LinkError ? asStorageError(error) : error;
  } finally {
    await link.close();
  }
}

function nextLimit(entries: readonly Entry[], limit: number): number {
  const bytes = entries.reduce((sum, { value }) => sum + value.length, 0);
  if (bytes < PAGE_BYTES_LOW) return Math.min(2 * limit, PAGE_MAX);
  return bytes > PAGE_BYTES_HIGH ? Math.max(1, limit >> 1) : limit;
}
