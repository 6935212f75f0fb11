/**
 * Where a PostgreSQL server is, from a `connection_url` as libpq takes it: `postgresql://…?sslmode=…` or `host=… port=…`. Files
 * named in it are not read: keys and certificates are settings of their own, or whoever configures a connection could read
 * this server's files.
 */
import type { ConnectionOptions } from 'node:tls';
import type { JsonObject } from '../../base/json.ts';
import { NoAddressError, SettingsError } from '../database.ts';
import { credentialsOf, filledAddress, flagSetting, tlsSettings } from '../settings.ts';

export type Encryption = 'never' | 'if offered' | ConnectionOptions;

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly applicationName: string;
  readonly encryption: Encryption;
}

const DEFAULT_PORT = 5432;
const FILES = ['sslcert', 'sslkey', 'sslrootcert', 'sslcrl', 'passfile', 'service', 'servicefile'];

/** @throws {SettingsError} */
export function addressOf(settings: JsonObject): Address {
  const escapes = !flagSetting(settings, 'disable_escaping');
  const [username, password] = credentialsOf(settings);
  if (/\{\{(?:username|password)\}\}/.test(username + password)) {
    throw new SettingsError('username and/or password cannot contain the template variables');
  }
  const url = textOf(settings);
  const text = filledAddress(settings, (value) =>
    url && escapes ? encodeURIComponent(value) : url ? value : quoted(value),
  );
  const words = url ? wordsOfUrl(text) : wordsOfText(text);
  for (const file of FILES) {
    if (words.has(file)) {
      throw new SettingsError(
        `${file} in connection_url is not read: use tls_ca, tls_certificate and private_key`,
      );
    }
  }
  const port = Number(words.get('port') ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new SettingsError('invalid port in connection_url');
  const user = words.get('user') || username;
  return {
    host: words.get('host') || 'localhost',
    port,
    user,
    password: words.get('password') || password,
    database: words.get('dbname') || words.get('database') || user,
    applicationName: words.get('application_name') || 'strongroom',
    encryption: encryptionOf(words.get('sslmode'), tlsSettings(settings)),
  };
}

function textOf(settings: JsonObject): boolean {
  const address = settings['connection_url'];
  return typeof address === 'string' && /^postgres(?:ql)?:\/\//.test(address);
}

function quoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function wordsOfUrl(text: string): Map<string, string> {
  const url = URL.parse(text.replace(/^postgres(?:ql)?:/, 'http:'));
  if (url === null) throw new SettingsError('connection_url cannot be parsed');
  const words = new Map<string, string>();
  try {
    if (url.hostname !== '')
      words.set('host', decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'));
    if (url.port !== '') words.set('port', url.port);
    // `http` has a port of its own, which its URLs leave out.
    else if (/^[^/]*\/\/[^/?]*:80(?:[/?]|$)/.test(text)) words.set('port', '80');
    words.set('user', decodeURIComponent(url.username));
    words.set('password', decodeURIComponent(url.password));
    words.set('dbname', decodeURIComponent(url.pathname.slice(1)));
  } catch {
    throw new SettingsError('connection_url cannot be parsed');
  }
  for (const [name, value] of url.searchParams) words.set(name, value);
  return words;
}

const WORD = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))/gy;

function wordsOfText(text: string): Map<string, string> {
  const words = new Map<string, string>();
  WORD.lastIndex = 0;
  let parsed = 0;
  for (let match = WORD.exec(text); match !== null; match = WORD.exec(text)) {
    const [, name = '', inQuotes, plain = ''] = match;
    words.set(name, (inQuotes ?? plain).replace(/\\(.)/g, '$1'));
    parsed = WORD.lastIndex;
  }
  if (text.slice(parsed).trim() === '') return words;
  if (words.size === 0) throw new NoAddressError('connection_url cannot be parsed');
  throw new SettingsError('connection_url cannot be parsed');
}

function encryptionOf(mode: string | undefined, tls: ConnectionOptions | undefined): Encryption {
  switch (mode) {
    case 'disable':
      return 'never';
    case undefined:
    case '':
    case 'allow':
    case 'prefer':
      return tls ?? 'if offered';
    case 'no-verify':
      return { ...tls, rejectUnauthorized: false };
    case 'verify-ca':
      return { ...tls, checkServerIdentity: () => undefined };
    case 'require':
    case 'verify-full':
      return tls ?? {};
    default:
      throw new SettingsError('unknown sslmode in connection_url');
  }
}
