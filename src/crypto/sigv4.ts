/** AWS Signature Version 4 over a request's headers: what is signed, and the signature of it. */
import { createHash, createHmac } from 'node:crypto';

export interface SignableRequest {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case, `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export interface SigV4Scope {
  /** `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** As RFC 3986 has it: everything but unreserved characters. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => [encoded(name), encoded(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');
}

/** The signature, hex. @param timestamp as in `x-amz-date`: `YYYYMMDDTHHMMSSZ` */
export function sigV4Signature(
  request: SignableRequest,
  signedHeaders: readonly string[],
  timestamp: string,
  scope: SigV4Scope,
  secretKey: string,
): string {
  const names = [...signedHeaders].sort();
  const lines = names.map(
    (name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`,
  );
  const canonical = [
    request.method,
    request.url.pathname,
    canonicalQuery(request.url),
    lines.join(''),
    names.join(';'),
    sha256(request.body),
  ].join('\n');
  const { date, region, service } = scope;
  const scopeText = `${date}/${region}/${service}/aws4_request`;
  const text = [ALGORITHM, timestamp, scopeText, sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${secretKey}`, date), region), service), 'aws4_request');
  return hmac(key, text).toString('hex');
}

export interface SigV4Authorization {
  readonly accessKey: string;
  readonly scope: SigV4Scope;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([\w./-]{1,256}), ?SignedHeaders=([a-z\d;-]{1,1024}), ?Signature=([\da-f]{64})$/;

/** Takes an `authorization` header apart; undefined when it is none of this kind. */
export function parseSigV4(header: string): SigV4Authorization | undefined {
  const match = AUTHORIZATION.exec(header.trim());
  const parts = match?.[1]?.split('/') ?? [];
  const [accessKey, date, region, service, end] = parts;
  if (parts.length !== 5 || end !== 'aws4_request') return undefined;
  if (!accessKey || !date || !region || !service) return undefined;
  return {
    accessKey,
    scope: { date, region, service },
    signedHeaders: (match?.[2] ?? '').split(';'),
    signature: match?.[3] ?? '',
  };
}

export interface AwsCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** '' = none. */
  readonly sessionToken: string;
}

/** The headers of a request, `authorization` among them. */
export function signSigV4(
  request: Omit<SignableRequest, 'headers'> & { readonly headers?: SignableRequest['headers'] },
  credentials: AwsCredentials,
  options: { readonly region: string; readonly service: string; readonly nowMs: number },
): Record<string, string> {
  const timestamp = new Date(options.nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = { ...options, date: timestamp.slice(0, 8) };
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.url.host,
    'x-amz-date': timestamp,
    ...(credentials.sessionToken === ''
      ? {}
      : { 'x-amz-security-token': credentials.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const signable = { ...request, headers };
  const signature = sigV4Signature(signable, names, timestamp, scope, credentials.secretKey);
  const credential = `${credentials.accessKey}/${scope.date}/${scope.region}/${scope.service}/aws4_request`;
  const authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { ...headers, authorization };
}
