/**
 * MySQL and MariaDB: accounts are users at hosts. Statements that make users commit on their own, so a change of several
 * statements can fail halfway.
 */
import type { Connection, ConnectionOptions, Pool, RowDataPacket } from 'mysql2/promise';
import { CONNECT_MS_MAX, IDLE_MS, STATEMENT_MS_MAX, TargetError } from '../database.ts';
import type { Credential, Database, DatabaseMember, NewAccount } from '../database.ts';
import { connectionFault, withoutSecrets } from '../failures.ts';
import { numberSetting, poolSize } from '../settings.ts';
import {
  credentialFillings,
  expirationText,
  filled,
  spelledOut,
  splitStatements,
} from '../statements.ts';
import type { Dialect, Fillings } from '../statements.ts';
import { addressOf } from './address.ts';
import type { Address } from './address.ts';

const DIALECT: Dialect = { backslash: true };
const DEFAULT_CHANGE = `ALTER USER '{{username}}'@'%' IDENTIFIED BY '{{password}}'`;
const OWN_CHANGE_MARIADB = `SET PASSWORD = PASSWORD('{{password}}')`;
const NO_TLS = 'HANDSHAKE_NO_SSL_SUPPORT';
/** The server closes or kills: an answer may have been on its way. */
const SERVER_GONE = new Set([1053, 1077, 1079, 1152, 1153, 1158, 1159, 1160, 1161, 1317, 1927]);
const ACCESS_DENIED = 1045;
const LONG_NAME =
  '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 10) (.RoleName | truncate 10) (random 20) (unix_time) | truncate 32 }}';
const SHORT_NAME = '{{ printf "v-%s-%s-%s" (.RoleName | truncate 4) (random 20) | truncate 16 }}';

function member(names: readonly string[], defaultUsernameTemplate: string): DatabaseMember {
  return {
    names,
    defaultUsernameTemplate,
    credentials: ['password', 'client_certificate'],
    needsCreationStatements: true,
    open(settings): Database {
      numberSetting(settings, 'max_idle_connections');
      return new MysqlDatabase(addressOf(settings), poolSize(settings));
    },
  };
}

export const mysql: DatabaseMember = member(
  ['mysql-database-plugin', 'mysql-aurora-database-plugin', 'mysql-rds-database-plugin'],
  LONG_NAME,
);
/** For servers whose user names have at most 16 characters. */
export const mysqlLegacy: DatabaseMember = member(['mysql-legacy-database-plugin'], SHORT_NAME);

function optionsOf(address: Address, encrypted: boolean): ConnectionOptions {
  const { place, user, password, database, tls } = address;
  return {
    ...place,
    user,
    password,
    ...(database === '' ? {} : { database }),
    ...(tls === undefined || !encrypted
      ? {}
      : { ssl: tls as NonNullable<ConnectionOptions['ssl']> }),
    connectTimeout: CONNECT_MS_MAX,
    multipleStatements: false,
  };
}

class MysqlDatabase implements Database {
  readonly #address: Address;
  readonly #size: number;
  #pool: Pool | undefined;
  #encrypted = true;

  constructor(address: Address, size: number) {
    this.#address = address;
    this.#size = size;
  }

  async verify(): Promise<void> {
    await this.#use([], (run) => run('SELECT 1'));
  }

