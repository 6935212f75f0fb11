/** What the Vault protocol reads from request headers: token, wrapping, namespace. Nothing is judged here. */
import { parseDecimalInteger, parseSeconds } from '../../base/duration.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { WireRequest } from '../facade.ts';
import { parseBool } from './query.ts';

type Headers = WireRequest['headers'];

/**
 * Headers of which a second one is refused: Node.js joins or drops repeated headers silently, and a proxy in front may have
 * looked at the other value.
 */
const SINGLE: ReadonlySet<string> = new Set([
  'authorization',
  'content-type',
  'host',
  'x-vault-inline-auth-namespace',
  'x-vault-inline-auth-operation',
  'x-vault-inline-auth-path',
  'x-vault-namespace',
  'x-vault-policy-override',
  'x-vault-token',
  'x-vault-wrap-format',
  'x-vault-wrap-ttl',
]);

/**
 * Headers that never reach the core: credentials, and what only a trusted proxy may say about a client's certificate
 * (RFC 9440 and its predecessors).
 */
const WITHHELD: ReadonlySet<string> = new Set([
  'client-cert',
  'client-cert-chain',
  'cookie',
  'proxy-authorization',
  'ssl-client-cert',
  'x-amzn-mtls-clientcert',
  'x-amzn-mtls-clientcert-leaf',
  'x-client-cert',
  'x-forwarded-client-cert',
  'x-forwarded-tls-client-cert',
  'x-processed-tls-client-certificate',
  'x-ssl-cert',
  'x-ssl-client-cert',
  'x-tls-client-cert',
  'x-vault-mfa',
  'x-vault-token',
]);
const WITHHELD_PREFIX = 'x-vault-inline-auth-';
const BEARER = 'Bearer ';

/** @throws {RequestError} 400 when a header that may occur once occurs twice */
export function refuseRepeatedHeaders(request: WireRequest): void {
  const raw = request.rawHeaders;
  // Every distinct header is one key: equal counts mean that nothing was repeated.
  if (raw.length === 2 * Object.keys(request.headers).length) return;
  const seen = new Set<string>();
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    if (SINGLE.has(name) && seen.has(name)) {
      throw invalidRequest(`header ${name} must not be repeated`);
    }
    seen.add(name);
  }
}

export function headerText(headers: Headers, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

/** `X-Vault-Token`, else the token of `Authorization: Bearer` (RFC 6750); undefined when neither is there. */
export function tokenOf(headers: Headers): string | undefined {
  const token = headers['x-vault-token'];
  if (typeof token === 'string' && token !== '') return token;
  const authorization = headers['authorization'];
  if (typeof authorization !== 'string' || !authorization.startsWith(BEARER)) return undefined;
  const bearer = authorization.slice(BEARER.length).trim();
  return bearer === '' ? undefined : bearer;
}

/** Requested wrapping TTL in seconds, 0 = none. @throws {RequestError} */
export function wrapTtlOf(headers: Headers): number {
  const text = headerText(headers, 'x-vault-wrap-ttl');
  if (text === '') return 0;
  const seconds = parseSeconds(text);
  if (seconds === undefined) {
    throw invalidRequest('error parsing X-Vault-Wrap-TTL header: invalid duration');
  }
  if (seconds < 0 || text.startsWith('-')) {
    throw invalidRequest(
      'error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative',
    );
  }
  // A positive time below one second must not turn into "not wrapped".
  return seconds === 0 && parseDecimalInteger(text) === undefined && /[1-9]/.test(text)
    ? 1
    : seconds;
}

export function wrapFormatOf(headers: Headers): '' | 'jwt' {
  return headers['x-vault-wrap-format'] === 'jwt' ? 'jwt' : '';
}

/** Headers that are read and refused when malformed, though nothing depends on them here. @throws {RequestError} */
export function checkIdleHeaders(headers: Headers): void {
  const override = headerText(headers, 'x-vault-policy-override');
  if (override !== '' && parseBool(override) === undefined) {
    throw invalidRequest('failed to parse X-Vault-Policy-Override header: not a boolean');
  }
  const mfa = headerText(headers, 'x-vault-mfa');
  if (mfa.startsWith(':') || mfa.endsWith(':')) {
    throw invalidRequest('failed to parse X-Vault-MFA header: missing method name or value');
  }
}

/** All request headers but credentials, for mounts that name some to pass through and for audit (CVE-2026-4525). */
export function passableHeaders(headers: Headers): Readonly<Record<string, string>> {
  const passable = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || WITHHELD.has(name) || name.startsWith(WITHHELD_PREFIX)) continue;
    const text = typeof value === 'string' ? value : value.join(', ');
    if (name === 'authorization' && text.slice(0, 6).toLowerCase() === 'bearer') continue;
    passable[name] = text;
  }
  return passable;
}

const NOTHING_SHOWN: ReadonlyMap<string, readonly string[]> = new Map();

/** `X-Vault-MFA: method:code`, once for each code or with commas between; without a code the method needs none. */
export function secondFactorOf(headers: Headers): ReadonlyMap<string, readonly string[]> {
  // Node.js joins repeated ones with commas, as proxies do (RFC 9110 §5.3); no code has one in it.
  const header = headerText(headers, 'x-vault-mfa');
  if (header === '') return NOTHING_SHOWN;
  const shown = new Map<string, readonly string[]>();
  for (const text of header.split(',').map((part) => part.trim())) {
    if (text === '') continue;
    const colon = text.indexOf(':');
    const method = colon < 0 ? text : text.slice(0, colon);
    const codes = colon < 0 ? [] : [text.slice(colon + 1)];
    shown.set(method, [...(shown.get(method) ?? []), ...codes]);
  }
  return shown;
}
