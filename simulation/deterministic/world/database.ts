/**
 * A PostgreSQL as the product's store meets it: the statements of `storage/postgresql/statements.ts` over one table, one row that counts
 * commits and is locked by whoever changes it, READ COMMITTED, sessions that end. It survives everything but what it had not committed.
 */
import { compareKeys } from '../../../src/storage/key-order.ts';
import { ROW, statementsOf, tablesOf } from '../../../src/storage/postgresql/statements.ts';
import type { Answer, Row } from '../../../src/storage/postgresql/link.ts';
import type { Statement } from '../../../src/storage/postgresql/statements.ts';
import type { Entry } from '../../../src/storage/storage.ts';
import type { Chance } from './chance.ts';
import type { Scheduler } from './scheduler.ts';

const WRITTEN = statementsOf(tablesOf('strongroom_kv'));
const NO_BATCH = { known: 0, id: '', keys: [], deletes: [], puts: [] };

/** What a statement is, by its text: the product's own statements and no other. */
export const KINDS: ReadonlyMap<string, string> = new Map([
  [WRITTEN.catchUp(0, []).text, 'catch-up'],
  [WRITTEN.write(NO_BATCH).text, 'write'],
  ...WRITTEN.begin.map(({ text }) => [text, 'begin'] as const),
  [WRITTEN.lock.text, 'lock'],
  [WRITTEN.commit.text, 'commit'],
  [WRITTEN.rollback.text, 'rollback'],
  [WRITTEN.outcome('').text, 'outcome'],
  [WRITTEN.fence('').text, 'fence'],
  [WRITTEN.trim(0).text, 'trim'],
  [WRITTEN.list('', '', '', 1).text, 'list'],
  [WRITTEN.scan('', '', 1).text, 'scan'],
  [`SELECT version FROM ${WRITTEN.tables.schema}`, 'version'],
]);

const SETTINGS: Readonly<Record<string, string>> = {
  server_encoding: 'UTF8',
  server_version_num: '170000',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  data_checksums: 'on',
};

/** How long a commit takes to become durable, typically. */
const SYNC_MS = 2;
/** A session that holds the lock and says nothing is ended after this, as `idle_in_transaction_session_timeout` does. */
const IDLE_MS_MAX = 3_000;

interface Change {
  readonly id: string;
  readonly keys: readonly string[];
  readonly puts: readonly Entry[];
  readonly deletes: readonly string[];
}

export interface Committed {
  readonly by: string;
  readonly change: Change;
}

/** One session of a client. */
export class Session {
  readonly client: string;
  ended = false;
  inTransaction = false;
  pending: Change | undefined;
  /** Ends it when it stays silent with the lock. */
  idle: (() => void) | undefined;
  /** The last message, so that the next waits for its end. */
  turn: Promise<unknown> = Promise.resolve();
  onEnd: () => void = () => {};

  constructor(client: string) {
    this.client = client;
  }
}

/** A statement that the server refused, with its SQLSTATE. */
export class Refusal extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`refused with ${code}`);
    this.code = code;
  }
}

export class Database {
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly entries: Map<string, Entry>;
  readonly #keys: string[];
  #sequence = { n: 1, id: 'image' };
  readonly #log = new Map<number, { id: string; keys: readonly string[] }>();
  readonly #byId = new Map<string, number>();
  readonly #sessions = new Set<Session>();
  #holder: Session | undefined;
  #queue: { session: Session; grant: () => void }[] = [];
  readonly onCommitted: ((committed: Committed) => void)[] = [];
  /** Of statements that are refused as the loser of a race, in databases that do so. */
  contention = 0;
  commits = 0;

  constructor(scheduler: Scheduler, chance: Chance, image: readonly Entry[]) {
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.entries = new Map(image.map((entry) => [entry.key, entry]));
    this.#keys = image.map(({ key }) => key).sort(compareKeys);
    this.#log.set(1, { id: 'image', keys: [] });
  }

