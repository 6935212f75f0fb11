/** The envelope of every answer of the logical API, and how a body becomes one. */
import { ResponseError } from './errors.ts';
import { isJsonObject, isRawNumber, parseJson, type JsonObject, type JsonValue } from './json.ts';

export interface Secret {
  readonly requestId: string;
  readonly leaseId: string;
  readonly leaseDurationSeconds: number;
  readonly renewable: boolean;
  readonly data: JsonObject | undefined;
  readonly warnings: readonly string[] | undefined;
  readonly auth: SecretAuth | undefined;
  readonly wrapInfo: SecretWrapInfo | undefined;
}

export interface SecretAuth {
  readonly clientToken: string;
  readonly accessor: string;
  readonly policies: readonly string[] | undefined;
  readonly tokenPolicies: readonly string[] | undefined;
  readonly identityPolicies: readonly string[] | undefined;
  readonly metadata: JsonObject | undefined;
  readonly orphan: boolean;
  readonly entityId: string;
  readonly leaseDurationSeconds: number;
  readonly renewable: boolean;
  readonly mfaRequirement: JsonObject | undefined;
}

export interface SecretWrapInfo {
  readonly token: string;
  readonly accessor: string;
  readonly ttlSeconds: number;
  readonly creationTime: string;
  readonly creationPath: string;
  readonly wrappedAccessor: string;
}

/**
 * Reads a body. `undefined` means no body, or one that holds nothing but `errors`. A bare object (seal status, health) becomes the data.
 * @throws {ResponseError} when the body is no JSON object; the message never repeats it.
 */
export function parseSecret(body: Buffer | string): Secret | undefined {
  const text = typeof body === 'string' ? body : body.toString('utf8');
  if (text.length === 0) return undefined;
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch {
    throw new ResponseError('the answer is not valid JSON');
  }
  if (!isJsonObject(value)) throw new ResponseError('the answer is not a JSON object');
  const secret = readSecret(value);
  if (!isBlank(secret)) return secret;
  const names = Object.keys(value);
  if (names.length === 1 && names[0] === 'errors') return undefined;
  if ('errors' in value)
    throw new ResponseError(strings(value['errors'])?.join(' ') ?? 'unknown error');
  return names.length > 0 ? { ...secret, data: value } : secret;
}

function readSecret(value: JsonObject): Secret {
  const auth = value['auth'];
  const wrap = value['wrap_info'];
  const data = value['data'];
  return {
    requestId: textOf(value['request_id']),
    leaseId: textOf(value['lease_id']),
    leaseDurationSeconds: count(value['lease_duration']),
    renewable: value['renewable'] === true,
    data: isJsonObject(data) ? data : undefined,
    warnings: strings(value['warnings']),
    auth: isJsonObject(auth) ? readAuth(auth) : undefined,
    wrapInfo: isJsonObject(wrap) ? readWrapInfo(wrap) : undefined,
  };
}

function readAuth(value: JsonObject): SecretAuth {
  const metadata = value['metadata'];
  const mfa = value['mfa_requirement'];
  return {
    clientToken: textOf(value['client_token']),
    accessor: textOf(value['accessor']),
    policies: strings(value['policies']),
    tokenPolicies: strings(value['token_policies']),
    identityPolicies: strings(value['identity_policies']),
    metadata: isJsonObject(metadata) ? metadata : undefined,
    orphan: value['orphan'] === true,
    entityId: textOf(value['entity_id']),
    leaseDurationSeconds: count(value['lease_duration']),
    renewable: value['renewable'] === true,
    mfaRequirement: isJsonObject(mfa) ? mfa : undefined,
  };
}

function readWrapInfo(value: JsonObject): SecretWrapInfo {
  return {
    token: textOf(value['token']),
    accessor: textOf(value['accessor']),
    ttlSeconds: count(value['ttl']),
    creationTime: textOf(value['creation_time']),
    creationPath: textOf(value['creation_path']),
    wrappedAccessor: textOf(value['wrapped_accessor']),
  };
}

function isBlank(secret: Secret): boolean {
  return (
    secret.requestId === '' &&
    secret.leaseId === '' &&
    secret.leaseDurationSeconds === 0 &&
    !secret.renewable &&
    secret.data === undefined &&
    secret.warnings === undefined &&
    secret.auth === undefined &&
    secret.wrapInfo === undefined
  );
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function count(value: JsonValue | undefined): number {
  if (typeof value === 'number') return value;
  return isRawNumber(value) ? Number(value.rawJSON) : 0;
}

function strings(value: JsonValue | undefined): string[] | undefined {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
}
