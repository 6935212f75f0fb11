/** The history of one secret, as metadata/ shows it, and what of it is missing elsewhere. Pure. */
import { parseTime } from '../../../../base/time-format.ts';
import { parseGoDuration } from '../../../../base/duration.ts';
import { isJsonObject } from '../../../../client/json.ts';
import type { JsonObject, JsonValue } from '../../../../client/json.ts';
import { equalJson } from '../compare.ts';

/** Versions of one secret that an import takes. */
export const VERSIONS_MAX = 10_000;

export interface VersionState {
  readonly number: number;
  readonly createdTime: string;
  readonly deletionTime: string;
  readonly destroyed: boolean;
}

export interface History {
  /** Ascending. */
  readonly versions: readonly VersionState[];
  readonly current: number;
  /** As the body of an import takes them. */
  readonly settings: JsonObject;
  readonly times: JsonObject;
}

/** @throws {Error} it is no metadata of a secret */
export function historyOf(data: JsonObject): History {
  const table = data['versions'];
  if (!isJsonObject(table)) throw new Error('the source shows no versions');
  const entries = Object.entries(table);
  if (entries.length > VERSIONS_MAX) throw new Error(`it has more than ${VERSIONS_MAX} versions`);
  const versions = entries.map(([name, raw]) => versionOf(name, raw));
  versions.sort((one, other) => one.number - other.number);
  const custom = data['custom_metadata'];
  return {
    versions,
    current: numberOf(data['current_version']),
    settings: {
      cas_required: data['cas_required'] === true,
      ...(data['metadata_cas_required'] === true ? { metadata_cas_required: true } : {}),
      max_versions: numberOf(data['max_versions']),
      delete_version_after: textOf(data['delete_version_after']) || '0s',
      custom_metadata: isJsonObject(custom) ? custom : {},
    },
    times: {
      ...timeMember('created_time', data['created_time']),
      ...timeMember('updated_time', data['updated_time']),
      oldest_version: numberOf(data['oldest_version']),
    },
  };
}

function versionOf(name: string, raw: JsonValue): VersionState {
  const number = /^\d{1,9}$/.test(name) ? Number(name) : 0;
  const createdTime = isJsonObject(raw) ? textOf(raw['created_time']) : '';
  if (!isJsonObject(raw) || number === 0 || parseTime(createdTime) === undefined) {
    throw new Error('a version has no number, or no time');
  }
  return {
    number,
    createdTime,
    deletionTime: textOf(raw['deletion_time']),
    destroyed: raw['destroyed'] === true,
  };
}

function timeMember(name: string, value: JsonValue | undefined): JsonObject {
  const text = textOf(value);
  return parseTime(text) === undefined ? {} : { [name]: text };
}

function numberOf(value: JsonValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

export type Difference =
  | { readonly kind: 'same' }
  /** Nothing that is here has to go: versions to add, and versions whose states have changed. */
  | {
      readonly kind: 'further';
      readonly cas: number;
      readonly missing: readonly VersionState[];
      readonly changed: readonly VersionState[];
      readonly withSettings: boolean;
    }
  /** What is here is something else. */
  | { readonly kind: 'conflict'; readonly newest: number; readonly why: string };

/** What `source` has that `here` lacks. @param nowMs for deletions that are still to come */
export function difference(source: History, here: History | undefined, nowMs: number): Difference {
  if (here === undefined) {
    return { kind: 'further', cas: 0, missing: source.versions, changed: [], withSettings: true };
  }
  const newest = here.versions.at(-1)?.number ?? 0;
  const conflict = (why: string): Difference => ({ kind: 'conflict', newest, why });
  const known = new Map(here.versions.map((version) => [version.number, version]));
  const changed: VersionState[] = [];
  for (const version of source.versions) {
    if (version.number > newest) continue;
    const own = known.get(version.number);
    if (own === undefined || timeOf(own.createdTime) !== timeOf(version.createdTime)) {
      return conflict('its versions are others here');
    }
    const state = compareStates(version, own, nowMs);
    if (state === 'back') return conflict('a version that was deleted there has come back');
    if (state === 'changed') changed.push(version);
  }
  const last = source.versions.at(-1)?.number ?? 0;
  if (newest > last) return conflict('it was written here since');
  if (!sameSettings(source.settings, here.settings)) return conflict('its settings differ here');
  const missing = source.versions.filter(({ number }) => number > newest);
  return missing.length === 0 && changed.length === 0
    ? { kind: 'same' }
    : { kind: 'further', cas: newest, missing, changed, withSettings: false };
}

/** The value of a deleted version cannot be read, so that it is destroyed here. */
function compareStates(
  there: VersionState,
  here: VersionState,
  nowMs: number,
): 'same' | 'changed' | 'back' {
  const isReadable = !there.destroyed && !isOver(there.deletionTime, nowMs);
  if (isReadable && here.destroyed) return 'back';
  const sameDeletion = timeOf(there.deletionTime) === timeOf(here.deletionTime);
  const sameEnd = there.destroyed === here.destroyed || here.destroyed;
  return sameDeletion && sameEnd ? 'same' : 'changed';
}

function isOver(deletionTime: string, nowMs: number): boolean {
  const ms = timeOf(deletionTime);
  return ms !== undefined && ms <= nowMs;
}

function timeOf(text: string): number | undefined {
  return text === '' ? undefined : parseTime(text);
}

function sameSettings(there: JsonObject, here: JsonObject): boolean {
  return Object.entries(there).every(([name, value]) => {
    const own = here[name] ?? null;
    return name === 'delete_version_after'
      ? parseGoDuration(textOf(value)) === parseGoDuration(textOf(own))
      : equalJson(value, own);
  });
}
