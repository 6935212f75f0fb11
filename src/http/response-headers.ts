/** The operator's own response headers (`custom_response_headers`): for all replies, for a class of statuses, for one status. */
import { http } from '../base/node-http.ts';

/** Keys are `default`, a class such as `4xx`, or a status such as `404`; values of one header are joined with `; `. */
export type CustomResponseHeaders = Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
>;

export type HeadersForStatus = (status: number) => Readonly<Record<string, string>> | undefined;

/** Headers that replies set themselves and that no operator may override. */
const RESERVED: ReadonlySet<string> = new Set([
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'date',
  'transfer-encoding',
]);
const RESERVED_PREFIX = 'x-vault-';
const STATUS_KEY = /^(?:default|[1-5]xx|[1-5]\d\d)$/;

/** @throws {RangeError} when a key is no status or class, or a header may not be set */
export function customHeaders(custom: CustomResponseHeaders, hostname?: string): HeadersForStatus {
  const byKey = new Map<string, Readonly<Record<string, string>>>();
  for (const [key, headers] of Object.entries(custom)) {
    if (!STATUS_KEY.test(key))
      throw new RangeError(`custom_response_headers: not a status: ${key}`);
    byKey.set(key, checkedHeaders(headers));
  }
  if (hostname !== undefined) {
    byKey.set('default', { ...byKey.get('default'), 'x-vault-hostname': hostname });
  }
  if (byKey.size === 0) return () => undefined;
  const byStatus = new Map<number, Readonly<Record<string, string>>>();
  return (status) => {
    let headers = byStatus.get(status);
    if (headers === undefined) {
      headers = {
        ...byKey.get('default'),
        ...byKey.get(`${Math.floor(status / 100)}xx`),
        ...byKey.get(String(status)),
      };
      byStatus.set(status, headers);
    }
    return headers;
  };
}

function checkedHeaders(
  headers: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, string>> {
  const checked: Record<string, string> = {};
  for (const [name, values] of Object.entries(headers)) {
    const value = values.join('; ');
    const lower = name.toLowerCase();
    if (RESERVED.has(lower) || lower.startsWith(RESERVED_PREFIX)) {
      throw new RangeError(`custom_response_headers: ${name} may not be set`);
    }
    try {
      http.validateHeaderName(name);
      http.validateHeaderValue(name, value);
    } catch {
      throw new RangeError(`custom_response_headers: not a header: ${JSON.stringify(name)}`);
    }
    checked[name] = value;
  }
  return checked;
}
