/**
 * The connection string as PostgreSQL's own tools read it (libpq §34.1.1): a URL or `name=value` pairs, one or several hosts, and
 * `sslmode` with its meaning there. Nothing of it but hosts ever reaches a log or an error.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { StorageError } from '../storage.ts';

/** One server to try. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionPlan {
  readonly targets: readonly Target[];
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly tls: TlsPlan;
  /** Server settings for each session (`-c name=value …`); most poolers refuse them. */
  readonly sessionOptions: string | undefined;
  readonly applicationName: string;
  readonly connectMsMax: number;
}

export interface TlsPlan {
  /** `prefer`: with TLS if the server has it. */
  readonly mode: 'disable' | 'prefer' | 'require';
  /** What the certificate must prove: nothing, its authority, or also the host's name. */
  readonly verify: 'nothing' | 'authority' | 'name';
  /** PEM. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

const PORT_DEFAULT = 5432;
const CONNECT_MS_DEFAULT = 5_000;
const HOSTS_MAX = 16;
const APPLICATION_NAME = 'strongroom';

/** `sslmode` as libpq has it: [mode, what is verified]. */
const SSL_MODES: Readonly<Record<string, readonly [TlsPlan['mode'], TlsPlan['verify']]>> = {
  disable: ['disable', 'nothing'],
  allow: ['prefer', 'nothing'],
  prefer: ['prefer', 'nothing'],
  require: ['require', 'nothing'],
  'verify-ca': ['require', 'authority'],
  'verify-full': ['require', 'name'],
};

/** Parameters that change nothing here: other drivers' pools, and what this program decides itself. */
const IGNORED = new Set([
  'client_encoding',
  'fallback_application_name',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'target_session_attrs',
  'gssencmode',
  'default_query_exec_mode',
  'pool_max_conns',
  'pool_min_conns',
  'pool_max_conn_lifetime',
  'pool_max_conn_idle_time',
]);
const KNOWN = new Set([
  'host',
  'hostaddr',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'options',
  'search_path',
  'application_name',
  'connect_timeout',
]);

/**
 * @param text of the configuration.
 * @param environment gives user and password where the string has none.
 * @param readFile reads certificates and keys.
 * @throws {StorageError} it cannot be understood; the text names the parameter, never a value.
 */
export function parseConnectionUrl(
  text: string,
  environment: Readonly<Record<string, string | undefined>> = {},
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): ConnectionPlan {
  const parameters = /^postgres(ql)?:\/\//.test(text) ? parametersOfUrl(text) : pairs(text);
  for (const name of parameters.keys()) {
    if (!KNOWN.has(name) && !IGNORED.has(name)) {
      throw new StorageError(`connection_url: unknown parameter ${name}`);
    }
  }
  const database = parameters.get('dbname') ?? '';
  const user = parameters.get('user') || (environment['PGUSER'] ?? userInfo().username);
  return {
    targets: targetsOf(parameters),
    user,
    password: parameters.get('password') ?? environment['PGPASSWORD'],
    database: database === '' ? user : database,
    tls: tlsOf(parameters, readFile),
    sessionOptions: sessionOptions(parameters),
    applicationName: parameters.get('application_name') ?? APPLICATION_NAME,
    connectMsMax: connectMs(parameters.get('connect_timeout')),
  };
}

/** How `node:tls` is to judge the server's certificate. */
export function tlsOptions(tls: TlsPlan, host: string): ConnectionOptions {
  return {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(isIP(host) === 0 && !host.startsWith('/') ? { servername: host } : {}),
    rejectUnauthorized: tls.verify !== 'nothing',
    ...(tls.verify === 'name' ? {} : { checkServerIdentity: () => undefined }),
  };
}

function parametersOfUrl(text: string): Map<string, string> {
  // Several hosts are no URL in the WHATWG sense, so the parts are taken apart by hand.
  const match = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(
    text,
  );
  if (match === null) throw new StorageError('connection_url is no PostgreSQL URL');
  const [, credentials = '', hosts = '', database = '', query = ''] = match;
  const parameters = new Map<string, string>();
  const colon = credentials.indexOf(':');
  const user = colon < 0 ? credentials : credentials.slice(0, colon);
  if (user !== '') parameters.set('user', decode(user, 'user'));
  if (colon >= 0) parameters.set('password', decode(credentials.slice(colon + 1), 'password'));
  if (database !== '') parameters.set('dbname', decode(database, 'dbname'));
  const names: string[] = [];
  const ports: string[] = [];
  for (const each of hosts === '' ? [] : hosts.split(',')) {
    const [host, port] = splitHost(each);
    names.push(decode(host, 'host'));
    ports.push(port);
  }
  if (names.length > 0) {
    parameters.set('host', names.join(','));
    parameters.set('port', ports.join(','));
  }
  for (const [name, value] of new URLSearchParams(query)) parameters.set(name, value);
  return parameters;
}

function splitHost(text: string): [string, string] {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(text);
  if (match === null) throw new StorageError('connection_url: a host cannot be understood');
  return [match[1] ?? match[2] ?? '', match[3] ?? ''];
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new StorageError(`connection_url: ${what} is not percent-encoded`);
  }
}

