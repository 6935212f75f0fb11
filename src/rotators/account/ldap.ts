/** Accounts of a directory. Their names are distinguished names. */
import type { JsonObject } from '../../base/json.ts';
import { LdapError, connectLdap } from '../../ldap/connection.ts';
import type { LdapConnection, LdapSettings } from '../../ldap/connection.ts';
import { SettingsError, TargetError } from '../../targets/database.ts';
import { flagSetting } from '../../targets/settings.ts';
import { textOf } from '../settings.ts';
import type { Rotator } from '../rotator.ts';
import { accountRotator } from './account.ts';
import type { Account } from './account.ts';

const CONNECT_MS = 8_000;
const REQUEST_MS = 20_000;

function settingsOf(settings: JsonObject): LdapSettings {
  if (!['openldap', 'ad'].includes(textOf(settings, 'schema', 'openldap'))) {
    throw new SettingsError('schema is "openldap" or "ad"');
  }
  const url = textOf(settings, 'url');
  if (!/^ldaps?:\/\/./.test(url)) throw new SettingsError('url begins with ldap:// or ldaps://');
  return {
    url,
    startTls: flagSetting(settings, 'starttls'),
    insecureTls: flagSetting(settings, 'insecure_tls'),
    caPem: textOf(settings, 'certificate'),
    clientCertificatePem: textOf(settings, 'client_tls_cert'),
    clientKeyPem: textOf(settings, 'client_tls_key'),
    tlsMinVersion: 'tls12',
    tlsMaxVersion: 'tls13',
    connectTimeoutMs: CONNECT_MS,
    requestTimeoutMs: REQUEST_MS,
  };
}

async function on<T>(
  settings: LdapSettings,
  act: (connection: LdapConnection) => Promise<T>,
): Promise<T> {
  let connection: LdapConnection;
  try {
    connection = await connectLdap(settings);
  } catch (error) {
    throw new TargetError('the directory cannot be reached', {
      mayHaveChanged: false,
      cause: error,
    });
  }
  try {
    return await act(connection);
  } catch (error) {
    if (!(error instanceof LdapError)) throw error;
    const text = error.wrongCredentials ? 'the directory refuses the credentials' : error.message;
    throw new TargetError(text, { mayHaveChanged: !error.wrongCredentials, cause: error });
  } finally {
    connection.close().catch(() => {});
  }
}

async function accepts(
  settings: LdapSettings,
  account: string,
  password: string,
): Promise<boolean> {
  return await on(settings, async (connection) => {
    try {
      await connection.bind(account, password);
      return true;
    } catch (error) {
      if (error instanceof LdapError && error.wrongCredentials) return false;
      throw error;
    }
  });
}

/** An administrator replaces the attribute; an account itself asks for the change and names its old password. */
async function change(
  place: LdapSettings,
  by: Account,
  account: string,
  password: string,
  schema: string,
): Promise<void> {
  await on(place, async (connection) => {
    await connection.bind(by.username, by.password);
    if (by.username === account) {
      await connection.changePassword(account, by.password, password);
      return;
    }
    const changed =
      schema === 'ad'
        ? { type: 'unicodePwd', values: [Buffer.from(`"${password}"`, 'utf16le')] }
        : { type: 'userPassword', values: [password] };
    await connection.apply({
      kind: 'modify',
      dn: account,
      changes: [{ operation: 'replace', ...changed }],
    });
  });
}

export const ldapRotator: Rotator = accountRotator({
  type: 'ldap',
  summary: 'The password of an account of a directory.',
  settings: [
    { name: 'url', description: 'Addresses of the directory, separated by commas.' },
    {
      name: 'binddn',
      description: 'Account that changes the others; without it each changes itself.',
    },
    { name: 'bindpass', description: 'Its password.', secret: true },
    { name: 'schema', description: '"openldap", or "ad" for Active Directory.' },
    { name: 'starttls', description: 'Encrypts a plain connection before anything is sent.' },
    { name: 'certificate', description: 'Certificate authority of the directory, in PEM.' },
    { name: 'client_tls_cert', description: 'Client certificate, in PEM.' },
    { name: 'client_tls_key', description: 'Key of the client certificate, in PEM.', secret: true },
    { name: 'insecure_tls', description: 'Does not verify the certificate of the directory.' },
  ],
  check: (settings) => void settingsOf(settings),
  hasAdministrator: (settings) => textOf(settings, 'binddn') !== '',
  open(settings, self) {
    const place = settingsOf(settings);
    const admin = { username: textOf(settings, 'binddn'), password: textOf(settings, 'bindpass') };
    const by = admin.username === '' ? self : admin;
    const schema = textOf(settings, 'schema', 'openldap');
    return {
      change: (account, password) => change(place, by, account, password, schema),
      accepts: (account, password) => accepts(place, account, password),
      close: async () => {},
    };
  },
});
