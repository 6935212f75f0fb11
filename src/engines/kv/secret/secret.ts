/** Transitions of the versioned secret (model/secret.ts): pure, no storage, no wire. */
import { findVersion, isDeleted, servedNumber } from '../../../model/secret.ts';
import type { NewVersion, Placement, Secret, Version } from '../../../model/secret.ts';

export {
  findVersion,
  isDeleted,
  isGone,
  isPurged,
  isReadable,
  servedNumber,
} from '../../../model/secret.ts';
export type { NewVersion, Placement, Secret, ValueForm, Version } from '../../../model/secret.ts';

/** Versions that are kept when neither the secret nor the mount says how many. */
const KEPT_VERSIONS_DEFAULT = 10;
/** Most versions that are kept whatever the settings say: the version table is one record. */
export const KEPT_VERSIONS_MAX = 10_000;

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

export interface VersionAdded {
  readonly secret: Secret;
  readonly version: Version;
  /** Versions that fell out of the table; their values are to be removed. */
  readonly purged: readonly number[];
}

/** Adds a version and drops those beyond the number to keep. The served one, labelled ones and one in its grace stay. */
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
  const { keepUntilMs } = placement;
  const graced =
    keepUntilMs === undefined ? secret.graced : { number: served, untilMs: keepUntilMs };
  const inGrace = graced !== undefined && graced.untilMs > nowMs;
  const held = new Set([
    ...Object.values(labels),
    ...(keepServed ? [served] : []),
    ...(inGrace ? [graced.number] : []),
  ]);
  const stays = (one: Version): boolean => one.number >= oldest || held.has(one.number);
  const {
    served: _served,
    labels: _labels,
    previous: _previous,
    graced: _graced,
    ...rest
  } = secret;
  const previous = keepServed
    ? secret.previous
    : findVersion(secret, served) === undefined
      ? undefined
      : served;
  return {
    secret: {
      ...rest,
      ...(previous === undefined ? {} : { previous }),
      ...(inGrace ? { graced } : {}),
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
    if (disabled === true) return { ...changed, disabled: true };
    const { destroyMs: _destroy, ...kept } = changed;
    return disabled === false ? kept : changed;
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
