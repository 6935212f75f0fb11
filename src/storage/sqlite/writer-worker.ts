/** The writer's thread: the only place that changes the database. One batch is one transaction. */
import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { describeError, findDamage, openForWriting } from './database.ts';
import type {
  BatchRequest,
  WriterReply,
  WriterRequest,
  WriterSettings,
} from './writer-protocol.ts';

/** Larger databases are not checked as a whole at the start: a check reads every page. */
const START_CHECK_BYTES_MAX = 32 * 1024 * 1024;
/** Pages in the log after which its content is copied into the database. */
const CHECKPOINT_PAGES = 4000;
/** Pages in the log that point to a reader which never ends. */
const LOG_PAGES_WARNING = 100_000;
/** A small put touches about one page of the table and one of the index. */
const PAGES_PER_WRITE = 2;
const PAGE_BYTES = 4096;

interface Statements {
  readonly begin: StatementSync;
  readonly put: StatementSync;
  readonly remove: StatementSync;
  readonly count: StatementSync;
  readonly commit: StatementSync;
  readonly checkpoint: StatementSync;
}

const port = parentPort;
if (port !== null) serve(port, workerData as WriterSettings);

function serve(main: NonNullable<typeof parentPort>, settings: WriterSettings): void {
  const reply = (message: WriterReply): void => main.postMessage(message, []);
  let database: DatabaseSync;
  let statements: Statements;
  let pagesInLog = 0;
  try {
    database = openForWriting(settings.database);
    assertSound(database, settings.database);
    statements = prepare(database);
    reply({ kind: 'ready', sequence: Number(sequenceOf(database)) });
  } catch (error) {
    reply({ kind: 'failed', message: describeError(error) });
    main.close();
    return;
  }

  main.on('message', (request: WriterRequest) => {
    try {
      if (request.kind === 'close') {
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        database.close();
        reply({ kind: 'closed' });
        main.close();
        return;
      }
      pagesInLog += write(statements, request);
      // The caller hears of it before the checkpoint, which nothing waits for.
      reply({ kind: 'durable', sequence: request.sequence });
      if (pagesInLog >= CHECKPOINT_PAGES) {
        pagesInLog = 0;
        checkpoint(statements, reply);
      }
    } catch (error) {
      // A failed sync or write leaves an unknown outcome, and SQLite must not be asked again: the kernel may have
      // dropped the pages it could not write and call the next sync a success.
      reply({ kind: 'failed', message: describeError(error) });
      main.close();
    }
  });
}

function prepare(database: DatabaseSync): Statements {
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    put: database.prepare(
      'INSERT INTO kv (key, revision, value) VALUES (?, ?, ?) ' +
        'ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value',
    ),
    remove: database.prepare('DELETE FROM kv WHERE key = ?'),
    count: database.prepare('UPDATE sequence SET number = ?'),
    commit: database.prepare('COMMIT'),
    checkpoint: database.prepare('PRAGMA wal_checkpoint(PASSIVE)'),
  };
}

/** Writes a batch in one transaction and returns about how many pages that put into the log. */
function write(statements: Statements, batch: BatchRequest): number {
  statements.begin.run();
  let offset = 0;
  for (const [index, key] of batch.keys.entries()) {
    const revision = batch.revisions[index] ?? 0;
    if (revision === 0) {
      statements.remove.run(key);
      continue;
    }
    const end = offset + (batch.lengths[index] ?? 0);
    statements.put.run(key, revision, batch.values.subarray(offset, end));
    offset = end;
  }
  statements.count.run(batch.sequence);
  statements.commit.run();
  return PAGES_PER_WRITE * batch.keys.length + Math.ceil(offset / PAGE_BYTES);
}

/** Copies the log into the database as far as readers allow; what is left is copied next time. */
function checkpoint(statements: Statements, reply: (message: WriterReply) => void): void {
  const pages = Number(statements.checkpoint.get()?.['log'] ?? 0);
  if (pages > LOG_PAGES_WARNING) {
    reply({ kind: 'warning', message: 'the write-ahead log cannot be reset', pages });
  }
}

function sequenceOf(database: DatabaseSync): unknown {
  return database.prepare('SELECT number FROM sequence').get()?.['number'];
}

function assertSound(database: DatabaseSync, file: string): void {
  if (statSync(file).size > START_CHECK_BYTES_MAX) return;
  const damage = findDamage(database, 'quick_check');
  if (damage !== undefined) throw new Error(`${file} is damaged: ${damage}; restore a backup`);
}
