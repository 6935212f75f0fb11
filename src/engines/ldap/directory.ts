/** What the engine does in the directory: changes passwords, applies LDIF, asks whether a password is the one. */
import { connectLdap, LdapError } from '../../ldap/connection.ts';
import type { LdapAttribute, LdapChange, LdapConnection } from '../../ldap/connection.ts';
import { escapeFilterValue } from '../../ldap/names.ts';
import { RequestError } from '../../model/errors.ts';
import { connectionSettings, userAttribute } from './config.ts';
import type { LdapConfig, Schema } from './config.ts';

/** An account: by its name below `userdn`, or by its distinguished name. */
export interface AccountName {
  readonly username: string;
  /** '' = found by its name. */
  readonly dn: string;
}

/** Result codes that say: what is to be removed is not there (RFC 4511 §4.1.9). */
const NO_SUCH_ATTRIBUTE = 16;
const NO_SUCH_OBJECT = 32;

/** Bound as the account that manages. @throws {LdapError} */
async function managed<T>(
  config: LdapConfig,
  act: (connection: LdapConnection) => Promise<T>,
): Promise<T> {
  if (config.bindpass === '') throw new LdapError('no password is configured to bind with');
  if (config.binddn === '') throw new LdapError('no account is configured to bind as');
  const connection = await connectLdap(connectionSettings(config));
  try {
    await connection.bind(bindName(config), config.bindpass);
    return await act(connection);
  } finally {
    await connection.close();
  }
}

function bindName({ binddn, upndomain }: LdapConfig): string {
  return upndomain === '' ? binddn : `${binddn}@${upndomain}`;
}

/** @throws {LdapError} when there is not exactly one */
async function dnOf(
  connection: LdapConnection,
  config: LdapConfig,
  { username, dn }: AccountName,
): Promise<string> {
  if (dn !== '') return dn;
  const filter = `(${userAttribute(config)}=${escapeFilterValue(username)})`;
  const search = { base: config.userdn, filter, attributes: ['1.1'], sizeLimit: 2 };
  const entries = await connection.search(search);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    throw new LdapError('expected one matching entry, but received none or several');
  }
  return entry.dn;
}

const PASSWORD_ATTRIBUTES: Readonly<
  Record<Schema, (password: string) => readonly LdapAttribute[]>
> = {
  openldap: (password) => [{ type: 'userPassword', values: [password] }],
  // In quotation marks and UTF-16 ([MS-ADTS] §3.1.1.3.1.5).
  ad: (password) => [{ type: 'unicodePwd', values: [Buffer.from(`"${password}"`, 'utf16le')] }],
  racf: (password) => [
    { type: 'racfPassword', values: [password] },
    { type: 'racfAttributes', values: ['noexpired'] },
  ],
};

/** @throws {LdapError} */
export async function setPassword(
  config: LdapConfig,
  account: AccountName,
  password: string,
): Promise<void> {
  await managed(config, async (connection) => {
    const dn = await dnOf(connection, config, account);
    const changes = PASSWORD_ATTRIBUTES[config.schema](password).map((attribute) => ({
      operation: 'replace' as const,
      ...attribute,
    }));
    await connection.apply({ kind: 'modify', dn, changes });
  });
}

/** Of the managing account itself. @throws {LdapError} */
export async function setOwnPassword(config: LdapConfig, password: string): Promise<void> {
  const username = bindName(config);
  // By its principal name an account is searched, as any other.
  const account = config.upndomain === '' ? { username, dn: config.binddn } : { username, dn: '' };
  await setPassword(config, account, password);
}

/** Whether the directory takes this password. @throws {LdapError} when it cannot be asked */
export async function accepts(
  config: LdapConfig,
  account: AccountName | 'self',
  password: string,
): Promise<boolean> {
  const dn =
    account === 'self'
      ? bindName(config)
      : await managed(config, (connection) => dnOf(connection, config, account));
  const connection = await connectLdap(connectionSettings(config));
  try {
    await connection.bind(dn, password);
    return true;
  } catch (error) {
    if (error instanceof LdapError && error.wrongCredentials) return false;
    throw error;
  } finally {
    await connection.close();
  }
}

/** How far a list of changes came. */
export interface Applied {
  readonly count: number;
  readonly error: LdapError | undefined;
}

/** One after the other, up to the first that fails. @throws {LdapError} when the directory cannot be reached */
export async function applyChanges(
  config: LdapConfig,
  changes: readonly LdapChange[],
): Promise<Applied> {
  return await managed(config, async (connection) => {
    for (const [count, change] of changes.entries()) {
      try {
        await connection.apply(change);
      } catch (error) {
        if (error instanceof LdapError) return { count, error };
        throw error;
      }
    }
    return { count: changes.length, error: undefined };
  });
}

/** All of them, whatever fails; what is gone already is no failure. @throws {LdapError} the first failure */
export async function undoChanges(
  config: LdapConfig,
  changes: readonly LdapChange[],
): Promise<void> {
  await managed(config, async (connection) => {
    let fault: LdapError | undefined;
    for (const change of changes) {
      try {
        await connection.apply(change);
      } catch (error) {
        if (!(error instanceof LdapError)) throw error;
        const gone = error.resultCode === NO_SUCH_OBJECT || error.resultCode === NO_SUCH_ATTRIBUTE;
        if (!gone) fault ??= error;
      }
    }
    if (fault !== undefined) throw fault;
  });
}

/** The status that clients of Vault know for a directory that fails. */
const FAILED_STATUS = 500;

/** Runs an act on the directory; what it says is told to the caller, who may manage its accounts. */
export async function telling<T>(before: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw asFailure(before, error);
  }
}

export function asFailure(before: string, error: unknown): unknown {
  if (!(error instanceof LdapError)) return error;
  return new RequestError('upstream_failed', `${before}: ${error.message}`, {
    vaultStatus: FAILED_STATUS,
    cause: error,
  });
}