/** `name = value` pairs; a value may stand in single quotes, with `\` before `'` and `\`. */
function pairs(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/y;
  while (pair.lastIndex < text.trimEnd().length) {
    const match = pair.exec(text);
    if (match === null) {
      throw new StorageError('connection_url is neither a URL nor name=value pairs');
    }
    const value = match[2] ?? match[3] ?? '';
    parameters.set(match[1] ?? '', value.replace(/\\(.)/gs, '$1'));
  }
  return parameters;
}

function targetsOf(parameters: ReadonlyMap<string, string>): Target[] {
  const hosts = (parameters.get('hostaddr') ?? parameters.get('host') ?? 'localhost').split(',');
  const ports = (parameters.get('port') ?? '').split(',');
  if (hosts.length > HOSTS_MAX)
    throw new StorageError(`connection_url: more than ${HOSTS_MAX} hosts`);
  return hosts.map((host, index) => {
    const text = (ports.length === 1 ? ports[0] : ports[index]) ?? '';
    const port = text === '' ? PORT_DEFAULT : Number(text);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new StorageError('connection_url: a port is no port');
    }
    return { host: host === '' ? 'localhost' : host, port };
  });
}

function tlsOf(
  parameters: ReadonlyMap<string, string>,
  readFile: (path: string) => string,
): TlsPlan {
  const name = parameters.get('sslmode') ?? 'prefer';
  const found = Object.hasOwn(SSL_MODES, name) ? SSL_MODES[name] : undefined;
  if (found === undefined) throw new StorageError('connection_url: unknown sslmode');
  const [mode, verify] = found;
  const file = (parameter: string): string | undefined => {
    const path = parameters.get(parameter);
    if (path === undefined || path === '' || path === 'system') return undefined;
    try {
      return readFile(path);
    } catch (error) {
      throw new StorageError(`connection_url: the file of ${parameter} cannot be read`, {
        cause: error,
      });
    }
  };
  const ca = file('sslrootcert');
  return {
    mode,
    // As libpq: with an authority named, `require` verifies it.
    verify: verify === 'nothing' && mode === 'require' && ca !== undefined ? 'authority' : verify,
    ca,
    cert: file('sslcert'),
    key: file('sslkey'),
  };
}

function sessionOptions(parameters: ReadonlyMap<string, string>): string | undefined {
  const path = parameters.get('search_path');
  const parts = [
    parameters.get('options'),
    path === undefined ? undefined : `-csearch_path=${path.replace(/([\\ ])/g, '\\$1')}`,
  ];
  const text = parts.filter((part) => part !== undefined && part !== '').join(' ');
  return text === '' ? undefined : text;
}

function connectMs(text: string | undefined): number {
  if (text === undefined || text === '') return CONNECT_MS_DEFAULT;
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds < 0) {
    throw new StorageError('connection_url: connect_timeout is no number of seconds');
  }
  return seconds === 0 ? CONNECT_MS_DEFAULT : Math.max(1, seconds) * 1000;
}
