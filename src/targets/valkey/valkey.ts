/** Valkey and Redis: accounts are users of the access control list. A command is all or nothing. */
import type { Redis, RedisOptions } from 'ioredis';
import type { JsonObject } from '../../base/json.ts';
import { CONNECT_MS_MAX, STATEMENT_MS_MAX, SettingsError, TargetError } from '../database.ts';
import type { Credential, Database, DatabaseMember, NewAccount } from '../database.ts';
import { connectionFault, withoutSecrets } from '../failures.ts';
import { flagSetting, numberSetting, textSetting, tlsSettings } from '../settings.ts';

const DEFAULT_RULES = ['~*', '+@read'];
const DEFAULT_PORT = 6379;

interface Address {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly tls: RedisOptions['tls'];
}

export const valkey: DatabaseMember = {
  names: ['valkey-database-plugin', 'redis-database-plugin'],
  defaultUsernameTemplate:
    '{{ printf "v_%s_%s_%s_%s" (.DisplayName | truncate 64) (.RoleName | truncate 64) (random 20) (unix_time) | uppercase }}',
  credentials: ['password'],
  needsCreationStatements: false,
  open: (settings): Database => new ValkeyDatabase(addressOf(settings)),
};

/** @throws {SettingsError} */
function addressOf(settings: JsonObject): Address {
  const url = textSetting(settings, 'connection_url');
  if (url !== '') return addressOfUrl(url, settings);
  const host = textSetting(settings, 'host');
  const port = numberSetting(settings, 'port');
  const username = textSetting(settings, 'username');
  const password = textSetting(settings, 'password');
  if (host === '') throw new SettingsError('host cannot be empty');
  if (port <= 0 || port > 65_535) throw new SettingsError('port cannot be empty');
  if (username === '') throw new SettingsError('username cannot be empty');
  if (password === '') throw new SettingsError('password cannot be empty');
  const tls = flagSetting(settings, 'tls') ? tlsOf(settings) : undefined;
  return { host, port, username, password, tls };
}

function addressOfUrl(url: string, settings: JsonObject): Address {
  const parsed = URL.parse(url);
  if (parsed === null || !/^(?:valkey|redis)s?:$/.test(parsed.protocol)) {
    throw new SettingsError('connection_url cannot be parsed');
  }
  const username = textSetting(settings, 'username');
  const password = textSetting(settings, 'password');
  const fill = (text: string): string =>
    decodeURIComponent(text).replace(/\{\{(username|password)\}\}/g, (_all, name) =>
      name === 'username' ? username : password,
    );
  try {
    return {
      host: parsed.hostname,
      port: parsed.port === '' ? DEFAULT_PORT : Number(parsed.port),
      username: fill(parsed.username) || username || 'default',
      password: fill(parsed.password) || password,
      tls: parsed.protocol.endsWith('s:') ? tlsOf(settings) : undefined,
    };
  } catch {
    throw new SettingsError('connection_url cannot be parsed');
  }
}

function tlsOf(settings: JsonObject): NonNullable<RedisOptions['tls']> {
  const ca = textSetting(settings, 'ca_cert');
  return {
    ...tlsSettings(settings),
    ...(ca === '' ? {} : { ca }),
    ...(flagSetting(settings, 'insecure_tls') ? { rejectUnauthorized: false } : {}),
  };
}

class ValkeyDatabase implements Database {
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
  }

  async verify(): Promise<void> {
    await this.#command(['PING']);
  }

  async create({ username, credential, statements }: NewAccount): Promise<void> {
    const password = passwordOf(credential);
    await this.#change(
      ['ACL', 'SETUSER', username, 'ON', `>${password}`, ...rulesOf(statements)],
      password,
    );
  }

  async change(username: string, credential: Credential): Promise<void> {
    const password = passwordOf(credential);
    if (!(await this.exists(username))) {
      throw new TargetError('the user does not exist', { mayHaveChanged: false });
    }
    await this.#change(['ACL', 'SETUSER', username, 'RESETPASS', `>${password}`], password);
  }

  /** Users have no end of their own here. */
  async extend(): Promise<void> {}

  async drop(username: string): Promise<void> {
    await this.#change(['ACL', 'DELUSER', username], '');
  }

  async exists(username: string): Promise<boolean> {
    return (await this.#command(['ACL', 'GETUSER', username])) !== null;
  }

  async accepts(username: string, password: string): Promise<boolean> {
    try {
      // Whatever it may do, whoever has logged in may learn who it is: a refusal of that is none of the login.
      await this.#on({ ...this.#address, username, password }, ['PING']);
      return true;
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      if (/WRONGPASS|invalid username-password/i.test(error.message)) return false;
      if (/NOPERM/i.test(error.message)) return true;
      throw error;
    }
  }

  async close(): Promise<void> {}

  /** Changes the list and, where it lies in a file, that too: a restart of the server must not undo it. */
  async #change(command: readonly string[], secret: string): Promise<void> {
    await this.#command(command, [secret]);
    await this.#command(['ACL', 'SAVE']).catch(() => {});
  }

  async #command(command: readonly string[], secrets: readonly string[] = []): Promise<unknown> {
    return await this.#on(this.#address, command, secrets);
  }

  async #on(
    { host, port, username, password, tls }: Address,
    [name = '', ...args]: readonly string[],
    secrets: readonly string[] = [],
  ): Promise<unknown> {
    const driver = await import('ioredis');
    const client: Redis = new driver.Redis({
      host,
      port,
      username,
      password,
      ...(tls === undefined ? {} : { tls }),
      lazyConnect: true,
      connectTimeout: CONNECT_MS_MAX,
      commandTimeout: STATEMENT_MS_MAX,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      enableReadyCheck: false,
      // A login that is refused must end the attempt, not be met as a warning.
      enableOfflineQueue: false,
    });
    let lost: unknown;
    client.on('error', (error: unknown) => (lost ??= error));
    let sent = false;
    try {
      await client.connect();
      sent = true;
      return await client.call(name, ...args);
    } catch (error) {
      throw failureOf(lost ?? error, [password, ...secrets], sent);
    } finally {
      client.disconnect();
    }
  }
}

function passwordOf(credential: Credential): string {
  if (credential.kind === 'password') return credential.password;
  throw new TargetError('users here have passwords only', { mayHaveChanged: false });
}

/** Rules one by one, or as a JSON list in the first statement. */
function rulesOf(statements: readonly string[]): readonly string[] {
  const wanted = statements.map((text) => text.trim()).filter((text) => text !== '');
  const [first] = wanted;
  if (first === undefined) return DEFAULT_RULES;
  try {
    const list = JSON.parse(first) as unknown;
    if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list;
  } catch {
    // Not JSON: rules as they are.
  }
  return wanted.flatMap((text) => text.split(/\s+/));
}

function failureOf(error: unknown, secrets: readonly string[], sent: boolean): TargetError {
  const fault = connectionFault(error);
  if (fault !== undefined) {
    return new TargetError(fault.message, {
      mayHaveChanged: sent && fault.mayHaveChanged,
      cause: error,
    });
  }
  const answered = error instanceof Error && error.name === 'ReplyError';
  const message = error instanceof Error ? error.message : 'failed';
  return new TargetError(withoutSecrets(message, secrets), {
    mayHaveChanged: sent && !answered,
    cause: error,
  });
}
