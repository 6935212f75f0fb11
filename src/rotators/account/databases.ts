/** Accounts of databases: whatever the database engine can manage, rotation can too. */
import type { JsonObject } from '../../base/json.ts';
import type { Random } from '../../base/random.ts';
import type { DatabaseMember } from '../../targets/database.ts';
import { listSetting, textOf } from '../settings.ts';
import type { Rotator, RotatorSetting } from '../rotator.ts';
import { accountRotator } from './account.ts';

/** Settings of the connection itself, with an administrator or with the account's own name and password. */
function connectionSettings(settings: JsonObject, username: string, password: string): JsonObject {
  const admin = textOf(settings, 'username');
  return admin === '' ? { ...settings, username, password } : settings;
}

const TLS_SETTINGS: readonly RotatorSetting[] = [
  { name: 'tls_ca', description: 'Certificate authority of the database, in PEM.' },
  { name: 'tls_certificate', description: 'Client certificate, in PEM.' },
  { name: 'private_key', description: 'Key of the client certificate, in PEM.', secret: true },
  { name: 'tls_certificate_key', description: 'Client certificate and key in one.', secret: true },
  { name: 'tls_server_name', description: 'Name that is expected in its certificate.' },
  { name: 'tls_skip_verify', description: 'Does not verify the certificate of the database.' },
];

/** What connections to one kind of database know beside that. */
const OWN_SETTINGS: Readonly<Record<string, readonly RotatorSetting[]>> = {
  postgresql: [
    { name: 'disable_escaping', description: 'Puts name and password into the URL as they are.' },
    {
      name: 'password_authentication',
      description: '"scram-sha-256": the database is told a hash of each password only.',
    },
  ],
  valkey: [
    { name: 'host', description: 'Instead of an address: the host,' },
    { name: 'port', description: 'its port,' },
    { name: 'tls', description: 'whether it is asked encrypted,' },
    { name: 'ca_cert', description: 'by which certificate authority, in PEM,' },
    { name: 'insecure_tls', description: 'and whether that is not verified.' },
  ],
};

/** @param type what policies call it: `postgresql`, `mysql` … */
export function databaseRotator(type: string, member: DatabaseMember, random: Random): Rotator {
  return accountRotator({
    type,
    summary: `The password of an account of ${type}.`,
    settings: [
      { name: 'connection_url', description: 'Where the database is, as in a database engine.' },
      {
        name: 'username',
        description: 'Account that changes the others; without it each changes itself.',
      },
      { name: 'password', description: 'Its password.', secret: true },
      { name: 'rotation_statements', description: 'Statements that set the password.' },
      { name: 'max_open_connections', description: 'Connections at once; four by default.' },
      ...(OWN_SETTINGS[type] ?? []),
      ...TLS_SETTINGS,
    ],
    check: (settings) => {
      member
        .open(connectionSettings(settings, 'check', 'check'), random)
        .close()
        .catch(() => {});
    },
    hasAdministrator: (settings) => textOf(settings, 'username') !== '',
    open(settings, { username, password }) {
      const database = member.open(connectionSettings(settings, username, password), random);
      const statements = listSetting(settings, 'rotation_statements', []);
      return {
        change: (account, secret) =>
          database.change(account, { kind: 'password', password: secret }, statements),
        accepts: (account, secret) => database.accepts(account, secret),
        close: () => database.close(),
      };
    },
  });
}
