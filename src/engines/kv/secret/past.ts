/** Which version a secret had at an earlier time, and whether its value can still be had: pure, over two version tables. */
import { findVersion, isPurged, servedNumber } from './secret.ts';
import type { Secret, Version } from './secret.ts';

/** Where a value lies. */
export type Source = 'versions' | 'snapshot';

export type PastVersion =
  /** There was none, or the secret did not exist. */
  | { readonly state: 'absent' }
  /** It was deleted at that time. */
  | { readonly state: 'deleted'; readonly version: Version }
  /** It is known and its value is in neither place. */
  | { readonly state: 'lost'; readonly version: Version | undefined }
  | { readonly state: 'found'; readonly version: Version; readonly source: Source };

export interface Tables {
  /** As it is now; undefined = there is no such secret. */
  readonly live: Secret | undefined;
  /** As a snapshot has it; undefined = it has none, or none was asked. */
  readonly snapshot: Secret | undefined;
}

/**
 * What a read would have been answered from.
 * @param asOfMs undefined = when the snapshot was made, at `snapshotMs`
 */
export function versionThen(
  { live, snapshot }: Tables,
  asOfMs: number | undefined,
  snapshotMs: number,
): PastVersion {
  const atMs = asOfMs ?? snapshotMs;
  const version =
    asOfMs === undefined
      ? snapshot && findVersion(snapshot, servedNumber(snapshot))
      : newest(newestBefore(live, asOfMs), newestBefore(snapshot, asOfMs));
  if (version === undefined) {
    // Versions that are older than the oldest in the table were there, and fell out of it.
    const pruned = asOfMs !== undefined && hasPruned(live, asOfMs);
    return pruned ? { state: 'lost', version: undefined } : { state: 'absent' };
  }
  if (endedBefore(version, snapshot, atMs) || endedBefore(version, live, atMs)) {
    return { state: 'deleted', version };
  }
  if (holds(live, version)) return { state: 'found', version, source: 'versions' };
  if (holds(snapshot, version)) return { state: 'found', version, source: 'snapshot' };
  return { state: 'lost', version };
}

function newestBefore(secret: Secret | undefined, atMs: number): Version | undefined {
  return secret?.versions.findLast(({ createdMs }) => createdMs <= atMs);
}

function newest(a: Version | undefined, b: Version | undefined): Version | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.createdMs > a.createdMs ? b : a;
}

function hasPruned(secret: Secret | undefined, atMs: number): boolean {
  return secret !== undefined && secret.oldest > 1 && secret.createdMs <= atMs;
}

function holds(secret: Secret | undefined, { id }: Version): boolean {
  const own = secret?.versions.find((one) => one.id === id);
  return own !== undefined && own.destroyed !== true;
}

/** Whether that version, or the whole secret, was deleted at that time as far as this table knows. */
function endedBefore(version: Version, secret: Secret | undefined, atMs: number): boolean {
  const own = secret?.versions.find((one) => one.id === version.id);
  if (secret === undefined || own === undefined) return false;
  const deletedMs = Math.min(own.deletedMs ?? Infinity, secret.deletedMs ?? Infinity);
  return deletedMs <= atMs || isPurged(secret, atMs);
}
