/** Templates of identity tokens: JSON with directives, each of which becomes JSON of its own. */
import { parseGoDuration } from '../../base/duration.ts';
import { isJsonObject, parseJson } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { AliasRecord, EntityRecord, GroupRecord } from '../records.ts';

/** What a template knows of the one that a token is for. */
export interface TemplateSubject {
  readonly entity: EntityRecord;
  readonly groups: readonly GroupRecord[];
  readonly nowMs: number;
}

/** Claims that only the token itself may make. */
export const RESERVED_CLAIMS: readonly string[] = [
  'iat',
  'aud',
  'exp',
  'iss',
  'sub',
  'namespace',
  'nonce',
  'auth_time',
  'at_hash',
  'c_hash',
];

/** Longest template and most directives in it. */
const TEMPLATE_LENGTH_MAX = 16 * 1024;
const DIRECTIVES_MAX = 256;

/** The template does not follow the grammar; the message may be shown. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

interface Template {
  readonly texts: readonly string[];
  readonly directives: readonly string[];
}

function parse(text: string): Template {
  if (text.length > TEMPLATE_LENGTH_MAX) throw new TemplateError('the template is too long');
  const [first = '', ...parts] = text.split('{{');
  if (parts.length > DIRECTIVES_MAX)
    throw new TemplateError('the template has too many directives');
  const texts = [first];
  const directives: string[] = [];
  for (const part of parts) {
    const end = part.indexOf('}}');
    if (end < 0) throw new TemplateError('unbalanced templating characters');
    directives.push(part.slice(0, end).trim());
    texts.push(part.slice(end + 2));
  }
  return { texts, directives };
}

function own(texts: Readonly<Record<string, string>> | null, key: string): string {
  return texts !== null && Object.hasOwn(texts, key) ? (texts[key] ?? '') : '';
}

/** `metadata` or `metadata.K` of what has metadata. */
function metadataOf(
  selector: string,
  name: string,
  texts: Readonly<Record<string, string>> | null,
): JsonValue | undefined {
  if (selector === name) return { ...texts };
  return selector.startsWith(`${name}.`) ? own(texts, selector.slice(name.length + 1)) : undefined;
}

function aliasValue(selector: string, alias: AliasRecord | undefined): JsonValue | undefined {
  if (selector === 'id') return alias?.id ?? '';
  if (selector === 'name') return alias?.name ?? '';
  return (
    metadataOf(selector, 'metadata', alias?.metadata ?? null) ??
    metadataOf(selector, 'custom_metadata', alias?.customMetadata ?? null)
  );
}

function entityValue(selector: string, subject: TemplateSubject): JsonValue | undefined {
  const { entity, groups } = subject;
  if (selector === 'id') return entity.id;
  if (selector === 'name') return entity.name;
  if (selector === 'groups.ids') return groups.map((group) => group.id);
  if (selector === 'groups.names') return groups.map((group) => group.name);
  if (selector.startsWith('aliases.')) {
    const rest = selector.slice('aliases.'.length);
    const dot = rest.indexOf('.');
    const accessor = rest.slice(0, Math.max(dot, 0));
    const alias = entity.aliases.find((each) => each.mountAccessor === accessor);
    return dot < 0 ? undefined : aliasValue(rest.slice(dot + 1), alias);
  }
  return metadataOf(selector, 'metadata', entity.metadata);
}

function timeValue(selector: string, nowMs: number): JsonValue | undefined {
  if (selector === '') return Math.floor(nowMs / 1000);
  const sign = selector.startsWith('.plus.') ? 1 : selector.startsWith('.minus.') ? -1 : 0;
  const offsetMs = parseGoDuration(selector.slice(selector.lastIndexOf('.') + 1));
  if (sign === 0 || offsetMs === undefined) return undefined;
  return Math.floor((nowMs + sign * offsetMs) / 1000);
}

function valueOf(directive: string, subject: TemplateSubject): JsonValue {
  const value = directive.startsWith('identity.entity.')
    ? entityValue(directive.slice('identity.entity.'.length), subject)
    : directive.startsWith('time.now')
      ? timeValue(directive.slice('time.now'.length), subject.nowMs)
      : undefined;
  if (value === undefined) throw new TemplateError('the template has an unknown directive');
  return value;
}

/** The claims that a template makes for somebody; none of them reserved. @throws {TemplateError} */
export function fillTemplate(text: string, subject: TemplateSubject): JsonObject {
  if (text === '') return {};
  const { texts, directives } = parse(text);
  let filled = texts[0] ?? '';
  for (const [index, directive] of directives.entries())
    filled += JSON.stringify(valueOf(directive, subject)) + (texts[index + 1] ?? '');
  let claims: JsonValue;
  try {
    claims = parseJson(filled);
  } catch {
    throw new TemplateError('error parsing template JSON');
  }
  if (!isJsonObject(claims)) throw new TemplateError('error parsing template JSON: not an object');
  const reserved = Object.keys(claims).find((name) => RESERVED_CLAIMS.includes(name));
  if (reserved !== undefined) {
    throw new TemplateError(
      `top level key "${reserved}" not allowed. Restricted keys: ${RESERVED_CLAIMS.join(', ')}`,
    );
  }
  return claims;
}

/** Somebody of whom nothing is known. */
const NOBODY: EntityRecord = {
  id: '',
  name: '',
  metadata: null,
  policies: [],
  disabled: false,
  createdMs: 0,
  updatedMs: 0,
  mergedIds: null,
  aliases: [],
  groups: [],
};

/** The claims that a template makes where there is no user. @throws {TemplateError} */
export function fillForNobody(text: string, nowMs: number): JsonObject {
  return fillTemplate(text, { entity: NOBODY, groups: [], nowMs });
}

/** @throws {TemplateError} when a template could not be filled for anybody */
export function checkTemplate(text: string): void {
  fillForNobody(text, 0);
}

/** Names of the claims that a template makes. @throws {TemplateError} */
export function templateClaims(text: string): readonly string[] {
  return Object.keys(fillForNobody(text, 0));
}
