/** One connection to the database: opened when it is needed, thrown away at the first doubt. */
import { Client } from 'pg';
import type { ClientConfig, CustomTypesConfig } from 'pg';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { StorageError } from '../storage.ts';
import { tlsOptions } from './connection-url.ts';
import type { ConnectionPlan, Target } from './connection-url.ts';
import { codeOf, describe, isAnswer, LinkError } from './failures.ts';
import type { Statement } from './statements.ts';

/** Before a silent connection is probed, so that firewalls do not forget it. */
const KEEPALIVE_MS = 30_000;
/** What the server says when nobody on the standby has confirmed a commit and the wait was given up. */
const SYNC_WAIT_CANCELLED = /cancel.*synchronous replication/i;
const INT8 = 20;
const BYTEA = 17;

/** Values of a row, in the order of the columns. */
export type Row = readonly unknown[];

export interface Answer {
  readonly rows: readonly Row[];
  /** `COMMIT`, `ROLLBACK`, `SELECT` … */
  readonly command: string;
}

/** What the parts of the store see of a connection. */
export interface Connection {
  /**
   * Sends statements at once, one behind the other, and gives the answers of all.
   * @throws {LinkError} the first failure; without `code` the connection is gone, and with it the knowledge of what became of them.
   */
  run(statements: readonly Statement[]): Promise<readonly Answer[]>;
  one(statement: Statement): Promise<Answer>;
  /** Throws the connection away, whatever is under way on it. The next statement opens another. */
  drop(): void;
  close(): Promise<void>;
}

export interface LinkOptions {
  readonly plan: ConnectionPlan;
  readonly clock: Clock;
  readonly log: Log;
  readonly queryMsMax: number;
  /** Whether statements are given names, to be planned once per connection. */
  readonly named: () => boolean;
}

/** 64-bit numbers are revisions here, which are safe integers; binary values come in hexadecimal. */
const types: CustomTypesConfig = {
  getTypeParser: ((oid: number) => {
    if (oid === INT8) return Number;
    if (oid === BYTEA) return (text: string) => Buffer.from(text.slice(2), 'hex');
    return (text: string) => text;
  }) as CustomTypesConfig['getTypeParser'],
};

export class Link implements Connection {
  readonly #options: LinkOptions;
  #client: Client | undefined;
  #opening: Promise<Client> | undefined;
  #syncLost = false;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  async run(statements: readonly Statement[]): Promise<readonly Answer[]> {
    const client = await this.#ready();
    const named = this.#options.named();
    const sent = statements.map((statement) => this.#send(client, statement, named));
    const results = await Promise.allSettled(sent);
    const answers: Answer[] = [];
    for (const result of results) {
      if (result.status === 'rejected') throw this.#failure(client, result.reason);
      answers.push(result.value);
    }
    if (this.#syncLost) {
      this.#syncLost = false;
      throw new StorageError(
        'the database gave up waiting for its synchronous standby: whether the last commits would survive a failover is unknown',
      );
    }
    return answers;
  }

  async one(statement: Statement): Promise<Answer> {
    const [answer] = await this.run([statement]);
    if (answer === undefined) throw new Error('a statement had no answer');
    return answer;
  }

  drop(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#opening = undefined;
    if (client === undefined) return;
    destroy(client);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#client ?? (await this.#opening?.catch(() => undefined));
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  async #send(client: Client, statement: Statement, named: boolean): Promise<Answer> {
    return await ask(client, {
      text: statement.text,
      query_timeout: this.#options.queryMsMax,
      ...(named && statement.name !== undefined ? { name: statement.name } : {}),
      ...(statement.values === undefined ? {} : { values: [...statement.values] }),
    });
  }

  #failure(client: Client, error: unknown): LinkError {
    // An error that the server answers with leaves the connection as it was, unless it ends the session.
    if (!isAnswer(error)) {
      if (this.#client === client) this.drop();
      else destroy(client);
    }
    return new LinkError(describe(error), codeOf(error), error);
  }

  #ready(): Promise<Client> {
    if (this.#closed) return Promise.reject(new LinkError('the storage is closed', undefined));
    if (this.#client !== undefined) return Promise.resolve(this.#client);
    this.#opening ??= this.#connect().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  /** The first server that takes writes. */
  async #connect(): Promise<Client> {
    const reasons: string[] = [];
    for (const target of this.#options.plan.targets) {
      try {
        const client = await this.#connectTo(target);
        this.#client = client;
        return client;
      } catch (error) {
        reasons.push(`${target.host}:${target.port}: ${describe(error)}`);
      }
    }
    throw new LinkError(`no database can be used: ${reasons.join('; ')}`, undefined);
  }

  async #connectTo(target: Target): Promise<Client> {
    const { tls } = this.#options.plan;
    if (tls.mode !== 'prefer' || target.host.startsWith('/')) {
      return await this.#dial(target, tls.mode === 'require' && !target.host.startsWith('/'));
    }
    try {
      return await this.#dial(target, true);
    } catch (error) {
      if (!describe(error).includes('does not support SSL')) throw error;
      return await this.#dial(target, false);
    }
  }

  async #dial(target: Target, encrypted: boolean): Promise<Client> {
    const { plan, queryMsMax } = this.#options;
    const config: ClientConfig & { pipeline: boolean } = {
      host: target.host,
      port: target.port,
      user: plan.user,
      database: plan.database,
      password: plan.password ?? '',
      ssl: encrypted ? tlsOptions(plan.tls, target.host) : false,
      application_name: plan.applicationName,
      connectionTimeoutMillis: Math.min(plan.connectMsMax, queryMsMax),
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_MS,
      pipeline: true,
      types,
      ...(plan.sessionOptions === undefined ? {} : { options: plan.sessionOptions }),
    };
    const client = new Client(config);
    client.on('error', (error) => {
      if (this.#client !== client) return;
      this.#options.log.warn('connection to the database lost', { reason: describe(error) });
      this.drop();
    });
    client.on('notice', (notice) => {
      if (SYNC_WAIT_CANCELLED.test(notice.message ?? '')) this.#syncLost = true;
    });
    try {
      await client.connect();
      const { rows } = await ask(client, {
        text: 'SHOW transaction_read_only',
        query_timeout: queryMsMax,
      });
      // Authority is never read from a standby: it may lag, and show commits in another order.
      if (rows[0]?.[0] === 'on') {
        throw new Error('it is a standby or read-only');
      }
    } catch (error) {
      destroy(client);
      throw error;
    }
    return client;
  }
}

interface Query {
  readonly text: string;
  readonly name?: string;
  readonly values?: unknown[];
  /** Missing in the driver's types; when it is over, the driver ends a connection that has more under way. */
  readonly query_timeout: number;
}

async function ask(client: Client, query: Query): Promise<Answer> {
  const { rows, command } = await client.query<unknown[]>({ ...query, rowMode: 'array' });
  return { rows, command };
}

function destroy(client: Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
