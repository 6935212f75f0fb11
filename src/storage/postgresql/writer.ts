/**
 * Writes: commits that wait are decided together over the known state and sent as one statement that takes effect only if no
 * other process has committed meanwhile (group commit, optimistic). Who loses takes the lock of the sequence, catches up under
 * it and decides again; so nobody is left behind. A batch whose answer was lost is settled by its id before anyone is told.
 */
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { StorageError } from '../storage.ts';
import type { Entry } from '../storage.ts';
import { batchOf, decide, keysOf } from './batch.ts';
import type { Decided, Pending } from './batch.ts';
import { isContention, isPassing, isPoolerTrouble, LinkError } from './failures.ts';
import type { Connection } from './link.ts';
import { catchUpOf } from './mirror.ts';
import type { Mirror, Pins, Place } from './mirror.ts';
import { asStorageError, pause } from './reader.ts';
import type { Reader } from './reader.ts';
import type { Statements } from './statements.ts';

/** Commits of one batch, and bytes of values after which it takes no further commit. */
const BATCH_COMMITS_MAX = 512;
const BATCH_BYTES_MAX = 16 * 1024 * 1024;
/** Keys that one batch may have to look at. */
const BATCH_KEYS_MAX = 16_384;
/** Batches that take the lock after one was lost to another process. */
const LOCKED_BATCHES = 8;
/** Between attempts while the database cannot be reached. */
const RETRY_MS = 100;

export interface WriterOptions {
  readonly link: Connection;
  readonly mirror: Mirror;
  readonly reader: Reader;
  readonly statements: Statements;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Longest time to find out what became of a batch. */
  readonly outcomeMsMax: number;
  readonly onPooler: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** What became of a batch that was sent. */
type Sent = Place | 'lost';

export class Writer {
  readonly #options: WriterOptions;
  #queue: Pending[] = [];
  #running: Promise<void> | undefined;
  /** Batches that are still to take the lock. */
  #locked = 0;
  readonly counts: { batches: number; lost: number; settled: number } = {
    batches: 0,
    lost: 0,
    settled: 0,
  };

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  submit(pending: Pending): void {
    this.#queue.push(pending);
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // Commits of the same turn go together.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#take();
      try {
        await this.#settle(batch);
      } catch (error) {
        this.#options.onFailure(error);
        for (const { reject } of batch) reject(asStorageError(error));
      }
    }
    this.#running = undefined;
  }

  #take(): Pending[] {
    let count = 0;
    let bytes = 0;
    let keys = 0;
    for (const { commit, bytes: more } of this.#queue) {
      const looked = commit.checks.length + commit.puts.length + (commit.amend?.keys.length ?? 0);
      if (count > 0 && (bytes + more > BATCH_BYTES_MAX || keys + looked > BATCH_KEYS_MAX)) break;
      if (count === BATCH_COMMITS_MAX) break;
      bytes += more;
      keys += looked;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** Tries until every commit of the batch has its outcome. @throws {StorageError} it is unknown. */
  async #settle(batch: readonly Pending[]): Promise<void> {
    const { clock, mirror, onPooler } = this.#options;
    const untilMs = Math.min(...batch.map((each) => each.untilMs));
    const pins = mirror.pin(keysOf(batch));
    let open: readonly Pending[] = batch;
    try {
      while (open.length > 0) {
        try {
          open =
            this.#locked > 0 ? await this.#underLock(open, pins) : await this.#freely(open, pins);
        } catch (error) {
          const code = error instanceof LinkError ? error.code : 'XX000';
          if (isPoolerTrouble(code)) onPooler();
          else if (isContention(code)) this.#locked = LOCKED_BATCHES;
          else if (!isPassing(code) || clock.monotonicMs() >= untilMs) throw error;
          else await pause(clock, RETRY_MS);
        }
      }
    } finally {
      mirror.unpin(pins);
    }
  }

