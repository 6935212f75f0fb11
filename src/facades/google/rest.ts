/** The REST form of the API: routes, query parameters and JSON become request messages, replies and errors become JSON. */
import { assertJsonLimits, isJsonObject, isWellFormedJson, parseJson } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import type { WireReply } from '../facade.ts';
import { jsonOfMessage, messageOfJson } from './wire/json-form.ts';
import { METHODS, restCall } from './wire/methods.ts';
import type { MethodName, RestCall } from './wire/methods.ts';
import { MessageError } from './wire/schema.ts';
import type { Message, MessageSpec } from './wire/schema.ts';
import { StatusError, STATUSES } from './wire/status.ts';

export const REST_PREFIX = '/v1/projects/';
const VERSION_PREFIX = '/v1/';
const PARAMETERS_MAX = 64;
const JSON_LIMITS = { depthMax: 24, valuesMax: 20_000 } as const;
/** Parameters of every method, which are about the answer's form (or nothing that matters here). */
const COMMON: ReadonlySet<string> = new Set([
  '$alt',
  'alt',
  '$prettyPrint',
  'prettyPrint',
  '$fields',
  'fields',
  'key',
  '$key',
  'quotaUser',
  '$quotaUser',
  'access_token',
  'oauth_token',
  '$callback',
  'callback',
  '$xgafv',
  '$.xgafv',
  'uploadType',
  'upload_protocol',
]);

export interface RestRequest {
  readonly call: RestCall;
  readonly parameters: ReadonlyMap<string, readonly string[]>;
  readonly enumsAsNumbers: boolean;
}

function wrong(text: string): StatusError {
  return new StatusError('INVALID_ARGUMENT', text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw wrong('The request target is not properly encoded.');
  }
}

function parametersOf(query: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const pairs = query.split('&', PARAMETERS_MAX + 1);
  if (pairs.length > PARAMETERS_MAX) throw wrong('Too many parameters.');
  for (const pair of pairs) {
    if (pair === '') continue;
    const [name = '', ...value] = pair.split('=');
    const key = decode(name);
    found.set(key, [...(found.get(key) ?? []), decode(value.join('='))]);
  }
  return found;
}

/** Undefined when the API has no such route. @throws {StatusError} */
export function restRequest(method: string, target: string): RestRequest | undefined {
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const parameters = parametersOf(question < 0 ? '' : target.slice(question + 1));
  const names = path
    .slice(VERSION_PREFIX.length)
    .split('/')
    .map((segment) => {
      let name: string;
      try {
        name = decodeURIComponent(segment);
      } catch {
        throw wrong('The request target is not properly encoded.');
      }
      // An encoded slash would make one segment two.
      if (name.includes('/')) throw wrong('The request target is not valid.');
      return name;
    });
  const call = restCall(method, names.join('/'));
  if (call === undefined) return undefined;
  const alt = parameters.get('$alt')?.[0] ?? parameters.get('alt')?.[0] ?? '';
  return { call, parameters, enumsAsNumbers: alt.includes('enum-encoding=int') };
}

/** The request message of a REST call. @throws {StatusError} */
export function messageOfRest({ call, parameters }: RestRequest, bytes: Buffer): Message {
  const spec = METHODS[call.method].request;
  try {
    const fromQuery = messageOfJson(spec, queryObject(spec, call, parameters));
    const body = bodyObject(bytes);
    const sent: Message =
      call.body === undefined
        ? { ...fromQuery, ...messageOfJson(spec, body) }
        : { ...fromQuery, [call.body]: messageOfJson(innerSpec(spec, call.body), body) };
    return withField(sent, call.field, call.resource);
  } catch (error) {
    if (error instanceof MessageError) throw wrong(error.message);
    throw error;
  }
}

function innerSpec(spec: MessageSpec, name: string): MessageSpec {
  return spec[name]?.message?.() ?? {};
}

/** The path names the resource, whatever the body says. */
function withField(message: Message, field: string, resource: string): Message {
  const [first = '', second] = field.split('.');
  return second === undefined
    ? { ...message, [first]: resource }
    : { ...message, [first]: { ...(message[first] as Message | undefined), [second]: resource } };
}

const INTEGER = /^-?\d{1,10}$/;

/** Parameters as the JSON that says the same; `options.requestedPolicyVersion` names a member of a message. */
function queryObject(
  spec: MessageSpec,
  call: RestCall,
  parameters: RestRequest['parameters'],
): JsonObject {
  const object: JsonObject = {};
  for (const [name, values] of parameters) {
    if (COMMON.has(name) || name === call.field) continue;
    const [first = '', ...inner] = name.split('.');
    const value = values[0] ?? '';
    const plain = INTEGER.test(value) ? Number(value) : value;
    if (inner.length === 1) object[first] = { [inner[0] ?? '']: plain };
    else object[first] = isNumberField(spec, first) ? plain : value;
  }
  return object;
}

function isNumberField(spec: MessageSpec, name: string): boolean {
  const field = Object.hasOwn(spec, name) ? spec[name] : undefined;
  return field?.type === 'int32';
}

function bodyObject(bytes: Buffer): JsonObject {
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    assertJsonLimits(bytes, JSON_LIMITS);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = parseJson(text);
    if (!isWellFormedJson(text)) throw new TypeError('half a character');
  } catch {
    throw wrong('Invalid JSON payload received.');
  }
  if (!isJsonObject(value)) throw wrong('Invalid JSON payload received. Not an object.');
  return value;
}

const HEADERS = {
  'Cache-Control': 'private',
  'Content-Type': 'application/json; charset=UTF-8',
} as const;

export function restReply(
  method: MethodName,
  message: Message,
  enumsAsNumbers: boolean,
): WireReply {
  const shown = jsonOfMessage(METHODS[method].reply, message, { enumsAsNumbers });
  return { status: 200, headers: HEADERS, body: `${JSON.stringify(shown)}\n` };
}

export function restError(error: StatusError): WireReply {
  const { http } = STATUSES[error.status];
  const body = { error: { code: http, message: error.message, status: error.status } };
  return { status: http, headers: HEADERS, body: `${JSON.stringify(body)}\n` };
}
