/**
 * What a move leaves in a store: that a copy is arriving and is not whole yet, or that everything has moved elsewhere. In neither
 * case may a server work on it. The marker stands in clear among the records that the seal keeps, for it is read before any key is there.
 */
import { isJsonObject, parseJson } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import { isWritableTime } from '../../base/time-format.ts';
import { CLEAR_PREFIX } from '../../barrier/storage-keys.ts';
import { StorageError } from '../../storage/storage.ts';
import type { Storage } from '../../storage/storage.ts';

/** Never copied, and not counted. */
export const MOVE_MARKER_KEY: string = `${CLEAR_PREFIX}move`;
const FORMAT = 1;

export interface MoveMarker {
  /** The same in both stores of one move. */
  readonly id: string;
  readonly state: 'arriving' | 'moved';
  /** The store at the other end, in words. */
  readonly other: string;
  readonly sinceMs: number;
}

/** The store is not the place where the data is, or not yet. */
export class MovedError extends StorageError {}

/** Longest text of another store that is kept. */
const WORDS_MAX = 500;

interface Kept {
  readonly marker: MoveMarker;
  readonly revision: number;
}

/** The store is not trusted: what its mark says is read with care. @throws {StorageError} it cannot be read. */
export async function readMarker(storage: Storage): Promise<Kept | undefined> {
  const [entry] = await storage.read([MOVE_MARKER_KEY]);
  if (entry === undefined) return undefined;
  const { format, id, state, other, sinceMs } = fieldsOf(entry.value);
  if (format !== FORMAT) {
    throw new StorageError('the store was moved by a newer version of Strongroom: use that one');
  }
  const isKnown = state === 'arriving' || state === 'moved';
  if (!isKnown || typeof id !== 'string' || typeof other !== 'string') throw unreadable();
  const words = other.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?').slice(0, WORDS_MAX);
  const since = typeof sinceMs === 'number' && isWritableTime(sinceMs) ? sinceMs : 0;
  return { marker: { id, state, other: words, sinceMs: since }, revision: entry.revision };
}

function fieldsOf(value: Buffer): JsonObject {
  try {
    const fields = parseJson(value.toString('utf8'));
    if (isJsonObject(fields)) return fields;
  } catch {
    // Told below.
  }
  throw unreadable();
}

function unreadable(): StorageError {
  return new StorageError('the mark of a move in the store cannot be read: it was tampered with');
}

/** Writes the marker in place of the one that was read. @throws {ConflictError} it is another one by now. */
export async function writeMarker(
  storage: Storage,
  before: Kept | undefined,
  marker: MoveMarker,
): Promise<void> {
  const revision = (before?.revision ?? 0) + 1;
  const value = Buffer.from(JSON.stringify({ format: FORMAT, ...marker }));
  await storage.commit({
    checks: [{ key: MOVE_MARKER_KEY, revision: before?.revision }],
    puts: [{ key: MOVE_MARKER_KEY, value, revision }],
    deletes: [],
  });
}

export async function removeMarker(storage: Storage, before: Kept): Promise<void> {
  await storage.commit({
    checks: [{ key: MOVE_MARKER_KEY, revision: before.revision }],
    puts: [],
    deletes: [MOVE_MARKER_KEY],
  });
}

/** Demands that the store is whole and the place where the data is. @throws {MovedError} */
export async function assertSettled(storage: Storage): Promise<void> {
  const found = await readMarker(storage);
  if (found === undefined) return;
  const { state, other, sinceMs } = found.marker;
  const since = new Date(sinceMs).toISOString();
  throw new MovedError(
    state === 'arriving'
      ? `the store holds an unfinished copy of ${other}, begun at ${since}: run "strongroom operator migrate" again, which goes on with it`
      : `the data was moved to ${other} at ${since}: start the server with that store. ` +
          'To go on with this one, and without what was written there since: "strongroom operator migrate -release"',
  );
}