  /** Without a lock, on what is known; @returns those that have to be decided again. */
  async #freely(open: readonly Pending[], pins: Pins): Promise<readonly Pending[]> {
    const { link, mirror, reader, statements } = this.#options;
    for (;;) {
      const unknown = mirror.unknown(pins);
      if (unknown.length === 0) break;
      await reader.read(unknown);
    }
    const place = mirror.place;
    const decided = decide(open, pins.known);
    refuse(decided);
    if (decided.writes.size === 0) return finish(decided);
    const id = uuid(this.#options.random);
    const batch = batchOf(decided.writes, place, id);
    const sent = await this.#sure(id, async () => {
      const { rows } = await link.one(statements.write(batch));
      return rows.length === 0 ? 'lost' : { sequence: Number(rows[0]?.[0]), id };
    });
    return this.#conclude(decided, sent, batch);
  }

  /** With the lock of the sequence, so that nobody can come in between. */
  async #underLock(open: readonly Pending[], pins: Pins): Promise<readonly Pending[]> {
    const { link, mirror, statements } = this.#options;
    let decided: Decided;
    const id = uuid(this.#options.random);
    try {
      await this.#catchUpLocked(pins);
      decided = decide(open, pins.known);
      refuse(decided);
      if (decided.writes.size === 0) {
        await link.one(statements.rollback);
        return finish(decided);
      }
    } catch (error) {
      // The lock must not outlive this attempt.
      link.drop();
      throw error;
    }
    const batch = batchOf(decided.writes, mirror.place, id);
    const sent = await this.#sure(id, async () => {
      const [written, ended] = await link.run([statements.write(batch), statements.commit]);
      const row = written?.rows[0];
      if (row === undefined || ended?.command !== 'COMMIT') return 'lost';
      return { sequence: Number(row[0]), id };
    });
    this.#locked -= 1;
    return this.#conclude(decided, sent, batch);
  }

  /** Begins a transaction, locks the sequence, and learns everything that the batch needs. */
  async #catchUpLocked(pins: Pins): Promise<void> {
    const { link, mirror, statements } = this.#options;
    let unknown = mirror.unknown(pins);
    let head = [...statements.begin, statements.lock];
    do {
      const known = mirror.place.sequence;
      const answers = await link.run([...head, statements.catchUp(known, unknown)]);
      head = [];
      const found = catchUpOf(answers.at(-1)?.rows ?? [], known);
      mirror.advance(found, known, unknown);
      unknown = mirror.unknown(pins);
    } while (unknown.length > 0);
  }

  #conclude(
    decided: Decided,
    sent: Sent,
    batch: { readonly puts: readonly Entry[] },
  ): readonly Pending[] {
    if (sent === 'lost') {
      this.counts.lost += 1;
      this.#locked = LOCKED_BATCHES;
      return [...decided.accepted, ...decided.beaten.map(([pending]) => pending)];
    }
    this.counts.batches += 1;
    const writes = new Map<string, Entry | undefined>(decided.writes);
    // What is kept are the plain entries, not those that make their values late.
    for (const entry of batch.puts) writes.set(entry.key, entry);
    this.#options.mirror.committed(sent, writes);
    return finish(decided);
  }

  /** Sends; when the answer is lost, finds out. @throws {StorageError} that cannot be found out in time. */
  async #sure(id: string, send: () => Promise<Sent>): Promise<Sent> {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof LinkError) || error.code !== undefined) throw error;
      this.#options.log.warn('the answer to a commit was lost', { reason: error.message });
      return await this.#outcome(id);
    }
  }

  /**
   * Whether the batch `id` was committed. If not, the sequence is moved on, so that a statement that is still on its way
   * finds another one than it was made for and can do nothing.
   */
  async #outcome(id: string): Promise<Sent> {
    const { clock, link, random, statements, log, outcomeMsMax } = this.#options;
    const untilMs = clock.monotonicMs() + outcomeMsMax;
    for (;;) {
      try {
        const answers = await link.run([
          ...statements.begin,
          statements.lock,
          statements.outcome(id),
        ]);
        const found = answers.at(-1)?.rows[0];
        const more = found === undefined ? [statements.fence(uuid(random))] : [];
        const ended = (await link.run([...more, statements.commit])).at(-1);
        if (ended?.command !== 'COMMIT') throw new LinkError('the fence failed', undefined);
        this.counts.settled += 1;
        log.info('the commit is settled', { committed: found !== undefined });
        return found === undefined ? 'lost' : { sequence: Number(found[0]), id };
      } catch (error) {
        link.drop();
        if (clock.monotonicMs() >= untilMs) {
          throw new StorageError('whether the last commit took effect is unknown', {
            cause: error,
          });
        }
        await pause(clock, RETRY_MS);
      }
    }
  }
}

function refuse({ refused }: Decided): void {
  for (const [pending, error] of refused) pending.reject(error);
}

/** Everything is durable: now all may be told. */
function finish({ accepted, beaten }: Decided): readonly Pending[] {
  for (const { resolve } of accepted) resolve();
  for (const [pending, conflict] of beaten) pending.reject(conflict);
  return [];
}
