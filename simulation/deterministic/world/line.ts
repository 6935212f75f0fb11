/**
 * A connection of a server to the simulated database, over a network that delays, loses and cuts: in place of `storage/postgresql/link.ts`.
 * What was sent may still arrive after the sender has given up, and what arrived may have no answer.
 */
import type { Answer, Connection } from '../../../src/storage/postgresql/link.ts';
import { LinkError } from '../../../src/storage/postgresql/failures.ts';
import type { Statement } from '../../../src/storage/postgresql/statements.ts';
import { Refusal } from './database.ts';
import type { Database, Session } from './database.ts';
import type { Machine } from './machine.ts';
import type { Scheduler } from './scheduler.ts';

export interface Network {
  /** Typical time of a message, in milliseconds. */
  latencyMs: number;
  /** Probabilities per message. */
  lostRequest: number;
  lostAnswer: number;
  slow: number;
  /** Servers whose messages go nowhere, by name. */
  readonly cutOff: Set<string>;
}

/** What a slow message takes, at most; it may be more than its sender waits for. */
const SLOW_MS_MAX = 8_000;
/** The sender waits this long for an answer. */
const ANSWER_MS_MAX = 5_000;
/** The server notices within this time that a client is gone. */
const GONE_MS_MAX = 2_000;

export interface LineOptions {
  readonly scheduler: Scheduler;
  readonly database: Database;
  readonly machine: Machine;
  readonly network: Network;
}

export class Line implements Connection {
  readonly #options: LineOptions;
  #session: Session | undefined;
  #closed = false;

  constructor(options: LineOptions) {
    this.#options = options;
    options.machine.onDeath(() => this.drop());
  }

  async one(statement: Statement): Promise<Answer> {
    const [answer] = await this.run([statement]);
    if (answer === undefined) throw new Error('a statement had no answer');
    return answer;
  }

  run(statements: readonly Statement[]): Promise<readonly Answer[]> {
    const { machine, database } = this.#options;
    if (this.#closed) return Promise.reject(new LinkError('the storage is closed', undefined));
    if (!machine.leave()) return new Promise(() => {});
    const session = (this.#session ??= database.open(machine.name));
    return this.#exchange(session, statements);
  }

  #exchange(session: Session, statements: readonly Statement[]): Promise<readonly Answer[]> {
    const { machine, network, scheduler } = this.#options;
    const { chance } = machine;
    const { promise, resolve, reject } = Promise.withResolvers<readonly Answer[]>();
    const lose = (reason: string): void => {
      if (this.#session === session) this.drop();
      reject(new LinkError(reason, undefined));
    };
    const stopWaiting = machine.later(ANSWER_MS_MAX, 'no answer', () => lose('no answer in time'));
    session.onEnd = () => machine.later(this.#latencyMs(), 'reset', () => lose('connection reset'));
    if (network.cutOff.has(machine.name) || chance.happens(network.lostRequest)) {
      this.#reset(session, chance.happens(0.5));
      return promise;
    }
    const lostAnswer = chance.happens(network.lostAnswer);
    const before = session.turn;
    const arrived = scheduler.sleep(this.#latencyMs(), `${machine.name} asks the database`);
    const inTurn = async (): Promise<void> => {
      await Promise.all([before, arrived]);
      const outcome = await this.#serve(session, statements);
      if (session.ended || lostAnswer) return this.#reset(session, chance.happens(0.5));
      if (network.cutOff.has(machine.name)) return;
      machine.later(this.#latencyMs(), `database answers ${machine.name}`, () => {
        stopWaiting();
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
    };
    session.turn = inTurn();
    return promise;
  }

  /** Never rejects. */
  async #serve(
    session: Session,
    statements: readonly Statement[],
  ): Promise<readonly Answer[] | LinkError> {
    const { database } = this.#options;
    if (session.ended) return [];
    const answers: Answer[] = [];
    let refusal: LinkError | undefined;
    for (const statement of statements) {
      try {
        answers.push(await database.run(session, statement));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refusal ??= new LinkError(error.message, error.code);
      }
    }
    return refusal ?? answers;
  }

  /** The connection breaks; the client is told, or has to find out by waiting. */
  #reset(session: Session, told: boolean): void {
    const { scheduler, machine, database } = this.#options;
    if (!told) session.onEnd = () => {};
    scheduler.in(machine.chance.unit() * GONE_MS_MAX, 'session breaks', () =>
      database.end(session),
    );
  }

  #latencyMs(): number {
    const { machine, network } = this.#options;
    const { chance } = machine;
    if (chance.happens(network.slow)) return chance.unit() * SLOW_MS_MAX;
    return chance.delayMs(network.latencyMs);
  }

  drop(): void {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    const { scheduler, machine, database } = this.#options;
    session.onEnd = () => {};
    // What is on its way may arrive before that, and then it is done.
    const delayMs = this.#latencyMs() + machine.chance.unit() * GONE_MS_MAX;
    scheduler.in(delayMs, 'session ends', () => database.end(session));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.drop();
  }
}
