/**
 * The versioned secret: what every protocol's view shows a part of. Pure data and pure transitions; no storage, no wire.
 * Values of versions are not here: the version table says which exist, the store keeps them (docs/decisions/0005).
 */

import type { JsonObject } from '../../../base/json.ts';

/** Versions that are kept when neither the secret nor the mount says how many. */
const KEPT_VERSIONS_DEFAULT = 10;
/** Most versions that are kept whatever the settings say: the version table is one record. */
export const KEPT_VERSIONS_MAX = 10_000;

/** How a version's bytes are to be read. `object`: the compact JSON text of an object that came through the KV API. */
export type ValueForm = 'object' | 'text' | 'binary';

export interface Version {
  readonly number: number;
  /** UUID; for a version made by a KV write it is the id of that request, so that it leads to the audit record. */
  readonly id: string;
  readonly createdMs: number;
  /** When it becomes, or became, soft-deleted; absent = never. */
  readonly deletedMs?: number;
  /** Its value is gone for good. */
  readonly destroyed?: true;
  /** Absent = `object`. */
  readonly form?: Exclude<ValueForm, 'object'>;
  /** What the writer called the content: `text/plain`, `application/x-pkcs12` … */
  readonly contentType?: string;
  /** Switched off: kept, but not handed out. */
  readonly disabled?: true;
  readonly notBeforeMs?: number;
  readonly expiresMs?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** The caller's own id of the write, by which a repeated write is recognised. */
  readonly writeToken?: string;
}

export interface Secret {
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Highest number ever given; 0 = nothing was written yet. */
  readonly newest: number;
  /** The version that a read without a number answers; absent = the newest. */
  readonly served?: number;
  /** Lowest number that may still be in the table; 0 until something was purged. */
  readonly oldest: number;
  /** 0 = the mount's. */
  readonly maxVersions: number;
  readonly casRequired: boolean;
  readonly metadataCasRequired: boolean;
  /** Counts the changes of the metadata, apart from those of the value. */
  readonly metadataVersion: number;
  /** 0 = the mount's. */
  readonly deleteVersionAfterSeconds: number;
  readonly customMetadata: Readonly<Record<string, string>>;
  /** Names that point at versions: staging labels, version aliases. */
  readonly labels?: Readonly<Record<string, number>>;
  /** What other APIs keep of a secret beside all this, each under a name of its own. Never a value. */
  readonly attributes?: Readonly<JsonObject>;
  /** Ascending by number. */
  readonly versions: readonly Version[];
}

/** Settings of the mount that bear on versions. */
export interface KeepingRules {
  /** 0 = not set. */
  readonly maxVersions: number;
  /** 0 = not set, negative = no version is ever deleted by age. */
  readonly deleteVersionAfterSeconds: number;
}

export function emptySecret(nowMs: number): Secret {
  return {
    createdMs: nowMs,
    updatedMs: nowMs,
    newest: 0,
    oldest: 0,
    maxVersions: 0,
    casRequired: false,
    metadataCasRequired: false,
    metadataVersion: 0,
    deleteVersionAfterSeconds: 0,
    customMetadata: {},
    versions: [],
  };
}

/** The number that a read without a number answers, and that check-and-set compares with. */
export function servedNumber(secret: Secret): number {
  return secret.served ?? secret.newest;
}

export function findVersion(secret: Secret, number: number): Version | undefined {
  // The newest are asked for most.
  return secret.versions.findLast((version) => version.number === number);
}

/** True when the version's time has come. A deletion takes effect at its very millisecond. */
export function isDeleted(version: Version, nowMs: number): boolean {
  return version.deletedMs !== undefined && version.deletedMs <= nowMs;
}

/** True when the version's value may be handed out, whatever the API. */
export function isReadable(version: Version, nowMs: number): boolean {
  return version.destroyed !== true && version.disabled !== true && !isDeleted(version, nowMs);
}

/** When a version made (or brought back) now is to be deleted: the shorter of the two settings. */
export function deletionTimeMs(
  rules: KeepingRules,
  secret: Pick<Secret, 'deleteVersionAfterSeconds'>,
  nowMs: number,
): number | undefined {
  if (rules.deleteVersionAfterSeconds < 0) return undefined;
  const seconds = [rules.deleteVersionAfterSeconds, secret.deleteVersionAfterSeconds].filter(
    (value) => value > 0,
  );
  return seconds.length === 0 ? undefined : nowMs + Math.min(...seconds) * 1000;
}

function keptVersions(rules: KeepingRules, secret: Secret): number {
  const wanted = Math.max(rules.maxVersions, secret.maxVersions);
  return Math.min(wanted > 0 ? wanted : KEPT_VERSIONS_DEFAULT, KEPT_VERSIONS_MAX);
}

/** What is known of a version before it has a number and a time. */
export type NewVersion = Omit<Version, 'number' | 'createdMs' | 'deletedMs' | 'destroyed'>;

export interface Placement {
  /** Leaves the served version as it is; the first version of a secret is served all the same. */
  readonly keepServed?: boolean;
  /** Labels that move to the new version. */
  readonly labels?: readonly string[];
}

