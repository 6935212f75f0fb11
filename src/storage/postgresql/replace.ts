/** Replaces everything in one transaction, which holds the lock that every writer needs. */
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import type { Clock } from '../../base/clock.ts';
import { pagesOf } from '../pages.ts';
import { StorageError } from '../storage.ts';
import type { ScannableStorage } from '../storage.ts';
import { LinkError } from './failures.ts';
import type { Connection } from './link.ts';
import { asStorageError, pause } from './reader.ts';
import { nextEra } from './statements.ts';
import type { Statements } from './statements.ts';

/** Removing all entries, or waiting for the lock, may take longer than any statement of a request. */
const REPLACE_STATEMENT_MS_MAX: number = 10 * 60 * 1000;
/** How long it is tried to find out what became of it. */
const OUTCOME_MS_MAX = 60_000;
const RETRY_MS = 500;
const NUMBER_AT = 3;

export interface ReplacePorts {
  readonly statements: Statements;
  readonly random: Random;
  readonly clock: Clock;
  /** Makes a connection whose statements may take so long. */
  readonly makeLink: (queryMsMax: number) => Connection;
  /** Told when it cannot be found out what became of it: the process must end. */
  readonly onUnknown: (error: StorageError) => void;
}

/** @returns the number of the sequence from then on. @throws {StorageError} nothing was changed, or that is unknown. */
export async function replaceEverything(
  ports: ReplacePorts,
  copy: ScannableStorage,
): Promise<number> {
  const { statements } = ports;
  const link = ports.makeLink(REPLACE_STATEMENT_MS_MAX);
  const id = uuid(ports.random);
  let ending: number | undefined;
  try {
    const begun = await link.run(statements.beginReplace(id));
    const next = nextEra(Number(begun[NUMBER_AT]?.rows[0]?.[0]));
    for await (const page of pagesOf(copy)) {
      const { rows } = await link.one(statements.replaceWith(id, page));
      if (Number(rows[0]?.[0]) !== page.length) throw lost();
    }
    const { rows } = await link.one(statements.endReplace(id, next));
    if (rows.length !== 1) throw lost();
    ending = next;
    const { command } = await link.one(statements.commit);
    if (command !== 'COMMIT') throw new StorageError('the database refused to commit it');
    return next;
  } catch (error) {
    const unknown = error instanceof LinkError && error.code === undefined;
    // The transaction must not hold its lock any longer.
    link.drop();
    if (ending === undefined || !unknown) throw asStorageError(error);
    if (await isCommitted(ports, link, id)) return ending;
    throw asStorageError(error);
  } finally {
    await link.close();
  }
}

function lost(): StorageError {
  return new StorageError('the connection was lost in the middle of it');
}

/** Whether everything was replaced: told only when the former connection cannot do it any more. */
async function isCommitted(
  { statements, clock, onUnknown }: ReplacePorts,
  link: Connection,
  id: string,
): Promise<boolean> {
  const untilMs = clock.monotonicMs() + OUTCOME_MS_MAX;
  for (;;) {
    try {
      const answers = await link.run([
        ...statements.begin,
        statements.lock,
        statements.outcome(id),
        statements.rollback,
      ]);
      return answers.at(-2)?.rows[0] !== undefined;
    } catch (error) {
      link.drop();
      if (clock.monotonicMs() >= untilMs) {
        const text = 'whether the restore has replaced the store is unknown';
        const unknown = new StorageError(text, { cause: error });
        onUnknown(unknown);
        throw unknown;
      }
      await pause(clock, RETRY_MS);
    }
  }
}
