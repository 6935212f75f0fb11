/** MongoDB and what speaks its protocol: accounts are users of a database, made with a list of roles. */
import type { MongoClientOptions } from 'mongodb';
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { CONNECT_MS_MAX, STATEMENT_MS_MAX, SettingsError, TargetError } from '../database.ts';
import type { Credential, Database, DatabaseMember, NewAccount } from '../database.ts';
import { connectionFault, withoutSecrets } from '../failures.ts';
import { credentialsOf, filledAddress, tlsSettings } from '../settings.ts';

const DEFAULT_DATABASE = 'admin';
const USER_NOT_FOUND = 11;
const AUTHENTICATION_FAILED = 18;

interface Address {
  readonly url: string;
  readonly password: string;
  readonly options: MongoClientOptions;
}

interface UserSpec {
  readonly db: string;
  readonly roles: readonly JsonValue[];
}

export const mongodb: DatabaseMember = {
  names: ['mongodb-database-plugin'],
  defaultUsernameTemplate:
    '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 15) (.RoleName | truncate 15) (random 20) (unix_time) | replace "." "-" | truncate 100 }}',
  credentials: ['password'],
  needsCreationStatements: true,
  open(settings): Database {
    const [, password] = credentialsOf(settings);
    const url = filledAddress(settings, encodeURIComponent);
    if (!/^mongodb(?:\+srv)?:\/\/[^/]/.test(url)) {
      throw new SettingsError('connection_url cannot be parsed');
    }
    if (/[?&]tls(?:CAFile|CertificateKeyFile|CRLFile)=/i.test(url)) {
      throw new SettingsError(
        'files in connection_url are not read: use tls_ca and tls_certificate_key',
      );
    }
    return new MongoDatabase({ url, password, options: optionsOf(settings, url) });
  },
};

function optionsOf(settings: JsonObject, url: string): MongoClientOptions {
  const tls = tlsSettings(settings);
  return {
    // Unless the address says otherwise.
    ...(/[?&]serverSelectionTimeoutMS=/.test(url)
      ? {}
      : { serverSelectionTimeoutMS: CONNECT_MS_MAX }),
    connectTimeoutMS: CONNECT_MS_MAX,
    socketTimeoutMS: STATEMENT_MS_MAX,
    maxPoolSize: 1,
    retryWrites: false,
    ...(tls === undefined ? {} : { tls: true, ...(tls as MongoClientOptions) }),
  };
}

class MongoDatabase implements Database {
  readonly #address: Address;

  constructor(address: Address) {
    this.#address = address;
  }

  async verify(): Promise<void> {
    await this.#command(DEFAULT_DATABASE, { ping: 1 });
  }

  async create({ username, credential, statements }: NewAccount): Promise<void> {
    const { db, roles } = specOf(statements);
    const pwd = passwordOf(credential);
    await this.#command(db, { createUser: username, pwd, roles: [...roles] }, [pwd]);
  }

  async change(
    username: string,
    credential: Credential,
    statements: readonly string[],
  ): Promise<void> {
    const pwd = passwordOf(credential);
    await this.#command(specOf(statements).db, { updateUser: username, pwd }, [pwd]);
  }

  /** Users have no end of their own here. */
  async extend(): Promise<void> {}

  async drop(username: string, statements: readonly string[]): Promise<void> {
    try {
      await this.#command(specOf(statements).db, { dropUser: username });
    } catch (error) {
      if (error instanceof TargetError && codeOf(error.cause) === USER_NOT_FOUND) return;
      throw error;
    }
  }

  async exists(username: string): Promise<boolean> {
    const found = await this.#command(DEFAULT_DATABASE, {
      usersInfo: { user: username, db: DEFAULT_DATABASE },
    });
    return Array.isArray(found['users']) && found['users'].length > 0;
  }

  async accepts(username: string, password: string): Promise<boolean> {
    try {
      await this.#on(
        {
          ...this.#address,
          options: { ...this.#address.options, auth: { username, password } },
          password,
        },
        DEFAULT_DATABASE,
        { ping: 1 },
      );
      return true;
    } catch (error) {
      if (error instanceof TargetError && codeOf(error.cause) === AUTHENTICATION_FAILED)
        return false;
      throw error;
    }
  }

  async close(): Promise<void> {}

  async #command(
    database: string,
    command: Record<string, unknown>,
    secrets: readonly string[] = [],
  ): Promise<Record<string, unknown>> {
    return await this.#on(this.#address, database, command, secrets);
  }

  async #on(
    { url, password, options }: Address,
    database: string,
    command: Record<string, unknown>,
    secrets: readonly string[] = [],
  ): Promise<Record<string, unknown>> {
    const { MongoClient } = await import('mongodb');
    let sent = false;
    let client: InstanceType<typeof MongoClient> | undefined;
    try {
      client = new MongoClient(url, options);
      await client.connect();
      sent = true;
      return await client.db(database).command(command);
    } catch (error) {
      throw failureOf(error, [password, ...secrets], sent);
    } finally {
      await client?.close().catch(() => {});
    }
  }
}

function passwordOf(credential: Credential): string {
  if (credential.kind === 'password') return credential.password;
  throw new TargetError('users here have passwords only', { mayHaveChanged: false });
}

/** `{"db": "admin", "roles": [{"role": "readWrite"}, {"role": "read", "db": "other"}]}`. */
function specOf(statements: readonly string[]): UserSpec {
  const first = statements.find((text) => text.trim() !== '');
  if (first === undefined) return { db: DEFAULT_DATABASE, roles: [] };
  let spec: unknown;
  try {
    spec = JSON.parse(first);
  } catch {
    spec = undefined;
  }
  if (!isJsonObject(spec)) {
    throw new TargetError('the statement is not a JSON object with db and roles', {
      mayHaveChanged: false,
    });
  }
  const { db, roles } = spec;
  return {
    db: typeof db === 'string' && db !== '' ? db : DEFAULT_DATABASE,
    roles: Array.isArray(roles) ? roles.map(roleOf) : [],
  };
}

/** A role of the user's own database is named by its name alone. */
function roleOf(role: JsonValue): JsonValue {
  if (!isJsonObject(role)) return role;
  const { role: name = '', db } = role;
  return db === undefined || db === '' ? name : { role: name, db };
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number'
    ? error.code
    : undefined;
}

function failureOf(error: unknown, secrets: readonly string[], sent: boolean): TargetError {
  if (error instanceof TargetError) return error;
  const fault = connectionFault(
    error instanceof Error && error.cause !== undefined ? error.cause : error,
  );
  if (fault !== undefined) {
    return new TargetError(fault.message, {
      mayHaveChanged: sent && fault.mayHaveChanged,
      cause: error,
    });
  }
  const message = error instanceof Error ? error.message : 'failed';
  // The server's own refusals carry a number.
  return new TargetError(withoutSecrets(message, secrets), {
    mayHaveChanged: sent && codeOf(error) === undefined,
    cause: error,
  });
}