export interface VersionAdded {
  readonly secret: Secret;
  readonly version: Version;
  /** Versions that fell out of the table; their values are to be removed. */
  readonly purged: readonly number[];
}

/** Adds a version and drops those beyond the number to keep. The served one and labelled ones stay. */
export function addVersion(
  secret: Secret,
  fresh: NewVersion,
  rules: KeepingRules,
  nowMs: number,
  placement: Placement = {},
): VersionAdded {
  const number = secret.newest + 1;
  const deletedMs = deletionTimeMs(rules, secret, nowMs);
  const version: Version = {
    ...fresh,
    number,
    createdMs: nowMs,
    ...(deletedMs === undefined ? {} : { deletedMs }),
  };
  const kept = keptVersions(rules, secret);
  const overflows = number - secret.oldest >= kept;
  const oldest = overflows ? number - kept + 1 : secret.oldest;
  const labels = moveLabels(secret.labels, placement.labels ?? [], number);
  const served = servedNumber(secret);
  const keepServed = placement.keepServed === true && findVersion(secret, served) !== undefined;
  const held = new Set([...Object.values(labels), ...(keepServed ? [served] : [])]);
  const stays = (one: Version): boolean => one.number >= oldest || held.has(one.number);
  const { served: _served, labels: _labels, ...rest } = secret;
  return {
    secret: {
      ...rest,
      newest: number,
      oldest,
      updatedMs: nowMs,
      ...(keepServed ? { served } : {}),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      versions: [...secret.versions.filter(stays), version],
    },
    version,
    purged: secret.versions.filter((one) => !stays(one)).map((one) => one.number),
  };
}

type Labels = Readonly<Record<string, number>>;

function moveLabels(labels: Labels | undefined, moved: readonly string[], number: number): Labels {
  if (moved.length === 0) return labels ?? {};
  return Object.fromEntries([
    ...Object.entries(labels ?? {}),
    ...moved.map((label): [string, number] => [label, number]),
  ]);
}

/** Points labels at versions; 0 takes a label away. Numbers that name no version are the caller's to refuse. */
export function setLabels(secret: Secret, changes: Labels): Secret {
  const labels = new Map(Object.entries(secret.labels ?? {}));
  for (const [label, number] of Object.entries(changes)) {
    if (number === 0) labels.delete(label);
    else labels.set(label, number);
  }
  const { labels: _labels, ...rest } = secret;
  return labels.size === 0 ? rest : { ...rest, labels: Object.fromEntries(labels) };
}

/** Attributes of a version that can change after it was written; undefined takes one away, absent leaves it. */
export interface AttributeChanges {
  readonly contentType?: string | undefined;
  readonly disabled?: boolean;
  readonly notBeforeMs?: number | undefined;
  readonly expiresMs?: number | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** Changes attributes of one version; a destroyed one keeps its own. */
export function changeAttributes(
  secret: Secret,
  number: number,
  changes: AttributeChanges,
): Secret {
  const { disabled, ...others } = changes;
  return changeVersions(secret, [number], (version) => {
    const merged = Object.entries({ ...version, ...others }).filter(
      ([name, value]) => value !== undefined && (name !== 'disabled' || disabled === undefined),
    );
    const changed = Object.fromEntries(merged) as unknown as Version;
    return disabled === true ? { ...changed, disabled: true } : changed;
  });
}

function changeVersions(
  secret: Secret,
  numbers: readonly number[],
  change: (version: Version) => Version,
): Secret {
  const chosen = new Set(numbers);
  return {
    ...secret,
    versions: secret.versions.map((version) =>
      chosen.has(version.number) && version.destroyed !== true ? change(version) : version,
    ),
  };
}

/** Soft-deletes versions; what is deleted already keeps its time. */
export function deleteVersions(secret: Secret, numbers: readonly number[], nowMs: number): Secret {
  return changeVersions(secret, numbers, (version) =>
    isDeleted(version, nowMs) ? version : { ...version, deletedMs: nowMs },
  );
}

/** Takes soft deletions back; the age limit counts anew from now. */
export function undeleteVersions(
  secret: Secret,
  numbers: readonly number[],
  rules: KeepingRules,
  nowMs: number,
): Secret {
  const next = deletionTimeMs(rules, secret, nowMs);
  return changeVersions(secret, numbers, ({ deletedMs: _gone, ...version }) =>
    next === undefined ? version : { ...version, deletedMs: next },
  );
}

export interface VersionsDestroyed {
  readonly secret: Secret;
  /** The versions that this call destroyed; their values are to be removed. */
  readonly destroyed: readonly number[];
}

/** Destroys versions for good. */
export function destroyVersions(secret: Secret, numbers: readonly number[]): VersionsDestroyed {
  const destroyed: number[] = [];
  const changed = changeVersions(secret, numbers, (version) => {
    destroyed.push(version.number);
    return { ...version, destroyed: true };
  });
  return { secret: changed, destroyed };
}
