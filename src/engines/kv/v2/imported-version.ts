/** One version of a secret as an import names it: with its number, its times and its states, and its value if that is known. */
import {
  MismatchError,
  toBool,
  toInt,
  toStringMap,
  toText,
  toTimeMs,
} from '../../../base/coerce.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Version } from '../secret/secret.ts';
import { encodeObject } from '../secret/value.ts';
import { writtenValue } from './detailed-value.ts';
import type { WrittenValue } from './detailed-value.ts';
import { assertShort, attributesOfNew } from './version-attributes.ts';

/** Clocks of two machines differ; a version from further ahead than this is refused. */
const AHEAD_MS_MAX = 24 * 60 * 60 * 1000;
/** Highest number of a version. */
const NUMBER_MAX = 2 ** 31 - 1;

export interface ImportedVersion {
  /** `id` is what the caller chose, or empty. */
  readonly version: Version;
  /** Absent when the version is only told of: it is destroyed, or its value is here already. */
  readonly value: Buffer | undefined;
}

/** Names of what a version may have, for the message about one that is none of them. */
const MEMBERS: ReadonlySet<string> = new Set([
  'version',
  'created_time',
  'deletion_time',
  'destroyed',
  'data',
  'value',
  'encoding',
  'content_type',
  'enabled',
  'not_before',
  'expires',
  'tags',
  'version_id',
  'write_token',
]);

/** @throws {RequestError} naming the member, never its value */
export function importedVersion(raw: JsonValue, nowMs: number): ImportedVersion {
  if (!isJsonObject(raw)) throw invalidRequest('versions must be a list of objects');
  for (const name of Object.keys(raw)) {
    if (!MEMBERS.has(name)) throw invalidRequest('a version has a member that is not known');
  }
  const number = member(raw, 'version', toInt);
  if (number === undefined || number < 1 || number > NUMBER_MAX) {
    throw invalidRequest('version must be a number from 1');
  }
  const createdMs = member(raw, 'created_time', toTimeMs);
  if (createdMs === undefined) throw invalidRequest('a version needs its created_time');
  if (createdMs > nowMs + AHEAD_MS_MAX) throw invalidRequest('created_time lies in the future');
  const destroyed = member(raw, 'destroyed', toBool) === true;
  const deletedMs =
    raw['deletion_time'] === '' ? undefined : member(raw, 'deletion_time', toTimeMs);
  const sent = valueOf(raw);
  const attributes = attributesOfNew(
    {
      content_type: member(raw, 'content_type', toText),
      enabled: member(raw, 'enabled', toBool),
      not_before: member(raw, 'not_before', toTimeMs),
      expires: member(raw, 'expires', toTimeMs),
      tags: member(raw, 'tags', toStringMap),
    },
    raw,
  );
  const writeToken = assertShort('write_token', member(raw, 'write_token', toText) ?? '');
  return {
    version: {
      ...attributes,
      number,
      id: assertShort('version_id', member(raw, 'version_id', toText) ?? ''),
      createdMs,
      ...(deletedMs === undefined ? {} : { deletedMs }),
      ...(destroyed ? { destroyed: true } : {}),
      ...(sent?.form === undefined ? {} : { form: sent.form }),
      ...(writeToken === '' ? {} : { writeToken }),
    },
    value: destroyed ? undefined : sent?.value,
  };
}

function valueOf(raw: JsonObject): WrittenValue | undefined {
  const data = raw['data'];
  if (data !== undefined && data !== null) {
    if (!isJsonObject(data)) throw invalidRequest('data must be a map');
    return { value: encodeObject(data) };
  }
  const value = member(raw, 'value', toText);
  if (value === undefined) return undefined;
  const encoding = member(raw, 'encoding', toText);
  if (encoding !== 'text' && encoding !== 'base64') {
    throw invalidRequest('a value needs its encoding: "text" or "base64"');
  }
  return writtenValue({ value, encoding });
}

function member<Result>(
  raw: JsonObject,
  name: string,
  read: (value: JsonValue) => Result,
): Result | undefined {
  const value = Object.hasOwn(raw, name) ? raw[name] : undefined;
  if (value === undefined || value === null) return undefined;
  try {
    return read(value);
  } catch (error) {
    if (error instanceof MismatchError) throw invalidRequest(`${name} of a version is malformed`);
    throw error;
  }
}
