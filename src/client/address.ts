/** Where the server is: `https://host:8200`, `http://…`, or `unix:///path/to/socket`. */

export const DEFAULT_ADDRESS = 'https://127.0.0.1:8200';

export interface Address {
  /** What the caller wrote. */
  readonly text: string;
  /** Base of every request URL; for a socket its host is only a placeholder. */
  readonly url: URL;
  readonly socketPath: string | undefined;
}

/**
 * @throws {TypeError} when the text is no such address; the message repeats only the scheme, since an address may hold a password.
 */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix://')) {
    const socketPath = text.slice('unix://'.length);
    if (socketPath === '') throw new TypeError('the unix:// address names no socket');
    return { text, url: new URL('http://localhost/'), socketPath };
  }
  let url: URL;
  try {
    url = new URL(text.includes('://') ? text : `https://${text}`);
  } catch {
    throw new TypeError('the server address is not a URL such as https://127.0.0.1:8200');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`the server address has the unknown scheme ${url.protocol.slice(0, 16)}`);
  }
  return { text, url, socketPath: undefined };
}

/** Characters that encodeURIComponent escapes and a path need not (RFC 3986 §3.3 pchar), and the reverse. */
const KEEP = new Map([
  ['%24', '$'],
  ['%26', '&'],
  ['%2B', '+'],
  ['%2C', ','],
  ['%3A', ':'],
  ['%3B', ';'],
  ['%3D', '='],
  ['%40', '@'],
]);

/** Percent-encodes a path as the reference client does, so that both ask for the same bytes; slashes stay. */
export function encodePath(path: string): string {
  return path
    .toWellFormed()
    .split('/')
    .map((segment) =>
      encodeURIComponent(segment)
        .replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, (escape) => KEEP.get(escape) ?? escape)
        .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join('/');
}

/** Lexical clean-up of a slash path, as `path.Join` does: no empty, `.` or `..` segments remain. */
export function joinPath(...parts: string[]): string {
  const segments: string[] = [];
  for (const segment of parts
    .filter((part) => part !== '')
    .join('/')
    .split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments.join('/');
}

/** Query parameters that may be shown: they page through a list and hold no data. */
const PLAIN_PARAMETERS = new Set(['list', 'scan', 'after', 'limit', 'version', 'help']);

/** A URL without what may be secret in it: user, password, data in the query. */
export function shownUrl(url: URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  for (const name of Array.from(shown.searchParams.keys())) {
    if (!PLAIN_PARAMETERS.has(name)) shown.searchParams.delete(name);
  }
  return shown.href;
}