  open(client: string): Session {
    const session = new Session(client);
    this.#sessions.add(session);
    return session;
  }

  /** Ends a session: what it had not committed is gone. */
  end(session: Session): void {
    if (session.ended) return;
    session.ended = true;
    this.#sessions.delete(session);
    this.#queue = this.#queue.filter((waiting) => waiting.session !== session);
    this.#release(session);
    session.onEnd();
  }

  /** The server is killed and comes back. */
  restart(): void {
    this.#scheduler.note('database restarts');
    for (const session of this.#sessions) this.end(session);
  }

  /** One statement of a session, after those before it. Never settles when the session ends meanwhile. */
  async run(session: Session, statement: Statement): Promise<Answer> {
    session.idle?.();
    const values = (statement.values ?? []) as readonly never[];
    const kind = KINDS.get(statement.text) ?? (statement.text.startsWith('SHOW ') ? 'show' : '');
    const answer = await this.#execute(session, kind, values, statement.text);
    if (session.ended) return await new Promise<never>(() => {});
    if (this.#holder === session) {
      session.idle = this.#scheduler.in(IDLE_MS_MAX, 'idle session ends', () => this.end(session));
    }
    return answer;
  }

  async #execute(
    session: Session,
    kind: string,
    values: readonly never[],
    text: string,
  ): Promise<Answer> {
    switch (kind) {
      case 'begin':
        session.inTransaction = true;
        return done('BEGIN');
      case 'lock':
        await this.#lock(session);
        return rows([[this.#sequence.n]]);
      case 'catch-up':
        return rows(this.#catchUp(values[0] ?? 0, values[1] ?? []));
      case 'write':
        return await this.#write(session, values);
      case 'fence':
        session.pending = { id: values[0] ?? '', keys: [], puts: [], deletes: [] };
        return done('INSERT');
      case 'outcome': {
        const n = this.#byId.get(values[0] ?? '');
        return rows(n === undefined ? [] : [[n]]);
      }
      case 'commit':
        await this.#commit(session);
        return done('COMMIT');
      case 'rollback':
        session.pending = undefined;
        session.inTransaction = false;
        this.#release(session);
        return done('ROLLBACK');
      case 'trim':
        this.#trim(values[0] ?? 0);
        return done('DELETE');
      case 'list':
        return rows(this.#names(values[0] ?? '', values[1] ?? '', values[2] ?? '', values[3] ?? 0));
      case 'scan':
        return rows(this.#scan(values[0] ?? '', values[1] ?? '', values[2] ?? 0));
      case 'version':
        return rows([[1]]);
      case 'show':
        return rows([[SETTINGS[text.slice(5)]]]);
      default:
        throw new Error(`the simulated database does not know the statement: ${text}`);
    }
  }

  async #lock(session: Session): Promise<void> {
    if (this.#holder === session) return;
    if (this.#holder === undefined) {
      this.#holder = session;
      return;
    }
    // Whoever grants it has made this session the holder, which may have ended again since.
    await new Promise<void>((grant) => this.#queue.push({ session, grant }));
    if (session.ended) await new Promise<never>(() => {});
  }

  #release(session: Session): void {
    if (this.#holder !== session) return;
    session.idle?.();
    const next = this.#queue.shift();
    this.#holder = next?.session;
    next?.grant();
  }

  async #write(session: Session, values: readonly never[]): Promise<Answer> {
    const [known, id, keys, deletes, names, revisions, starts, lengths, bytes] =
      values as unknown as [
        number,
        string,
        string[],
        string[],
        string[],
        number[],
        number[],
        number[],
        Buffer,
      ];
    await this.#lock(session);
    if (this.#chance.happens(this.contention)) {
      if (!session.inTransaction) this.#release(session);
      throw new Refusal('40001');
    }
    if (this.#sequence.n !== known) {
      if (!session.inTransaction) this.#release(session);
      return rows([]);
    }
    const puts = names.map((key, index) => {
      const start = (starts[index] ?? 1) - 1;
      const value = Buffer.from(bytes.subarray(start, start + (lengths[index] ?? 0)));
      return { key, revision: revisions[index] ?? 0, value };
    });
    session.pending = { id, keys, puts, deletes };
    if (!session.inTransaction) await this.#commit(session);
    return rows([[known + 1]]);
  }

  /** Durable after a while; when the server dies meanwhile it may be or not. */
  async #commit(session: Session): Promise<void> {
    const { pending } = session;
    if (pending !== undefined) {
      const early = this.#chance.happens(0.5);
      if (early) this.#apply(session, pending);
      await this.#scheduler.sleep(this.#chance.delayMs(SYNC_MS), 'database sync');
      if (session.ended) return;
      if (!early) this.#apply(session, pending);
    }
    session.inTransaction = false;
    this.#release(session);
  }

  #apply(session: Session, change: Change): void {
    session.pending = undefined;
    const n = this.#sequence.n + 1;
    this.#sequence = { n, id: change.id };
    this.#log.set(n, { id: change.id, keys: change.keys });
    this.#byId.set(change.id, n);
    for (const key of change.deletes) this.#remove(key);
    for (const entry of change.puts) this.#put(entry);
    this.commits += 1;
    const nonces = change.puts.map(
      ({ revision, value }) => `${revision}${value.toString('latin1', 8, 12)}`,
    );
    this.#scheduler.note(
      `commit ${n} by ${session.client}: ${change.keys.join(' ')} ${nonces.join('')}`,
    );
    for (const tell of this.onCommitted) tell({ by: session.client, change });
  }

  #put(entry: Entry): void {
    if (!this.entries.has(entry.key)) this.#keys.splice(this.#from(entry.key), 0, entry.key);
    this.entries.set(entry.key, entry);
  }

  #remove(key: string): void {
    if (this.entries.delete(key)) this.#keys.splice(this.#from(key), 1);
  }

  #trim(upTo: number): void {
    for (const [n, { id }] of this.#log) {
      if (n > upTo) continue;
      this.#log.delete(n);
      this.#byId.delete(id);
    }
  }

