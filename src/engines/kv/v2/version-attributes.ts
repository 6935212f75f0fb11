/**
 * What versions and secrets have beyond the Vault API: ids, labels, forms, states and times, as the views of other APIs need
 * them. Everything here is optional; a client of the Vault API never meets it.
 */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import { formatTime } from '../../../base/time-format.ts';
import { invalidRequest } from '../../../model/errors.ts';
import { servedNumber } from '../secret/secret.ts';
import type { AttributeChanges, NewVersion, Secret, Version } from '../secret/secret.ts';
import { shownSecret, shownVersion } from './shown.ts';

/** Limits of what is kept beside a value. */
const TAGS_MAX = 64;
const TEXT_BYTES_MAX = 512;
const LABELS_MAX = 64;
const ATTRIBUTES_BYTES_MAX = 64 * 1024;

export const ATTRIBUTE_FIELDS = {
  content_type: { kind: 'string', description: 'What the value is, for whoever reads it.' },
  enabled: { kind: 'bool', description: 'False: the version is kept but not handed out.' },
  not_before: { kind: 'time', description: 'From when on the value is meant to be used.' },
  expires: { kind: 'time', description: 'Until when the value is meant to be used.' },
  tags: { kind: 'string_map', description: 'Texts about this version.' },
} as const;

export interface AttributeValues {
  readonly content_type: string | undefined;
  readonly enabled: boolean | undefined;
  readonly not_before: number | undefined;
  readonly expires: number | undefined;
  readonly tags: Readonly<Record<string, string>> | undefined;
}

export function assertShort(what: string, text: string): string {
  if (Buffer.byteLength(text) <= TEXT_BYTES_MAX) return text;
  throw invalidRequest(`${what} must not be longer than ${TEXT_BYTES_MAX} bytes`);
}

/** @throws {RequestError} a limit is exceeded */
function assertTags(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(tags);
  if (entries.length > TAGS_MAX) throw invalidRequest(`at most ${TAGS_MAX} tags are allowed`);
  for (const [name, text] of entries) {
    assertShort('the name of a tag', name);
    assertShort('a tag', text);
  }
  return Object.fromEntries(entries);
}

/** The attributes that were sent, as changes; null in the body takes one away. @throws {RequestError} */
export function attributeChanges(
  fields: AttributeValues,
  data: Readonly<JsonObject>,
): AttributeChanges {
  const cleared = (name: keyof AttributeValues): boolean =>
    Object.hasOwn(data, name) && data[name] === null;
  const { content_type, enabled, not_before, expires, tags } = fields;
  return {
    ...(cleared('content_type') || content_type !== undefined
      ? {
          contentType:
            content_type === undefined || content_type === ''
              ? undefined
              : assertShort('content_type', content_type),
        }
      : {}),
    ...(enabled === undefined ? {} : { disabled: !enabled }),
    ...(cleared('not_before') || not_before !== undefined ? { notBeforeMs: not_before } : {}),
    ...(cleared('expires') || expires !== undefined ? { expiresMs: expires } : {}),
    ...(cleared('tags') || tags !== undefined
      ? { tags: tags === undefined || cleared('tags') ? undefined : assertTags(tags) }
      : {}),
  };
}

/** The same attributes for a version that is about to be written. @throws {RequestError} */
export function attributesOfNew(
  fields: AttributeValues,
  data: Readonly<JsonObject>,
): Omit<NewVersion, 'id' | 'form' | 'writeToken'> {
  const { disabled, ...others } = attributeChanges(fields, data);
  const known = Object.entries(others).filter(([, value]) => value !== undefined);
  return {
    ...(Object.fromEntries(known) as Omit<NewVersion, 'id'>),
    ...(disabled === true ? { disabled: true as const } : {}),
  };
}

export function changesAttributes(changes: AttributeChanges): boolean {
  return Object.keys(changes).length > 0;
}

/** Labels to set, by name; null or 0 takes one away. @throws {RequestError} a label names no version of the secret */
export function labelChanges(raw: JsonObject, secret: Secret): Readonly<Record<string, number>> {
  const entries = Object.entries(raw);
  const changed: [string, number][] = [];
  for (const [label, value] of entries) {
    const number = value ?? 0;
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
      throw invalidRequest('labels must be a map of version numbers');
    }
    if (number !== 0 && !secret.versions.some((version) => version.number === number)) {
      throw invalidRequest('a label names a version that does not exist');
    }
    changed.push([assertLabel(label), number]);
  }
  if (changed.length > LABELS_MAX) throw invalidRequest(`at most ${LABELS_MAX} labels are allowed`);
  return Object.fromEntries(changed);
}

export function assertLabel(label: string): string {
  if (label === '') throw invalidRequest('a label must not be empty');
  return assertShort('a label', label);
}

export function assertLabelCount(secret: Secret): void {
  if (Object.keys(secret.labels ?? {}).length > LABELS_MAX) {
    throw invalidRequest(`at most ${LABELS_MAX} labels are allowed`);
  }
}

/** @throws {RequestError} they are no object, or too large */
export function assertAttributes(attributes: unknown): Readonly<JsonObject> {
  if (!isJsonObject(attributes)) throw invalidRequest('attributes must be a map');
  if (Buffer.byteLength(JSON.stringify(attributes)) > ATTRIBUTES_BYTES_MAX) {
    throw invalidRequest(`attributes must not be larger than ${ATTRIBUTES_BYTES_MAX} bytes`);
  }
  return attributes;
}

function shownTime(ms: number | undefined): string | null {
  return ms === undefined ? null : formatTime(ms);
}

/** Everything about a version but its value. */
export function detailedVersion(secret: Secret, version: Version): Record<string, unknown> {
  const { custom_metadata: _custom, ...usual } = shownVersion(version, {});
  return {
    ...usual,
    content_type: version.contentType ?? '',
    enabled: version.disabled !== true,
    expires: shownTime(version.expiresMs),
    form: version.form ?? 'object',
    id: version.id,
    labels: Object.entries(secret.labels ?? {})
      .filter(([, number]) => number === version.number)
      .map(([label]) => label),
    not_before: shownTime(version.notBeforeMs),
    tags: version.tags ?? {},
    write_token: version.writeToken ?? '',
  };
}

/** Everything about a secret but values. */
export function detailedSecret(secret: Secret): Record<string, unknown> {
  return {
    ...shownSecret(secret),
    attributes: secret.attributes ?? {},
    labels: secret.labels ?? {},
    newest_version: secret.newest,
    served_version: servedNumber(secret),
    versions: Object.fromEntries(
      secret.versions.map((version) => [version.number, detailedVersion(secret, version)]),
    ),
  };
}
