/** Client options from environment variables: `STRONGROOM_ADDR`, `BAO_ADDR`, `VAULT_ADDR` and so on, the first that is set. */
import type { ClientOptions } from './client.ts';
import type { TlsSettings } from './tls.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Looked up in this order. */
export const VARIABLE_PREFIXES = ['STRONGROOM_', 'BAO_', 'VAULT_'] as const;

/** The value of `name` ("ADDR") under the first prefix that has it; an empty one counts as unset. */
export function readVariable(environment: Environment, name: string): string | undefined {
  for (const prefix of VARIABLE_PREFIXES) {
    const value = environment[prefix + name];
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

/** Spellings of a boolean that Go's strconv.ParseBool takes. */
const BOOLEANS = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

export function parseBoolean(text: string): boolean | undefined {
  return BOOLEANS.get(text);
}

/** Milliseconds of each unit of a duration. */
const UNITS_MS = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
const DURATION_CHARS_MAX = 64;

/** Reads `90`, `90s`, `1h30m`, `2d` (a bare number is seconds); milliseconds, or `undefined` when it is none. */
export function parseDurationMs(text: string): number | undefined {
  if (text.length > DURATION_CHARS_MAX) return undefined;
  if (/^-?\d+$/.test(text)) return Number(text) * 1_000;
  const negative = text.startsWith('-');
  let rest = negative || text.startsWith('+') ? text.slice(1) : text;
  if (rest === '') return undefined;
  let totalMs = 0;
  while (rest !== '') {
    const part = /^(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d)/.exec(rest);
    if (part === null) return undefined;
    totalMs += Number(part[1]) * (UNITS_MS.get(part[2] ?? '') ?? 0);
    rest = rest.slice(part[0].length);
  }
  return negative ? -totalMs : totalMs;
}

/**
 * What the environment says about server, TLS, token and limits.
 * @throws {Error} naming the variable whose value cannot be read.
 */
export function optionsFromEnvironment(environment: Environment): ClientOptions {
  const get = (name: string): string | undefined => readVariable(environment, name);
  const timeout = get('CLIENT_TIMEOUT');
  const timeoutMs = timeout === undefined ? undefined : parseDurationMs(timeout);
  if (timeout !== undefined && timeoutMs === undefined) throw unreadable('CLIENT_TIMEOUT');
  const retries = get('MAX_RETRIES');
  if (retries !== undefined && !/^\d{1,6}$/.test(retries)) throw unreadable('MAX_RETRIES');
  const noRedirects = flag(environment, 'DISABLE_REDIRECTS');
  const proxy = proxySettings(environment);
  const mfa = get('MFA');
  const options = {
    address: get('AGENT_ADDR') ?? get('ADDR'),
    token: get('TOKEN'),
    namespace: get('NAMESPACE'),
    wrapTtl: get('WRAP_TTL'),
    tls: tlsSettings(environment),
    timeoutMs: timeoutMs === undefined || timeoutMs <= 0 ? undefined : timeoutMs,
    retriesMax: retries === undefined ? undefined : Number(retries),
    followRedirects: noRedirects === undefined ? undefined : !noRedirects,
    mfa: mfa === undefined ? undefined : [mfa],
    proxy,
  };
  return definedOnly(options);
}

function tlsSettings(environment: Environment): TlsSettings {
  return definedOnly({
    caFile: readVariable(environment, 'CACERT'),
    caPem: readVariable(environment, 'CACERT_BYTES'),
    caPath: readVariable(environment, 'CAPATH'),
    certFile: readVariable(environment, 'CLIENT_CERT'),
    keyFile: readVariable(environment, 'CLIENT_KEY'),
    serverName: readVariable(environment, 'TLS_SERVER_NAME'),
    skipVerify: flag(environment, 'SKIP_VERIFY'),
  });
}

function proxySettings(environment: Environment): Environment | undefined {
  const own = readVariable(environment, 'PROXY_ADDR') ?? readVariable(environment, 'HTTP_PROXY');
  if (own !== undefined) return { HTTP_PROXY: own, HTTPS_PROXY: own };
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'];
  return names.some((name) => (environment[name] ?? '') !== '') ? environment : undefined;
}

function flag(environment: Environment, name: string): boolean | undefined {
  const text = readVariable(environment, name);
  if (text === undefined) return undefined;
  const value = parseBoolean(text);
  if (value === undefined) throw unreadable(name);
  return value;
}

function unreadable(name: string): Error {
  return new Error(`could not parse VAULT_${name}`);
}

type Defined<Shape> = { [Key in keyof Shape]?: Exclude<Shape[Key], undefined> };

function definedOnly<Shape extends object>(shape: Shape): Defined<Shape> {
  return Object.fromEntries(
    Object.entries(shape).filter(([, value]) => value !== undefined),
  ) as Defined<Shape>;
}
