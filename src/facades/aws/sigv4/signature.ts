/**
 * What a request says of its signature, in its Authorization header or in its query (a presigned URL), checked for form, scope
 * and time. Whether the signature holds is for the core to judge: this only says over what.
 */
import { Recent } from '../../../base/recent.ts';
import type { AccessKeyEvidence } from '../../../model/evidence.ts';
import type { WireRequest } from '../../facade.ts';
import { AwsError, BAD_SIGNATURE, signatureError } from '../errors.ts';
import type { Service } from '../errors.ts';
import { ALGORITHM, canonicalRequest, decoded, sha256Hex, stringToSign } from './canonical.ts';

export interface Signature {
  readonly credential: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** `yyyymmddThhmmssZ`. */
  readonly amzDate: string;
  readonly signedHeaders: readonly string[];
  readonly signature: Buffer;
  readonly sessionToken: string | undefined;
  /** Seconds that a presigned URL is good for; undefined in the header form. */
  readonly expiresSeconds: number | undefined;
}

/** How far clocks may differ, and so how long a signed request can be repeated. */
const SKEW_MS = 5 * 60_000;
const PRESIGNED_SECONDS_MAX = 7 * 24 * 3600;
const SIGNED_HEADERS_MAX = 64;
const KEPT_LISTS_MAX = 256;
const KEPT_LIST_LENGTH_MAX = 512;
const SIGNATURE = /^[0-9a-f]{64}$/;
const SCOPE = /^([A-Z0-9]{16,32})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request$/;
const AMZ_DATE = /^\d{8}T\d{6}Z$/;
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** They change what the request is: when one is there, it is signed, and there is only one. */
const MUST_BE_SIGNED = [
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-target',
  'x-amz-content-sha256',
];
const SINGLE: ReadonlyMap<string, number> = new Map(
  [
    'authorization',
    'host',
    'content-type',
    'x-amz-date',
    'x-amz-security-token',
    'x-amz-target',
    'x-amz-content-sha256',
  ].map((name, bit) => [name, 1 << bit]),
);

function incomplete(message: string): AwsError {
  return signatureError('IncompleteSignatureException', message);
}

/** @throws {AwsError} the signature is malformed */
export function readSignature(request: WireRequest): Signature {
  refuseRepeated(request.rawHeaders);
  const { authorization } = request.headers;
  const inHeader = typeof authorization === 'string' && authorization !== '';
  const query = queryOf(request.target);
  if (inHeader && query.has('X-Amz-Algorithm')) {
    throw incomplete('A request is signed in its header or in its query, not in both.');
  }
  const signature = inHeader ? fromHeader(request, authorization) : fromQuery(query);
  assertSignedHeaders(request, signature);
  return signature;
}

const NO_QUERY: ReadonlyMap<string, string> = new Map();

function refuseRepeated(raw: readonly string[]): void {
  let seen = 0;
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    const bit = SINGLE.get(name);
    if (bit === undefined) continue;
    if ((seen & bit) !== 0) throw incomplete(`Header ${name} must not be repeated.`);
    seen |= bit;
  }
}

/** Parameters of the query; of a repeated one the request is refused. */
export function queryOf(target: string): ReadonlyMap<string, string> {
  const question = target.indexOf('?');
  if (question < 0) return NO_QUERY;
  const found = new Map<string, string>();
  for (const part of target.slice(question + 1).split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decoded(equals < 0 ? part : part.slice(0, equals));
    if (found.has(name)) throw incomplete('A parameter of the query must not be repeated.');
    found.set(name, equals < 0 ? '' : decoded(part.slice(equals + 1)));
  }
  return found;
}

/** What Authorization is made of. */
const PARTS: readonly string[] = ['Credential', 'SignedHeaders', 'Signature'];

function fromHeader(request: WireRequest, authorization: string): Signature {
  const space = authorization.indexOf(' ');
  if (authorization.slice(0, space) !== ALGORITHM) {
    throw incomplete('Unsupported signing algorithm.');
  }
  const values: (string | undefined)[] = [undefined, undefined, undefined];
  for (const part of authorization.slice(space + 1).split(',')) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(equals, 0)).trim();
    const at = PARTS.indexOf(name);
    if (at < 0) throw incomplete('Authorization has parts that do not belong there.');
    if (values[at] !== undefined)
      throw incomplete(`${name} must not be repeated in Authorization.`);
    values[at] = part.slice(equals + 1).trim();
  }
  const [credential, signedHeaders, signature] = values;
  return parsed({
    credential,
    signedHeaders,
    signature,
    amzDate: textOf(request.headers['x-amz-date']),
    sessionToken: textOf(request.headers['x-amz-security-token']),
    expires: undefined,
  });
}

