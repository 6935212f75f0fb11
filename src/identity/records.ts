/** What is stored of entities, their aliases and groups, and the limits of it. */
import { invalidRequest } from '../model/errors.ts';
import type { Activation } from './roles/records.ts';
import { refuseRoot } from '../model/root-policy.ts';

export type Texts = Readonly<Record<string, string>>;

/** A name under which an entity, or an external group, is known to one auth mount. */
export interface AliasRecord {
  readonly id: string;
  readonly name: string;
  readonly mountAccessor: string;
  /** What the auth method says of it. */
  readonly metadata: Texts | null;
  /** What an operator says of it. */
  readonly customMetadata: Texts | null;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly mergedFrom: readonly string[] | null;
}

/** One person or workload, whichever door it comes in by. */
export interface EntityRecord {
  readonly id: string;
  readonly name: string;
  readonly metadata: Texts | null;
  readonly policies: readonly string[];
  readonly disabled: boolean;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly mergedIds: readonly string[] | null;
  /** At most one per auth mount: a template never has to choose (CVE-2021-43998). */
  readonly aliases: readonly AliasRecord[];
  /** Ids of the groups of which it is a direct member. */
  readonly groups: readonly string[];
  /** Ids of the methods of the second factor that it has a secret for. */
  readonly mfaMethods?: readonly string[];
  /** Roles that it has activated, or waits to. */
  readonly activations?: readonly Activation[];
}

export type GroupType = 'internal' | 'external';

/** Its members and member groups lie under keys of their own, so that a large group costs no more than a small one. */
export interface GroupRecord {
  readonly id: string;
  readonly name: string;
  readonly type: GroupType;
  readonly policies: readonly string[] | null;
  readonly metadata: Texts | null;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly modifyIndex: number;
  /** Ids of the groups of which it is a direct member. */
  readonly parents: readonly string[] | null;
  /** External groups only: the name of the group at the auth mount. */
  readonly alias: AliasRecord | null;
  /** The last change left it without members: shown as an empty list, not as null. */
  readonly emptied: boolean;
}

export const METADATA_PAIRS_MAX = 64;
export const METADATA_KEY_LENGTH_MAX = 128;
export const METADATA_VALUE_LENGTH_MAX = 512;
export const NAME_LENGTH_MAX = 512;
/** Longest name at an auth mount: a certificate's subject or a directory's distinguished name. */
export const ALIAS_NAME_LENGTH_MAX = 2048;
export const POLICIES_MAX = 256;
/** Members, or member groups, that one request may add or remove. */
export const MEMBERS_AT_ONCE_MAX = 1000;
/** Groups that one entity may be in, inherited ones included: bounds the work of a login. */
export const GROUPS_OF_ENTITY_MAX = 2000;
/** Entities, aliases or groups that one listing answers. */
export const LISTED_MAX = 100_000;

/** Vault's multi-error text. */
export function listed(text: string): string {
  return `1 error occurred:\n\t* ${text}\n\n`;
}

/** @throws {RequestError} when metadata is too large; `what` says whose it is */
export function checkMetadata(metadata: Texts | null | undefined, what: string): void {
  if (metadata === null || metadata === undefined) return;
  const entries = Object.entries(metadata);
  let problem: string | undefined;
  if (entries.length > METADATA_PAIRS_MAX)
    problem = `metadata cannot contain more than ${METADATA_PAIRS_MAX} key/value pairs`;
  for (const [key, value] of entries) {
    if (key === '') problem = 'a key must not be empty';
    if (key.length > METADATA_KEY_LENGTH_MAX)
      problem = `key is too long (limit: ${METADATA_KEY_LENGTH_MAX} characters)`;
    if (value === '' && what === 'custom') problem = 'a value must not be empty';
    if (value.length > METADATA_VALUE_LENGTH_MAX)
      problem = `value is too long (limit: ${METADATA_VALUE_LENGTH_MAX} characters)`;
  }
  if (problem !== undefined) {
    throw invalidRequest(listed(`invalid ${what} metadata: ${problem}`), { vaultStatus: 500 });
  }
}

/** Metadata after a write: `null` takes it away, and what was not sent stays. */
export function writtenTexts(
  sent: unknown,
  read: Texts | null | undefined,
  before: Texts | null,
): Texts | null {
  if (sent === null) return null;
  return read === undefined || read === null ? before : { ...read };
}

/** Lower-cased, each once, never `root` in any spelling (CVE-2024-9180). @throws {RequestError} */
export function checkedPolicies(names: readonly string[]): readonly string[] {
  refuseRoot(names);
  const policies = [...new Set(names.map((name) => name.trim().toLowerCase()))];
  if (policies.length > POLICIES_MAX)
    throw invalidRequest(`at most ${POLICIES_MAX} policies are allowed`);
  return policies.filter((name) => name !== '').sort();
}

/** @throws {RequestError} */
export function checkName(name: string, what: string, lengthMax: number = NAME_LENGTH_MAX): void {
  if (name.length > lengthMax || !name.isWellFormed() || name.includes('\0'))
    throw invalidRequest(`the ${what} is too long or not text`);
}

function settledTexts(texts: Texts | null): Texts | null {
  return texts === null || Object.keys(texts).length === 0 ? null : texts;
}

/**
 * A record before its next change. What was set to "empty" is shown as empty until then, and as null afterwards: clients of
 * the reference see it so.
 */
export function settledAlias(alias: AliasRecord): AliasRecord {
  return {
    ...alias,
    metadata: settledTexts(alias.metadata),
    customMetadata: settledTexts(alias.customMetadata),
  };
}

export function settledEntity(entity: EntityRecord): EntityRecord {
  return {
    ...entity,
    metadata: settledTexts(entity.metadata),
    aliases: entity.aliases.map(settledAlias),
  };
}

export function settledGroup(group: GroupRecord): GroupRecord {
  return {
    ...group,
    metadata: settledTexts(group.metadata),
    policies: group.policies?.length === 0 ? null : group.policies,
    parents: group.parents?.length === 0 ? null : group.parents,
    emptied: false,
  };
}

/** True when both hold the same pairs; null is as good as empty. */
export function sameTexts(a: Texts | null, b: Texts | null): boolean {
  const left = Object.entries(a ?? {});
  const right = b ?? {};
  return (
    left.length === Object.keys(right).length &&
    left.every(([key, value]) => Object.hasOwn(right, key) && right[key] === value)
  );
}

/** Ids are ours: whatever else a caller sends cannot be one, and must not become part of a key. */
export function isId(text: string): boolean {
  return text.length <= 128 && /^[\w.-]+$/.test(text);
}
