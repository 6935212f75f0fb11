/**
 * What AWS is asked: who signed a request (STS), and which id a principal has (IAM). A caller's request is taken apart and made
 * anew: only its signature and what that covers come from the caller (CVE-2020-16250, CVE-2025-11621).
 */
import { parseSigV4, signSigV4 } from '../../crypto/sigv4.ts';
import type { FetchBytes } from '../fetch-json.ts';
import { FetchError } from '../fetch-json.ts';
import { parseArn } from './arn.ts';
import type { AwsPrincipal } from './arn.ts';
import type { AwsConfig } from './config.ts';
import { leafTexts } from './xml.ts';

/** Why a caller is not who they may claim to be; for the log. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
}

export interface Caller extends AwsPrincipal {
  /** Of the user or role, not of the session. */
  readonly uniqueId: string;
  readonly userId: string;
}

/** As Vault's clients send it: everything base64. */
export interface SignedLogin {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly headers: string;
}

export const SERVER_ID_HEADER = 'x-vault-aws-iam-server-id';
/** Signed headers that are passed on; what else is signed must be allowed by the configuration. */
const PASSED_ON: readonly string[] = [
  'authorization',
  'content-length',
  'content-type',
  'host',
  'user-agent',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-user-agent',
  SERVER_ID_HEADER,
];
const STS_HOST = /^sts(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?$/;
const FIELD_LENGTH_MAX = 64 * 1024;
const HEADER_LENGTH_MAX = 8 * 1024;

function decoded(field: string): string {
  if (field.length > FIELD_LENGTH_MAX) throw new AwsError('a part of the request is too long');
  return Buffer.from(field, 'base64').toString();
}

/** Headers by lower-cased name; a list counts as one header when it has one value. */
function headersOf(text: string): ReadonlyMap<string, string> {
  let given: unknown;
  try {
    given = JSON.parse(text.trimStart().startsWith('{') ? text : decoded(text));
  } catch {
    throw new AwsError('the headers are no JSON object');
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new AwsError('the headers are no JSON object');
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(given as Record<string, unknown>)) {
    const key = name.toLowerCase();
    const [one, ...more]: readonly unknown[] = Array.isArray(value) ? value : [value];
    const text1 = typeof one === 'number' ? String(one) : one;
    if (more.length > 0 || headers.has(key) || typeof text1 !== 'string')
      throw new AwsError('a header has not exactly one value');
    if (text1.length > HEADER_LENGTH_MAX || /[^\t\x20-\x7e]/.test(text1))
      throw new AwsError('a header has a value that cannot be one');
    headers.set(key, text1);
  }
  return headers;
}

interface Rebuilt {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function checkBody(body: string): void {
  const form = [...new URLSearchParams(body)].map(([name, value]) => `${name}=${value}`).sort();
  if (form.join('&') !== 'Action=GetCallerIdentity&Version=2011-06-15')
    throw new AwsError('the request is not GetCallerIdentity');
}

/** Where STS is: as configured; else where the caller's signature is good, if that is AWS. */
function endpointFor(config: AwsConfig, host: string, region: string): string {
  if (config.sts_endpoint === '') {
    if (!STS_HOST.test(host))
      throw new AwsError('the request was signed for another host than STS');
    return `https://${host}/`;
  }
  if (config.sts_region !== '' && region !== config.sts_region)
    throw new AwsError('the request was signed for another region');
  const own = URL.parse(config.sts_endpoint)?.host;
  if (host !== own && !STS_HOST.test(host))
    throw new AwsError('the request was signed for another host than STS');
  return config.sts_endpoint;
}

/** @throws {AwsError} when the request is not what it must be */
export function rebuilt(login: SignedLogin, config: AwsConfig): Rebuilt {
  if (login.method !== 'POST') throw new AwsError('only POST is supported');
  const url = URL.parse(decoded(login.url));
  if (url === null || url.pathname !== '/' || url.search !== '' || url.username !== '')
    throw new AwsError('the request has another URL than the root of STS');
  const body = decoded(login.body);
  checkBody(body);
  const headers = headersOf(login.headers);
  const authorization = parseSigV4(headers.get('authorization') ?? '');
  if (authorization?.scope.service !== 'sts')
    throw new AwsError('the request has no signature for STS');
  const { signedHeaders, scope } = authorization;
  if (!signedHeaders.includes('host')) throw new AwsError('the host is not signed');
  const host = headers.get('host') ?? url.host;
  if (host !== url.host) throw new AwsError('the host differs from that in the URL');
  const wanted = config.iam_server_id_header_value;
  if (wanted !== '') {
    if (headers.get(SERVER_ID_HEADER) !== wanted)
      throw new AwsError('the request was not signed for this server');
    if (!signedHeaders.includes(SERVER_ID_HEADER))
      throw new AwsError('the header of the server is not signed');
  }
  const allowed = new Set([
    ...PASSED_ON,
    ...config.allowed_sts_header_values.map((name) => name.toLowerCase()),
  ]);
  const passed: Record<string, string> = { host };
  for (const name of signedHeaders) {
    const value = name === 'host' ? host : headers.get(name);
    if (!allowed.has(name)) throw new AwsError('a header is signed that may not be passed on');
    if (value === undefined) throw new AwsError('a header is signed that was not sent');
    passed[name] = value;
  }
  // Unsigned, these two cannot change what is asked; STS needs them.
  for (const name of ['authorization', 'content-type', 'x-amz-date', 'x-amz-security-token']) {
    const value = headers.get(name);
    if (value !== undefined) passed[name] = value;
  }
  passed['content-length'] = String(Buffer.byteLength(body));
  return { url: endpointFor(config, host, scope.region), headers: passed, body };
}

/** Who signed the request, by the word of STS. @throws {AwsError} */
export async function callerOf(
  login: SignedLogin,
  config: AwsConfig,
  fetch: FetchBytes,
): Promise<Caller> {
  const { url, headers, body } = rebuilt(login, config);
  const answer = await asked(fetch, url, { method: 'POST', headers, body });
  if (answer.status !== 200) throw new AwsError(`STS answered with status ${answer.status}`);
  const at = 'GetCallerIdentityResponse/GetCallerIdentityResult';
  const texts = leafTexts(answer.body.toString());
  const one = (name: string): string => {
    const [text, ...more] = texts?.get(`${at}/${name}`) ?? [];
    if (text === undefined || more.length > 0)
      throw new AwsError('STS answered in another form than it should');
    return text;
  };
  const principal = parseArn(one('Arn'));
  const userId = one('UserId');
  if (principal === undefined || principal.account !== one('Account') || userId === '')
    throw new AwsError('STS names somebody who cannot log in');
  return { ...principal, userId, uniqueId: userId.split(':')[0] ?? userId };
}

async function asked(
  fetch: FetchBytes,
  url: string,
  options: Parameters<FetchBytes>[1],
): ReturnType<FetchBytes> {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    throw new AwsError(`AWS cannot be asked: ${error.message}`);
  }
}

export interface Resolved {
  /** With its path. */
  readonly arn: string;
  readonly uniqueId: string;
}

/** The full ARN and the id of a user or role, by the word of IAM. @throws {AwsError} */
export async function resolved(
  { kind, name, account, partition }: AwsPrincipal,
  config: AwsConfig,
  ports: { readonly fetch: FetchBytes; readonly nowMs: number },
): Promise<Resolved> {
  if (config.access_key === '' || config.secret_key === '')
    throw new AwsError('there is no access key to ask IAM with');
  const type = kind === 'user' ? 'User' : 'Role';
  const china = partition === 'aws-cn';
  const usual = china ? 'https://iam.amazonaws.com.cn/' : 'https://iam.amazonaws.com/';
  const url = new URL(config.iam_endpoint === '' ? usual : config.iam_endpoint);
  const form = { Action: `Get${type}`, Version: '2010-05-08', [`${type}Name`]: name };
  const body = new URLSearchParams(form).toString();
  const contentType = 'application/x-www-form-urlencoded; charset=utf-8';
  const { access_key: accessKey, secret_key: secretKey } = config;
  const headers = signSigV4(
    { method: 'POST', url, headers: { 'content-type': contentType }, body },
    { accessKey, secretKey, sessionToken: '' },
    { region: china ? 'cn-north-1' : 'us-east-1', service: 'iam', nowMs: ports.nowMs },
  );
  const answer = await asked(ports.fetch, url.href, { method: 'POST', headers, body });
  if (answer.status !== 200) throw new AwsError(`IAM answered with status ${answer.status}`);
  const at = `Get${type}Response/Get${type}Result/${type}`;
  const texts = leafTexts(answer.body.toString());
  const arn = texts?.get(`${at}/Arn`)?.[0] ?? '';
  const uniqueId = texts?.get(`${at}/${type}Id`)?.[0] ?? '';
  const found = parseArn(arn);
  // The key asks in its own account only: the same name elsewhere is somebody else (CVE-2025-11621).
  if (uniqueId === '' || found?.name !== name || found.account !== account)
    throw new AwsError('IAM does not know that principal in its account');
  return { arn, uniqueId };
}
