/** Where a MySQL or MariaDB server is, from a `connection_url` as Go's driver takes it: `user:password@tcp(host:port)/database?tls=…`. */
import type { ConnectionOptions } from 'node:tls';
import type { JsonObject } from '../../base/json.ts';
import { SettingsError } from '../database.ts';
import { credentialsOf, textSetting, tlsSettings } from '../settings.ts';

export interface Address {
  readonly place:
    | { readonly host: string; readonly port: number }
    | { readonly socketPath: string };
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: ConnectionOptions | undefined;
  /** Unencrypted when the server offers no TLS. */
  readonly tlsOptional: boolean;
}

const DEFAULT_PORT = 3306;

/** @throws {SettingsError} */
export function addressOf(settings: JsonObject): Address {
  const url = textSetting(settings, 'connection_url');
  if (url === '') throw new SettingsError('connection_url cannot be empty');
  const [username, password] = credentialsOf(settings);
  const slash = url.lastIndexOf('/');
  const head = slash < 0 ? url : url.slice(0, slash);
  const [database = '', query = ''] = slash < 0 ? [] : url.slice(slash + 1).split('?', 2);
  const at = head.lastIndexOf('@');
  const account = at < 0 ? '' : head.slice(0, at);
  const colon = account.indexOf(':');
  // The places are filled in after the parts are told apart: no character of a password can move a boundary.
  const fill = (text: string): string =>
    text.replace(/\{\{(username|password)\}\}/g, (_all, name) =>
      name === 'username' ? username : password,
    );
  const mode = new URLSearchParams(query).get('tls') ?? '';
  const set = tlsSettings(settings);
  return {
    place: placeOf(head.slice(at + 1)),
    user: fill(colon < 0 ? account : account.slice(0, colon)) || username,
    password: (colon < 0 ? '' : fill(account.slice(colon + 1))) || password,
    database,
    tls: tlsOf(mode, set),
    tlsOptional: mode === 'preferred' && set === undefined,
  };
}

function placeOf(text: string): Address['place'] {
  const match = /^(?:([a-z0-9]+)\(([^()]*)\)|([^()]*))$/.exec(text);
  if (match === null) throw new SettingsError('connection_url cannot be parsed');
  const [, network = 'tcp', inBrackets, bare = ''] = match;
  const address = inBrackets ?? bare;
  if (network === 'unix') return { socketPath: address };
  const host = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(address);
  if (host === null) throw new SettingsError('connection_url cannot be parsed');
  return {
    host: host[1] || host[2] || '127.0.0.1',
    port: host[3] === undefined ? DEFAULT_PORT : Number(host[3]),
  };
}

function tlsOf(mode: string, set: ConnectionOptions | undefined): ConnectionOptions | undefined {
  switch (mode) {
    case '':
    case 'false':
      return set;
    case 'true':
      return set ?? {};
    case 'skip-verify':
    case 'preferred':
      return { ...set, rejectUnauthorized: false };
    default:
      throw new SettingsError('unknown tls mode in connection_url');
  }
}
