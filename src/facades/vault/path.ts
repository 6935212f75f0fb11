/**
 * The one canonical form of a request path. It is computed once, here, and this same string is what routing, policies,
 * storage and audit use (CVE-2026-3605: two layers that decode differently let a glob grant reach its siblings).
 *
 * Percent-encoding is decoded exactly once, `%2F` included: a slash is a separator however it was written. Refused are
 * `.` and `..` segments in any spelling, empty segments, unprintable characters, bytes that are not UTF-8, and text that
 * would decode a second time into a separator or a dot.
 */
import { invalidRequest } from '../../model/errors.ts';

/** Characters that mean themselves and need no further look (RFC 3986 §3.3, pchar without percent-encoding). */
const PLAIN = /^[\w\-.~!$&'()*+,;=:@/]*$/;
/** What Go's unicode.IsPrint refuses: anything but letters, marks, numbers, punctuation, symbols and the ASCII space. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
const NOT_ASCII = /[^\x20-\x7e]/;
/** A segment `.` or `..`; a backslash separates too, since some layers below might think so. */
const DOT_SEGMENT = /(?:^|[/\\])\.{1,2}(?:[/\\]|$)/;
const ENCODED_TWICE = /%(?:2e|2f|5c|00)/i;

const OCSP_SEGMENT = '/ocsp/';
const BASE64_TEXT = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * The decoded, checked form of a path as it stands in the request target (without the query).
 * @throws {RequestError} 400 when the path has no canonical form
 */
export function canonicalPath(raw: string): string {
  let path = raw;
  if (!PLAIN.test(raw)) {
    path = decodeOnce(raw);
    if (UNPRINTABLE.test(path)) {
      throw invalidRequest('path contains unprintable characters', { statusOnly: true });
    }
    if (ENCODED_TWICE.test(path)) throw invalidRequest('path is encoded twice');
  }
  if (DOT_SEGMENT.test(path)) throw invalidRequest('relative paths not supported');
  if (path.includes('//') && !isOcspRequest(path)) {
    throw invalidRequest('path contains an empty segment');
  }
  return path;
}

function decodeOnce(raw: string): string {
  if (NOT_ASCII.test(raw)) throw invalidRequest('path contains unprintable characters');
  try {
    // Throws on a stray '%', on overlong forms and on every other byte sequence that is not UTF-8.
    return decodeURIComponent(raw);
  } catch {
    throw invalidRequest('path is not properly percent-encoded');
  }
}

/**
 * An OCSP request by GET carries its DER in base64 at the end of the path (RFC 6960 appendix A.1), and base64 may hold `//`.
 * Its alphabet has neither dots nor backslashes, so that nothing but an OCSP request can be spelled that way.
 */
function isOcspRequest(path: string): boolean {
  const at = path.indexOf(OCSP_SEGMENT);
  if (at < 0 || path.slice(0, at).includes('//')) return false;
  return BASE64_TEXT.test(path.slice(at + OCSP_SEGMENT.length));
}

/**
 * The canonical form of the `X-Vault-Namespace` header: `''` for the root namespace, else `a/b/`. Undefined when the text
 * can name no namespace. The word `root` means the root namespace here, and only here: as a path element it is an ordinary
 * name (CVE-2026-55775).
 */
export function canonicalNamespace(header: string): string | undefined {
  const name = header.replace(/^\/+/, '').replace(/\/+$/, '');
  if (name === '' || name === 'root') return '';
  if (name.includes('//') || DOT_SEGMENT.test(name) || NOT_ASCII.test(name)) return undefined;
  return `${name}/`;
}
