/** A few connections to one PostgreSQL server, made when needed and closed when idle. */
import type { Client, ClientConfig, Pool, PoolClient } from 'pg';
import { CONNECT_MS_MAX, IDLE_MS, STATEMENT_MS_MAX, TargetError } from '../database.ts';
import { connectionFault, withoutSecrets } from '../failures.ts';
import type { Address } from './address.ts';

type Driver = typeof import('pg');

async function loadDriver(): Promise<Driver> {
  // The package is CommonJS: its exports are one object.
  const { default: driver } = (await import('pg')) as unknown as { readonly default: Driver };
  return driver;
}

/** What the server says when it has no TLS to offer. */
const NO_TLS = 'The server does not support SSL connections';
const CONNECTION_EXCEPTION = /^(?:08|57P)/;

/** Roles are rows of a catalogue that knows no waiting: of two changes at once one is refused, and rolled back. */
const OVERTAKEN = 'tuple concurrently updated';
const OVERTAKEN_STATE = 'XX000';
const ATTEMPTS_MAX = 5;

export class Connections {
  readonly #address: Address;
  readonly #poolSize: number;
  #pool: Promise<Pool> | undefined;

  constructor(address: Address, size: number) {
    this.#address = address;
    this.#poolSize = size;
  }

  /**
   * Runs `work` on a connection; again when someone else changed the same role in that moment, so it must be able to run twice.
   * @param secrets what must not appear in the text of an error, beside the password of the connection
   * @throws {TargetError}
   */
  async use<T>(
    work: (client: PoolClient) => Promise<T>,
    secrets: readonly string[] = [],
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const client = await this.#connect();
      try {
        const result = await work(client);
        client.release();
        return result;
      } catch (error) {
        // The state of the connection is not known: an answer may still be on its way.
        client.release(true);
        if (attempt < ATTEMPTS_MAX && isOvertaken(error)) continue;
        throw this.#failure(error, secrets);
      }
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await (await pool)?.end();
  }

  async #connect(): Promise<PoolClient> {
    try {
      this.#pool ??= this.#open(this.#address.encryption === 'if offered');
      const pool = await this.#pool;
      try {
        return await pool.connect();
      } catch (error) {
        if (this.#address.encryption !== 'if offered' || !isNoTls(error)) throw error;
        await pool.end();
        this.#pool = this.#open(false);
        return await (await this.#pool).connect();
      }
    } catch (error) {
      const failure = this.#failure(error, []);
      throw new TargetError(failure.message, { mayHaveChanged: false, cause: error });
    }
  }

  async #open(tries: boolean): Promise<Pool> {
    const driver = await loadDriver();
    const pool = new driver.Pool({
      ...configOf(this.#address, tries),
      max: this.#poolSize,
      idleTimeoutMillis: IDLE_MS,
      allowExitOnIdle: true,
    });
    // An idle connection that breaks is replaced when the next one is needed.
    pool.on('error', () => {});
    return pool;
  }

  #failure(error: unknown, secrets: readonly string[]): TargetError {
    return failureOf(error, [this.#address.password, ...secrets]);
  }
}

function isOvertaken(error: unknown): boolean {
  if (!(error instanceof Error) || error.message !== OVERTAKEN) return false;
  return 'code' in error && error.code === OVERTAKEN_STATE;
}

function isNoTls(error: unknown): boolean {
  return error instanceof Error && error.message === NO_TLS;
}

export function configOf(address: Address, tries: boolean): ClientConfig {
  const { encryption } = address;
  const ssl =
    typeof encryption === 'object' ? encryption : tries ? { rejectUnauthorized: false } : false;
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    application_name: address.applicationName,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    query_timeout: STATEMENT_MS_MAX,
    keepAlive: true,
    ssl,
  };
}

/** Whether an account of the server can log in. @throws {TargetError} the server cannot be asked */
export async function canLogIn(address: Address): Promise<boolean> {
  const driver = await loadDriver();
  const attempt = async (tries: boolean): Promise<void> => {
    const client: Client = new driver.Client(configOf(address, tries));
    client.on('error', () => {});
    try {
      await client.connect();
    } finally {
      client.end().catch(() => {});
    }
  };
  try {
    try {
      await attempt(address.encryption === 'if offered');
    } catch (error) {
      if (!isNoTls(error)) throw error;
      await attempt(false);
    }
    return true;
  } catch (error) {
    // 28P01 and 28000: wrong password, no such role, not allowed to log in.
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('28'))
      return false;
    throw failureOf(error, [address.password]);
  }
}

function failureOf(error: unknown, secrets: readonly string[]): TargetError {
  const fault = connectionFault(error);
  if (fault !== undefined) return fault;
  const message = error instanceof Error ? error.message : 'failed';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // SQLSTATE: the server has answered, and rolled back what came with the statement.
  const answered = /^[0-9A-Z]{5}$/.test(code) && !CONNECTION_EXCEPTION.test(code);
  const text = withoutSecrets(message, secrets);
  return new TargetError(answered ? `${text} (SQLSTATE ${code})` : text, {
    mayHaveChanged: !answered,
    cause: error,
  });
}
