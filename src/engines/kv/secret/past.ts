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
 * What a read would have been answered from. A version that may not have been the current one is never passed off as it: then the
 * state is `lost`.
 * @param asOfMs undefined = when the snapshot was made, at `snapshotMs`
 */
export function versionThen(
  { live, snapshot }: Tables,
  asOfMs: number | undefined,
  snapshotMs: number,
): PastVersion {
  const version =
    asOfMs === undefined
      ? snapshot && findVersion(snapshot, servedNumber(snapshot))
      : currentAt({ live, snapshot }, asOfMs, snapshotMs);
  if (version === 'unknown') return { state: 'lost', version: undefined };
  if (version === undefined) return { state: 'absent' };
  const atMs = asOfMs ?? snapshotMs;
  if (endedBefore(version, snapshot, atMs) || endedBefore(version, live, atMs)) {
    return { state: 'deleted', version };
  }
  if (holds(live, version)) return { state: 'found', version, source: 'versions' };
  if (holds(snapshot, version)) return { state: 'found', version, source: 'snapshot' };
  return { state: 'lost', version };
}

/** The newest version of that time, if it is certain that no newer one was forgotten since. */
function currentAt(
  { live, snapshot }: Tables,
  atMs: number,
  snapshotMs: number,
): Version | 'unknown' | undefined {
  // Up to its own time the snapshot knows everything that was there then; after that only the present can.
  const knowing = atMs <= snapshotMs ? (snapshot ?? live) : live;
  if (knowing === undefined || knowing.createdMs > atMs) {
    const forgotten = atMs > snapshotMs && snapshot !== undefined;
    return forgotten ? 'unknown' : undefined;
  }
  const tables = [live, snapshot].filter((one) => one?.createdMs === knowing.createdMs);
  const found = tables.reduce<Version | undefined>(
    (newest, table) => later(newest, newestBefore(table, atMs)),
    undefined,
  );
  const next = (found?.number ?? 0) + 1;
  if (next > knowing.newest) return found;
  const after = tables.some((table) =>
    table?.versions.some(({ number, createdMs }) => number === next && createdMs > atMs),
  );
  return after ? found : 'unknown';
}

function newestBefore(secret: Secret | undefined, atMs: number): Version | undefined {
  return secret?.versions.findLast(({ createdMs }) => createdMs <= atMs);
}

function later(a: Version | undefined, b: Version | undefined): Version | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.number > a.number ? b : a;
}

function holds(secret: Secret | undefined, { id }: Version): boolean {
  const own = secret?.versions.find((one) => one.id === id);
  return own !== undefined && own.destroyed !== true;
}

/** Whether that version, or the whole secret, was deleted at that time as far as this table knows. */
function endedBefore(version: Version, secret: Secret | undefined, atMs: number): boolean {
  const own = secret?.versions.find((one) => one.id === version.id);
  if (secret === undefined || own === undefined) return false;
  const ends = [own.deletedMs, own.destroyedMs, secret.deletedMs];
  return ends.some((ms) => ms !== undefined && ms <= atMs) || isPurged(secret, atMs);
}