  async create(account: NewAccount): Promise<void> {
    const { username, credential, expiresMs, statements, rollbackStatements } = account;
    const values = {
      ...namesOf(username),
      ...credentialFillings(credential),
      expiration: expirationText(expiresMs),
    };
    try {
      await this.#run(statements, values);
    } catch (error) {
      if (!(error instanceof TargetError) || !error.mayHaveChanged) throw error;
      if (!(await this.#rolledBack(username, rollbackStatements))) throw error;
      throw new TargetError(error.message, { mayHaveChanged: false, cause: error });
    }
  }

  async change(
    username: string,
    credential: Credential,
    statements: readonly string[],
  ): Promise<void> {
    const wanted = spelledOut(statements);
    const sql = wanted.length === 0 ? [await this.#usualChange(username)] : wanted;
    await this.#run(sql, { ...namesOf(username), ...credentialFillings(credential) });
  }

  /** MariaDB lets an account without further privileges change its own password in its own way only. */
  async #usualChange(username: string): Promise<string> {
    if (username !== this.#address.user) return DEFAULT_CHANGE;
    const rows = await this.#use([], (run) => run('SELECT VERSION() AS version'));
    return String(rows[0]?.['version']).includes('MariaDB') ? OWN_CHANGE_MARIADB : DEFAULT_CHANGE;
  }

  /** Users have no end of their own here, unless a role says how. */
  async extend(username: string, expiresMs: number, statements: readonly string[]): Promise<void> {
    await this.#run(statements, { ...namesOf(username), expiration: expirationText(expiresMs) });
  }

  async drop(username: string, statements: readonly string[]): Promise<void> {
    const wanted = spelledOut(statements);
    if (wanted.length === 0) {
      await this.#use([], async (run) => {
        // At whatever hosts it was made for: the usual statement knows '%' only.
        for (const host of await hostsOf(run, username)) {
          await run('DROP USER IF EXISTS ?@?', [username, host]);
        }
      });
      return;
    }
    try {
      await this.#run(wanted, namesOf(username));
    } catch (error) {
      if (error instanceof TargetError && !(await this.exists(username))) return;
      throw error;
    }
  }

  async exists(username: string): Promise<boolean> {
    return await this.#use([], async (run) => (await hostsOf(run, username)).length > 0);
  }

  async accepts(username: string, password: string): Promise<boolean> {
    const driver = await import('mysql2/promise');
    const address = { ...this.#address, user: username, password, database: '' };
    try {
      const connection = await withOptionalTls(address, (encrypted) =>
        driver.createConnection(optionsOf(address, encrypted)),
      );
      connection.destroy();
      return true;
    } catch (error) {
      if (errnoOf(error) === ACCESS_DENIED) return false;
      throw failureOf(error, [password], true);
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.end();
  }

  async #rolledBack(username: string, statements: readonly string[]): Promise<boolean> {
    try {
      if (spelledOut(statements).length === 0) return false;
      await this.#run(statements, namesOf(username));
      return !(await this.exists(username));
    } catch {
      return false;
    }
  }

  async #run(statements: readonly string[], values: Fillings): Promise<void> {
    const sql = spelledOut(statements).flatMap((text) => splitStatements(text, DIALECT));
    if (sql.length === 0) return;
    const secrets = values['password'] === undefined ? [] : [values['password']];
    await this.#use(secrets, async (run) => {
      for (const statement of sql) await run(filled(statement, values, DIALECT));
    });
  }

  /** Runs `work` on one connection; its statements that succeeded are counted, to tell what a failure leaves behind. */
  async #use<T>(secrets: readonly string[], work: (run: Run) => Promise<T>): Promise<T> {
    const hidden = [this.#address.password, ...secrets];
    const connection = await this.#connect();
    let succeeded = 0;
    const run: Run = async (sql, values = []) => {
      const [rows] = await connection.query<RowDataPacket[]>({
        sql,
        values: [...values],
        timeout: STATEMENT_MS_MAX,
      });
      succeeded++;
      return rows;
    };
    try {
      const result = await work(run);
      connection.release();
      return result;
    } catch (error) {
      connection.destroy();
      throw failureOf(error, hidden, succeeded === 0);
    }
  }

  async #connect(): ReturnType<Pool['getConnection']> {
    const driver = await import('mysql2/promise');
    try {
      return await withOptionalTls(
        this.#address,
        async (encrypted) => {
          if (this.#encrypted !== encrypted) {
            this.#encrypted = encrypted;
            await this.close();
          }
          // Nothing is waited for in between: of two pools one would stay open.
          this.#pool ??= driver.createPool({
            ...optionsOf(this.#address, this.#encrypted),
            connectionLimit: this.#size,
            // The driver looks for idle ones only where some of them might be too many.
            maxIdle: this.#size - 1,
            idleTimeout: IDLE_MS,
          });
          return await this.#pool.getConnection();
        },
        this.#encrypted,
      );
    } catch (error) {
      const { message } = failureOf(error, [this.#address.password], true);
      throw new TargetError(message, { mayHaveChanged: false, cause: error });
    }
  }
}

type Run = (sql: string, values?: readonly string[]) => Promise<readonly RowDataPacket[]>;

async function withOptionalTls<T extends Connection>(
  { tlsOptional }: Address,
  connect: (encrypted: boolean) => Promise<T>,
  tries: boolean = true,
): Promise<T> {
  try {
    return await connect(tries);
  } catch (error) {
    if (!tlsOptional || !(error instanceof Error) || !('code' in error) || error.code !== NO_TLS) {
      throw error;
    }
    return await connect(false);
  }
}

async function hostsOf(run: Run, username: string): Promise<string[]> {
  const rows = await run('SELECT Host AS host FROM mysql.user WHERE User = ?', [username]);
  return rows.map((row) => String(row['host']));
}

function namesOf(username: string): Fillings {
  return { name: username, username };
}

function errnoOf(error: unknown): number | undefined {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number'
    ? error.errno
    : undefined;
}

function failureOf(error: unknown, secrets: readonly string[], untouched: boolean): TargetError {
  if (error instanceof TargetError) return error;
  const fault = connectionFault(error);
  if (fault !== undefined) return fault;
  const errno = errnoOf(error);
  // Numbers of the server are positive; the driver's own faults have none, or those of the operating system.
  const answered = errno !== undefined && errno > 0 && !SERVER_GONE.has(errno);
  const message = error instanceof Error ? error.message : 'failed';
  return new TargetError(
    withoutSecrets(answered ? `Error ${errno}: ${message}` : message, secrets),
    { mayHaveChanged: !(answered && untouched), cause: error },
  );
}
