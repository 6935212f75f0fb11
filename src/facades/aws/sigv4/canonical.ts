/**
 * The canonical request and the string to sign of AWS Signature Version 4, over a request as it was received.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { hash } from 'node:crypto';

export interface CanonicalParts {
  readonly method: string;
  /** Request target as sent, query included. */
  readonly target: string;
  /** Names and values as they came, alternating. */
  readonly rawHeaders: readonly string[];
  readonly signedHeaders: readonly string[];
  /** Hex SHA-256 of the body. */
  readonly bodyHash: string;
}

export const ALGORITHM = 'AWS4-HMAC-SHA256';
/** Left out of the canonical query: it holds what is being checked. */
const SIGNATURE_PARAMETER = 'X-Amz-Signature';

export function sha256Hex(data: string | Buffer): string {
  return hash('sha256', data, 'hex');
}

export function stringToSign(amzDate: string, scope: string, canonical: string): string {
  return `${ALGORITHM}\n${amzDate}\n${scope}\n${sha256Hex(canonical)}`;
}

export function canonicalRequest(parts: CanonicalParts): string {
  const { method, target, signedHeaders } = parts;
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const query = question < 0 ? '' : canonicalQuery(target.slice(question + 1));
  const headers = canonicalHeaders(parts.rawHeaders, signedHeaders);
  return `${method}\n${canonicalPath(path)}\n${query}\n${headers}\n${signedHeaders.join(';')}\n${parts.bodyHash}`;
}

/** Normalised (RFC 3986 §5.2.4), then encoded once more, as all services but S3 do. */
function canonicalPath(path: string): string {
  if (path === '/' || path === '') return '/';
  const kept: string[] = [];
  const segments = path.split('/');
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(encodeRfc3986(segment));
  }
  const last = segments.at(-1);
  const folder = kept.length > 0 && (last === '' || last === '.' || last === '..');
  return `/${kept.join('/')}${folder ? '/' : ''}`;
}

function canonicalQuery(query: string): string {
  const pairs: (readonly [string, string])[] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decoded(equals < 0 ? part : part.slice(0, equals));
    if (name === SIGNATURE_PARAMETER) continue;
    const value = equals < 0 ? '' : decoded(part.slice(equals + 1));
    pairs.push([encodeRfc3986(name), encodeRfc3986(value)]);
  }
  return pairs
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** What cannot be decoded is signed as it stands. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function encodeRfc3986(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function canonicalHeaders(raw: readonly string[], signed: readonly string[]): string {
  const values: (string | undefined)[] = signed.map(() => undefined);
  for (let index = 0; index < raw.length; index += 2) {
    const at = signed.indexOf((raw[index] ?? '').toLowerCase());
    if (at < 0) continue;
    const value = trimmed(raw[index + 1] ?? '');
    const before = values[at];
    values[at] = before === undefined ? value : `${before},${value}`;
  }
  let text = '';
  for (let at = 0; at < signed.length; at++) text += `${signed[at] ?? ''}:${values[at] ?? ''}\n`;
  return text;
}

/** Without white space around it, and single spaces inside. */
function trimmed(value: string): string {
  const inner = value.trim();
  return inner.includes('  ') ? inner.replace(/ {2,}/g, ' ') : inner;
}