function fromQuery(query: ReadonlyMap<string, string>): Signature {
  if (!query.has('X-Amz-Algorithm')) {
    throw signatureError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  if (query.get('X-Amz-Algorithm') !== ALGORITHM)
    throw incomplete('Unsupported signing algorithm.');
  return parsed({
    credential: query.get('X-Amz-Credential'),
    signedHeaders: query.get('X-Amz-SignedHeaders'),
    signature: query.get('X-Amz-Signature'),
    amzDate: query.get('X-Amz-Date'),
    sessionToken: query.get('X-Amz-Security-Token'),
    expires: query.get('X-Amz-Expires') ?? '',
  });
}

interface Sent {
  readonly credential: string | undefined;
  readonly signedHeaders: string | undefined;
  readonly signature: string | undefined;
  readonly amzDate: string | undefined;
  readonly sessionToken: string | undefined;
  readonly expires: string | undefined;
}

function parsed(sent: Sent): Signature {
  const scope = SCOPE.exec(sent.credential ?? '');
  if (scope === null) {
    throw incomplete('Credential must be KEY/yyyymmdd/region/service/aws4_request.');
  }
  const [, credential = '', date = '', region = '', service = ''] = scope;
  const amzDate = sent.amzDate ?? '';
  if (!AMZ_DATE.test(amzDate)) {
    throw incomplete(
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    );
  }
  if (!amzDate.startsWith(date)) {
    throw signatureError(
      'InvalidSignatureException',
      'Date in Credential scope does not match the date of the request.',
    );
  }
  if (!SIGNATURE.test(sent.signature ?? ''))
    throw incomplete('Signature must be 64 hexadecimal digits.');
  return {
    credential,
    date,
    region,
    service,
    amzDate,
    signedHeaders: headerList(sent.signedHeaders ?? ''),
    signature: Buffer.from(sent.signature ?? '', 'hex'),
    sessionToken: sent.sessionToken === '' ? undefined : sent.sessionToken,
    expiresSeconds: sent.expires === undefined ? undefined : expiresOf(sent.expires),
  };
}

/** Lists that were found to be proper: a client sends the same one with each request. */
const headerLists = new Recent<readonly string[]>(KEPT_LISTS_MAX);

function headerList(text: string): readonly string[] {
  const known = headerLists.get(text);
  if (known !== undefined) return known;
  const names = text.split(';');
  const sorted = names.every(
    (name, index) => HEADER_NAME.test(name) && (index === 0 || (names[index - 1] ?? '') < name),
  );
  if (!sorted || names.length > SIGNED_HEADERS_MAX) {
    throw incomplete('SignedHeaders must be lower-case names in order.');
  }
  if (text.length <= KEPT_LIST_LENGTH_MAX) headerLists.set(text, names);
  return names;
}

function expiresOf(text: string): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > PRESIGNED_SECONDS_MAX) {
    throw incomplete('X-Amz-Expires must be between 1 and 604800 seconds.');
  }
  return seconds;
}

function assertSignedHeaders(request: WireRequest, { signedHeaders }: Signature): void {
  if (!signedHeaders.includes('host')) throw incomplete("'Host' must be a signed header.");
  for (const name of MUST_BE_SIGNED) {
    if (request.headers[name] !== undefined && !signedHeaders.includes(name)) {
      throw incomplete(`'${name}' must be a signed header.`);
    }
  }
  for (const name of signedHeaders) {
    if (request.headers[name] === undefined) {
      throw signatureError('InvalidSignatureException', BAD_SIGNATURE);
    }
  }
}

function millis(amzDate: string): number {
  const number = (from: number, to: number): number => Number(amzDate.slice(from, to));
  return Date.UTC(
    number(0, 4),
    number(4, 6) - 1,
    number(6, 8),
    number(9, 11),
    number(11, 13),
    number(13, 15),
  );
}

function amzTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

/** @throws {AwsError} too old, from the future, or for another service */
export function checkScope(signature: Signature, service: Service, nowMs: number): void {
  const { amzDate, expiresSeconds } = signature;
  if (signature.service !== service) {
    throw signatureError(
      'InvalidSignatureException',
      `Credential should be scoped to correct service: '${service}'.`,
    );
  }
  const signedMs = millis(amzDate);
  if (signedMs - nowMs > SKEW_MS) {
    throw signatureError(
      'InvalidSignatureException',
      `Signature not yet current: ${amzDate} is still later than ${amzTime(nowMs + SKEW_MS)} (${amzTime(nowMs)} + 5 min.)`,
    );
  }
  const lifeMs = expiresSeconds === undefined ? SKEW_MS : expiresSeconds * 1000;
  if (nowMs - signedMs > lifeMs) {
    const life = expiresSeconds === undefined ? '5 min.' : `${expiresSeconds} s`;
    throw signatureError(
      'InvalidSignatureException',
      `Signature expired: ${amzDate} is now earlier than ${amzTime(nowMs - lifeMs)} (${amzTime(nowMs)} - ${life})`,
    );
  }
}

/** What the core is to judge: the signature, and the text that it must be one of. @throws {AwsError} the body is another */
export function evidenceOf(
  request: WireRequest,
  signature: Signature,
  body: Buffer,
): AccessKeyEvidence {
  const bodyHash = sha256Hex(body);
  const announced = request.headers['x-amz-content-sha256'];
  if (announced !== undefined && announced !== bodyHash) {
    throw signatureError('InvalidSignatureException', BAD_SIGNATURE);
  }
  const { method, target, rawHeaders } = request;
  const { credential, date, region, service, amzDate, signedHeaders, sessionToken } = signature;
  const canonical = canonicalRequest({ method, target, rawHeaders, signedHeaders, bodyHash });
  const scope = `${date}/${region}/${service}/aws4_request`;
  return {
    kind: 'access-key',
    credential,
    scope: [date, region, service],
    text: stringToSign(amzDate, scope, canonical),
    signature: signature.signature,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}

function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
