/** `otpauth://totp/…` addresses, as authenticator apps read and show them. */

/** What an address says; what it leaves out is undefined. Nothing is checked yet. */
export interface KeyUri {
  readonly issuer: string | undefined;
  readonly accountName: string;
  readonly secret: string;
  readonly period: string | undefined;
  readonly digits: string | undefined;
  readonly algorithm: string | undefined;
}

/** Undefined when the text is no address at all. */
export function parseKeyUri(text: string): KeyUri | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  let label: string;
  try {
    label = decodeURIComponent(url.pathname.replace(/^\/+/, ''));
  } catch {
    return undefined;
  }
  const colon = label.indexOf(':');
  const query = (name: string): string | undefined => url.searchParams.get(name) || undefined;
  return {
    issuer: query('issuer') ?? (colon < 0 ? undefined : label.slice(0, colon)),
    accountName: label.slice(colon + 1),
    secret: query('secret') ?? '',
    period: query('period'),
    digits: query('digits'),
    algorithm: query('algorithm'),
  };
}

export interface KeyUriParts {
  readonly issuer: string;
  readonly accountName: string;
  readonly secret: string;
  readonly periodSeconds: number;
  readonly digits: number;
  readonly algorithm: string;
}

/** A name in the path: an address stays legible there (RFC 3986 §3.3). */
function labelPart(name: string): string {
  return encoded(name, LABEL_CLEAR);
}

/** What stands in clear in the path of an address; in its query `&`, `+` and what parts it do not. */
const LABEL_CLEAR = /%(?:24|26|2B|2C|2F|3A|3B|3D|40)/g;
const QUERY_CLEAR = /%(?:24|3A|3D|40)/g;

function encoded(text: string, clear: RegExp): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll(clear, (each) => decodeURIComponent(each));
}

/** Names are percent-encoded, spaces too: apps read `+` as itself. */
export function formatKeyUri(parts: KeyUriParts): string {
  const label = `${labelPart(parts.issuer)}:${labelPart(parts.accountName)}`;
  const query = [
    ['algorithm', parts.algorithm],
    ['digits', String(parts.digits)],
    ['issuer', parts.issuer],
    ['period', String(parts.periodSeconds)],
    ['secret', parts.secret],
  ];
  const pairs = query.map(([name = '', value = '']) => `${name}=${encoded(value, QUERY_CLEAR)}`);
  return `otpauth://totp/${label}?${pairs.join('&')}`;
}
