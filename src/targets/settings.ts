/** Reads connection settings as leniently as Vault's clients write them, and fills credentials into addresses. */
import type { ConnectionOptions } from 'node:tls';
import { MismatchError, toBool, toInt, toSignedSeconds, toText } from '../base/coerce.ts';
import type { JsonObject } from '../base/json.ts';
import { CONNECTIONS_DEFAULT, CONNECTIONS_MAX, SettingsError } from './database.ts';

function read<T>(settings: JsonObject, name: string, parse: (value: never) => T): T | undefined {
  if (!Object.hasOwn(settings, name)) return undefined;
  const value = settings[name];
  if (value === undefined || value === null) return undefined;
  try {
    return parse(value as never);
  } catch (error) {
    if (error instanceof MismatchError) throw new SettingsError(`${name}: ${error.message}`);
    throw error;
  }
}

export function textSetting(settings: JsonObject, name: string): string {
  return read(settings, name, toText) ?? '';
}

export function flagSetting(settings: JsonObject, name: string): boolean {
  return read(settings, name, toBool) ?? false;
}

export function numberSetting(settings: JsonObject, name: string): number {
  return read(settings, name, toInt) ?? 0;
}

/** How many connections may be open at once. */
export function poolSize(settings: JsonObject): number {
  // Connections end when they are idle; the setting is kept for clients that send it, and judged as they know it.
  read(settings, 'max_connection_lifetime', toSignedSeconds);
  const wanted = numberSetting(settings, 'max_open_connections');
  return wanted <= 0 ? CONNECTIONS_DEFAULT : Math.min(wanted, CONNECTIONS_MAX);
}

const PLACES = /\{\{(username|password)\}\}/g;

/**
 * Puts user name and password into `connection_url`.
 * @throws {SettingsError}
 */
export function filledAddress(settings: JsonObject, escape: (text: string) => string): string {
  const address = textSetting(settings, 'connection_url');
  if (address === '') throw new SettingsError('connection_url cannot be empty');
  const [username, password] = credentialsOf(settings);
  // Each place is filled once: a password that looks like one is no place.
  return address.replace(PLACES, (_all, name) => escape(name === 'username' ? username : password));
}

export function credentialsOf(settings: JsonObject): readonly [username: string, password: string] {
  return [textSetting(settings, 'username'), textSetting(settings, 'password')];
}

const PASSWORD_IN_ADDRESS = /^([a-z]+:\/\/)?([^:@/\s]*):(?!\{\{password\}\}@)([^@/\s]+)@/;

/** The same where names and values stand in the address: `password=…`. */
const PASSWORD_BY_NAME =
  /(password\s*=\s*)(?!'?\{\{password\}\}'?(?:[\s&]|$))('(?:[^'\\]|\\.)*'|[^\s&']+)/gi;

function addressIn(settings: JsonObject): string {
  const address = settings['connection_url'];
  return typeof address === 'string' ? address : '';
}

/** A password stands in the address itself, and not in its own place. */
export function holdsPassword(settings: JsonObject): boolean {
  const address = addressIn(settings);
  return PASSWORD_IN_ADDRESS.test(address) || address.search(PASSWORD_BY_NAME) >= 0;
}

/** The settings with a password in the address, if there is one, made unreadable. */
export function withoutPassword(settings: JsonObject): JsonObject {
  const address = addressIn(settings);
  if (address === '') return settings;
  const hidden = address
    .replace(PASSWORD_IN_ADDRESS, '$1$2:xxxxx@')
    .replace(PASSWORD_BY_NAME, '$1xxxxx');
  return { ...settings, connection_url: hidden };
}

/** TLS as set by `tls_ca`, `tls_certificate`, `private_key`, `tls_certificate_key`, `tls_server_name`, `tls_skip_verify`. */
export function tlsSettings(settings: JsonObject): ConnectionOptions | undefined {
  const ca = textSetting(settings, 'tls_ca');
  const both = textSetting(settings, 'tls_certificate_key');
  const cert = textSetting(settings, 'tls_certificate') || both;
  const key = textSetting(settings, 'private_key') || both;
  const servername = textSetting(settings, 'tls_server_name');
  const skips = flagSetting(settings, 'tls_skip_verify');
  if (ca === '' && cert === '' && key === '' && servername === '' && !skips) return undefined;
  return {
    ...(ca === '' ? {} : { ca }),
    ...(cert === '' ? {} : { cert }),
    ...(key === '' ? {} : { key }),
    ...(servername === '' ? {} : { servername }),
    ...(skips ? { rejectUnauthorized: false } : {}),
  };
}
