/** What callers may say about a version: `attributes`, `tags`, `contentType`. Sizes are those of Key Vault. */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import type { NewVersion, Version } from '../../../model/secret.ts';
import { badParameter } from '../wire/errors.ts';
import { recoveryAttributes, seconds } from './vault-rules.ts';
import type { Vault } from './vault-rules.ts';

const TAGS_MAX = 15;
const TAG_LENGTH_MAX = 512;
const CONTENT_TYPE_LENGTH_MAX = 255;
/** Latest time that is taken, in seconds: the end of the year 9999. */
const TIME_SECONDS_MAX = 253_402_300_799;

/** Undefined members were not sent. */
export interface SentProperties {
  readonly contentType: string | undefined;
  readonly enabled: boolean | undefined;
  readonly notBeforeMs: number | undefined;
  readonly expiresMs: number | undefined;
  readonly tags: Readonly<Record<string, string>> | undefined;
}

function time(attributes: JsonObject, name: string): number | undefined {
  const value = attributes[name] ?? null;
  if (value === null) return undefined;
  if (
    typeof value !== 'number' ||
    !Number.isSafeInteger(value) ||
    value < 0 ||
    value > TIME_SECONDS_MAX
  ) {
    throw badParameter(`The attribute ${name} is not a time.`);
  }
  return value * 1000;
}

function enabledOf(attributes: JsonObject): boolean | undefined {
  const value = attributes['enabled'] ?? null;
  if (value === null) return undefined;
  if (typeof value !== 'boolean') throw badParameter('The attribute enabled is not a boolean.');
  return value;
}

function textOf(value: JsonValue | undefined, name: string, lengthMax: number): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw badParameter(`The property ${name} is not a text.`);
  if (value.length > lengthMax) {
    throw badParameter(`The property ${name} must not be longer than ${lengthMax} characters.`);
  }
  return value;
}

export function readTags(
  value: JsonValue | undefined,
): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw badParameter('The property tags is not an object.');
  const tags = Object.entries(value);
  if (tags.length > TAGS_MAX) throw badParameter(`At most ${TAGS_MAX} tags are allowed.`);
  return Object.fromEntries(
    tags.map(([name, text]) => {
      if (name === '' || name.length > TAG_LENGTH_MAX)
        throw badParameter('A tag name is too long.');
      return [name, textOf(text, 'tags', TAG_LENGTH_MAX) ?? ''];
    }),
  );
}

/** What every object has, whatever it is called in the store. */
interface Lasting {
  readonly disabled?: true;
  readonly notBeforeMs?: number;
  readonly expiresMs?: number;
  readonly createdMs: number;
  readonly updatedMs?: number;
}

export function attributesOf(version: Lasting, vault: Vault): Record<string, unknown> {
  return {
    enabled: version.disabled !== true,
    ...(version.notBeforeMs === undefined ? {} : { nbf: seconds(version.notBeforeMs) }),
    ...(version.expiresMs === undefined ? {} : { exp: seconds(version.expiresMs) }),
    created: seconds(version.createdMs),
    updated: seconds(version.updatedMs ?? version.createdMs),
    ...recoveryAttributes(vault),
  };
}

/** Nothing, where there are none. */
export function tagsMember(
  tags: Readonly<Record<string, string>> | undefined,
): Record<string, unknown> {
  return tags === undefined || Object.keys(tags).length === 0 ? {} : { tags };
}

/** @throws {AzureError} */
export function readProperties(body: JsonObject): SentProperties {
  const raw = body['attributes'] ?? null;
  if (raw !== null && !isJsonObject(raw)) {
    throw badParameter('The property attributes is not an object.');
  }
  const attributes = raw ?? {};
  const notBeforeMs = time(attributes, 'nbf');
  const expiresMs = time(attributes, 'exp');
  if (notBeforeMs !== undefined && expiresMs !== undefined && notBeforeMs >= expiresMs) {
    throw badParameter('The attribute exp must be later than nbf.');
  }
  return {
    contentType: textOf(body['contentType'], 'contentType', CONTENT_TYPE_LENGTH_MAX),
    enabled: enabledOf(attributes),
    notBeforeMs,
    expiresMs,
    tags: readTags(body['tags']),
  };
}

/** The properties of a version that is about to be written. */
export function newProperties(sent: SentProperties): Partial<NewVersion> {
  return {
    ...(sent.contentType === undefined ? {} : { contentType: sent.contentType }),
    ...(sent.enabled === false ? { disabled: true as const } : {}),
    ...(sent.notBeforeMs === undefined ? {} : { notBeforeMs: sent.notBeforeMs }),
    ...(sent.expiresMs === undefined ? {} : { expiresMs: sent.expiresMs }),
    ...(sent.tags === undefined ? {} : { tags: sent.tags }),
  };
}

/** A version with the properties that were sent; the others stay. */
export function changedProperties(version: Version, sent: SentProperties, nowMs: number): Version {
  const { disabled: _was, destroyMs: _destroy, ...enabled } = version;
  // Switching a version on takes a scheduled destruction back.
  const before = sent.enabled === true ? enabled : version;
  return { ...before, ...newProperties(sent), updatedMs: nowMs };
}