  #catchUp(known: number, keys: readonly string[]): Row[] {
    const found: Row[] = [[ROW.sequence, this.#sequence.id, this.#sequence.n, null]];
    for (let n = known; n <= this.#sequence.n; n++) {
      const commit = this.#log.get(n);
      if (commit === undefined) continue;
      found.push([ROW.commit, commit.id, n, null]);
      if (n > known) for (const key of commit.keys) found.push([ROW.change, key, n, null]);
    }
    for (const key of keys) {
      const entry = this.entries.get(key);
      if (entry !== undefined) found.push([ROW.entry, key, entry.revision, entry.value]);
    }
    return found;
  }

  #names(prefix: string, end: string, from: string, limit: number): Row[] {
    const found: Row[] = [];
    for (let at = this.#from(from); found.length < limit;) {
      const key = this.#keys[at];
      if (key === undefined || compareKeys(key, end) >= 0) break;
      found.push([key]);
      const slash = key.indexOf('/', prefix.length);
      at = slash < 0 ? at + 1 : this.#from(`${key.slice(0, slash)}0`);
    }
    return found;
  }

  #scan(from: string, end: string, limit: number): Row[] {
    const found: Row[] = [];
    for (let at = this.#from(from); found.length < limit; at++) {
      const key = this.#keys[at];
      const entry = key === undefined ? undefined : this.entries.get(key);
      if (entry === undefined || compareKeys(entry.key, end) >= 0) break;
      found.push([entry.key, entry.revision, entry.value]);
    }
    return found;
  }

  /** The index of the first key that is not before `key`. */
  #from(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#keys[middle] ?? '', key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function rows(found: readonly Row[]): Answer {
  return { rows: found, command: 'SELECT' };
}

function done(command: string): Answer {
  return { rows: [], command };
}
