/** Request bodies of the Vault protocol: JSON without regard to its content type, forms, merge patches, raw uploads. */
import {
  assertJsonLimits,
  isJsonObject,
  isRawNumber,
  JsonLimitError,
  parseJson,
  parsePlainJson,
} from '../../base/json.ts';
import type { JsonLimits, JsonObject, JsonValue } from '../../base/json.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import { BodyError } from '../facade.ts';
import type { WireRequest } from '../facade.ts';
import { headerText } from './request-headers.ts';
import { formData, parseParameters } from './query.ts';
import type { Verb } from './verbs.ts';

export interface BodyLimits extends JsonLimits {
  /** Largest body in bytes (`max_request_size`). */
  readonly bytesMax: number;
}

export const DEFAULT_BODY_LIMITS: BodyLimits = {
  bytesMax: 32 * 1024 * 1024,
  depthMax: 500,
  valuesMax: 100_000,
};

export const MERGE_PATCH = 'application/merge-patch+json';
const FORM = 'application/x-www-form-urlencoded';
/** Bodies that are bytes, not JSON (an OCSP request in DER): they arrive as base64 in the field {@link RAW_BODY_FIELD}. */
const RAW_TYPES: ReadonlySet<string> = new Set(['application/ocsp-request']);
export const RAW_BODY_FIELD = 'http_raw_body';

/**
 * Reads and parses the body that goes with `verb`.
 * @throws {RequestError} 400, 413; the text never repeats what was sent
 */
export async function readBodyData(
  request: WireRequest,
  verb: Verb,
  limits: BodyLimits,
): Promise<JsonObject> {
  if (verb.body === 'none') return emptyObject();
  const type = mediaType(headerText(request.headers, 'content-type'));
  const bytes = request.hasBody ? await readBytes(request, limits.bytesMax) : EMPTY;
  if (verb.body === 'json-or-form' && type !== undefined) {
    if (RAW_TYPES.has(type)) return rawData(bytes);
    if (type === FORM && !looksLikeJson(bytes)) {
      return formData(parseParameters(bytes.toString('utf8')));
    }
  }
  return parseJsonBody(bytes, limits);
}

/** A patch says what it is made of before anybody asks who sends it. @throws {RequestError} 400, 415 */
export function checkMediaType(request: WireRequest, verb: Verb): void {
  if (verb.body !== 'merge-patch') return;
  const type = mediaType(headerText(request.headers, 'content-type'));
  if (type === undefined) throw invalidRequest('mime: no media type');
  if (type === MERGE_PATCH) return;
  throw new RequestError('unsupported_media_type', `PATCH requires Content-Type of ${MERGE_PATCH}`);
}

const EMPTY = Buffer.alloc(0);

async function readBytes(request: WireRequest, bytesMax: number): Promise<Buffer> {
  try {
    return await request.readBody(bytesMax);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    throw error.reason === 'too_large'
      ? new RequestError('body_too_large', 'http: request body too large')
      : invalidRequest('error reading data');
  }
}

function rawData(bytes: Buffer): JsonObject {
  const data = emptyObject();
  data[RAW_BODY_FIELD] = bytes.toString('base64');
  return data;
}

const MEDIA_TYPE = /^[\w!#$&^.+-]+(?:\/[\w!#$&^.+-]+)?$/;

/** The media type of a `Content-Type`, lower-cased, without parameters; undefined when there is none that can be read. */
function mediaType(header: string): string | undefined {
  const semicolon = header.indexOf(';');
  const type = (semicolon < 0 ? header : header.slice(0, semicolon)).trim().toLowerCase();
  return MEDIA_TYPE.test(type) ? type : undefined;
}

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

function isJsonSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** `curl -d` labels JSON as a form, so a body that begins like JSON is JSON. */
function looksLikeJson(bytes: Buffer): boolean {
  let at = 0;
  while (at < bytes.length && isJsonSpace(bytes[at])) at++;
  return bytes[at] === OPEN_BRACE || bytes[at] === OPEN_BRACKET;
}

/**
 * Parses a JSON body: an object, `null` or nothing. Limits are checked on the bytes, before anything is allocated.
 * @throws {RequestError} 400
 */
export function parseJsonBody(bytes: Buffer, limits: JsonLimits): JsonObject {
  // A text has no more values than bytes. What is short is parsed first, and only looked at closely when that tells to.
  if (bytes.length <= limits.valuesMax) {
    const plain = parsePlainJson(bytes.toString('utf8'), limits.depthMax);
    if (isJsonObject(plain)) return Object.assign(emptyObject(), plain);
  }
  try {
    assertJsonLimits(bytes, limits);
    const text = bytes.toString('utf8');
    const value = parseFirst(text);
    if (value === undefined || value === null) return emptyObject();
    if (!isJsonObject(value)) throw badJson();
    if (NEEDS_LOOK.test(text)) inspect(value);
    return Object.assign(emptyObject(), value);
  } catch (error) {
    if (error instanceof JsonLimitError)
      throw invalidRequest(`error parsing JSON: ${error.message}`);
    if (error instanceof SyntaxError) throw badJson();
    throw error;
  }
}

function badJson(): RequestError {
  return invalidRequest('error parsing JSON');
}

/** Keys come from callers, so the object has no prototype that one of them could name. */
function emptyObject(): JsonObject {
  return Object.create(null) as JsonObject;
}

const JSON_SPACE_ONLY = /^[ \t\n\r]*$/;

/** The first of the JSON values in `text`; undefined for blank text. Like Go's decoder, later values are checked and ignored. */
function parseFirst(text: string): JsonValue | undefined {
  if (JSON_SPACE_ONLY.test(text)) return undefined;
  try {
    return parseJson(text);
  } catch (error) {
    const end = endOfObject(text);
    if (end === undefined || end === text.length) throw error;
    const first = parseJson(text.slice(0, end));
    for (let rest = text.slice(end).trimStart(); rest !== '';) {
      const next = endOfObject(rest);
      if (next === undefined) throw error;
      JSON.parse(rest.slice(0, next));
      rest = rest.slice(next).trimStart();
    }
    return first;
  }
}

/** Index after the object that `text` begins with; undefined when it begins with anything else or does not end. */
function endOfObject(text: string): number | undefined {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '"') {
      for (index++; index < text.length && text[index] !== '"'; index++) {
        if (text[index] === '\\') index++;
      }
    } else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return index + 1;
    else if (depth === 0 && !isJsonSpace(text.charCodeAt(index))) return undefined;
  }
  return undefined;
}

/** Text that may hold a number beyond a double's range or half of a surrogate pair. */
const NEEDS_LOOK = /[eE]\+?\d{3}|\d{309}|\\u[dD][89a-fA-F]/;

/**
 * Refuses numbers beyond a double's range, as the reference does, and replaces lone surrogates, which UTF-8 cannot carry,
 * by U+FFFD. Changes `value` in place: it was parsed just now and belongs to nobody else.
 */
function inspect(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.toWellFormed();
  if (isRawNumber(value)) {
    if (!Number.isFinite(Number(value.rawJSON))) throw badJson();
    return value;
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) value[index] = inspect(item);
    return value;
  }
  if (!isJsonObject(value)) return value;
  for (const [key, member] of Object.entries(value)) {
    const wellFormed = key.toWellFormed();
    if (wellFormed !== key) delete value[key];
    Object.defineProperty(value, wellFormed, {
      value: inspect(member),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return value;
}
