/** PostgreSQL: accounts are roles. Every change is one transaction, so a change that fails has changed nothing. */
import type { Random } from '../../base/random.ts';
import { SettingsError, TargetError } from '../database.ts';
import type { Credential, Database, DatabaseMember, NewAccount } from '../database.ts';
import { numberSetting, poolSize, textSetting } from '../settings.ts';
import { credentialFillings, expirationText, filled, spelledOut } from '../statements.ts';
import type { Dialect, Fillings } from '../statements.ts';
import { addressOf } from './address.ts';
import type { Address } from './address.ts';
import { Connections, canLogIn } from './connection.ts';
import { dropStatements } from './drop.ts';
import { quoteIdentifier } from './postgresql-names.ts';
import { SALT_BYTES, scramSecret } from './scram.ts';

const DIALECT: Dialect = { backslash: false };
const DEFAULT_PASSWORD_CHANGE = `ALTER ROLE "{{username}}" WITH PASSWORD '{{password}}'`;
const DEFAULT_EXTENSION = `ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`;
const NAME_BYTES_MAX = 63;
const PASSWORD_FORMS = new Set(['', 'password', 'scram-sha-256']);

export const postgresql: DatabaseMember = {
  names: ['postgresql-database-plugin'],
  defaultUsernameTemplate:
    '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}',
  credentials: ['password', 'client_certificate'],
  needsCreationStatements: true,
  open(settings, random): Database {
    const form = textSetting(settings, 'password_authentication');
    if (!PASSWORD_FORMS.has(form))
      throw new SettingsError("'password_authentication' is not known");
    numberSetting(settings, 'max_idle_connections');
    return new PostgresqlDatabase(
      addressOf(settings),
      poolSize(settings),
      form === 'scram-sha-256' ? random : undefined,
    );
  },
};

class PostgresqlDatabase implements Database {
  readonly #address: Address;
  readonly #connections: Connections;
  /** Set when the server is to see hashes only. */
  readonly #salts: Random | undefined;

  constructor(address: Address, size: number, salts: Random | undefined) {
    this.#address = address;
    this.#connections = new Connections(address, size);
    this.#salts = salts;
  }

  async verify(): Promise<void> {
    await this.#connections.use((client) => client.query('SELECT 1'));
  }

  async create({ username, credential, expiresMs, statements }: NewAccount): Promise<void> {
    // The server would cut the name off, and then it is another one.
    if (Buffer.byteLength(username) > NAME_BYTES_MAX) {
      throw new TargetError('the user name is too long', { mayHaveChanged: false });
    }
    const values = {
      name: username,
      username,
      ...this.#fillingsOf(credential),
      expiration: expirationText(expiresMs),
    };
    await this.#run(statements, values, secretsOf(credential));
  }

  async change(
    username: string,
    credential: Credential,
    statements: readonly string[],
  ): Promise<void> {
    const values = { name: username, username, ...this.#fillingsOf(credential) };
    const wanted = spelledOut(statements);
    await this.#run(
      wanted.length === 0 ? [DEFAULT_PASSWORD_CHANGE] : wanted,
      values,
      secretsOf(credential),
    );
  }

  async extend(username: string, expiresMs: number, statements: readonly string[]): Promise<void> {
    const values = { name: username, username, expiration: expirationText(expiresMs) };
    const wanted = spelledOut(statements);
    await this.#run(wanted.length === 0 ? [DEFAULT_EXTENSION] : wanted, values, []);
  }

  async drop(username: string, statements: readonly string[]): Promise<void> {
    const wanted = spelledOut(statements);
    if (wanted.length > 0) {
      try {
        await this.#run(wanted, { name: username, username }, []);
      } catch (error) {
        if (error instanceof TargetError && !(await this.exists(username))) return;
        throw error;
      }
      return;
    }
    await this.#connections.use(async (client) => {
      if (!(await existsOn(client, username))) return;
      // First of all, and whatever becomes of the rest: nobody logs in as it any more.
      await client.query(`ALTER ROLE ${quoteIdentifier(username)} NOLOGIN`);
      await client.query((await dropStatements(client, username)).join(';\n'));
    });
  }

  async exists(username: string): Promise<boolean> {
    return await this.#connections.use((client) => existsOn(client, username));
  }

  async accepts(username: string, password: string): Promise<boolean> {
    return await canLogIn({ ...this.#address, user: username, password });
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  /** All statements in one message: the server runs them as one transaction, and its own parser tells them apart. */
  async #run(
    statements: readonly string[],
    values: Fillings,
    secrets: readonly string[],
  ): Promise<void> {
    const sql = spelledOut(statements)
      .map((text) => filled(text, values, DIALECT))
      .join('\n;\n');
    await this.#connections.use((client) => client.query(sql), secrets);
  }

  #fillingsOf(credential: Credential): Fillings {
    if (credential.kind !== 'password' || this.#salts === undefined)
      return credentialFillings(credential);
    return { password: scramSecret(credential.password, this.#salts.bytes(SALT_BYTES)) };
  }
}

function secretsOf(credential: Credential): readonly string[] {
  return credential.kind === 'password' ? [credential.password] : [];
}

interface Asked {
  query(sql: string, values: readonly string[]): Promise<{ readonly rows: readonly unknown[] }>;
}

async function existsOn(client: unknown, username: string): Promise<boolean> {
  const { rows } = await (client as Asked).query('SELECT 1 FROM pg_roles WHERE rolname = $1', [
    username,
  ]);
  return rows.length > 0;
}
