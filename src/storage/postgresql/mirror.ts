/**
 * What this process knows of the committed state: up to which commit, and the entries that it has seen of it. Every commit of any
 * process has a number, counted up in one row, and leaves the keys that it wrote in a log; so one small statement brings
 * everything that is known here up to date, and what is known needs not be read again.
 */
import { EntryCache } from '../entry-cache.ts';
import { ReplacedError, StorageError } from '../storage.ts';
import type { Entry } from '../storage.ts';
import type { Row } from './link.ts';
import { BEHIND_MAX, eraOf, ROW } from './statements.ts';

/** The number of a commit, and its id: another history may count as far. */
export interface Place {
  readonly sequence: number;
  readonly id: string;
}

/** Entries that somebody needs at hand, values too large for the cache included, and those of them that are known now. */
export interface Pins {
  readonly wanted: ReadonlySet<string>;
  readonly known: Map<string, Entry | undefined>;
}

/** What a catch-up brought. */
export interface CatchUp {
  readonly place: Place;
  /** Whether the log reaches back to what was known. */
  readonly whole: boolean;
  /** The id under which the log has the commit that was known; undefined = it is there no more. */
  readonly knownId: string | undefined;
  readonly changed: ReadonlySet<string>;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** The answer of {@link Statements.catchUp}. */
export function catchUpOf(rows: readonly Row[], known: number): CatchUp {
  let place: Place | undefined;
  let knownId: string | undefined;
  let commits = 0;
  const changed = new Set<string>();
  const entries = new Map<string, Entry>();
  for (const [kind, name, number, value] of rows) {
    const [text, n] = [String(name), Number(number)];
    if (Number(kind) === ROW.sequence) place = { sequence: n, id: text };
    else if (Number(kind) === ROW.commit) {
      if (n === known) knownId = text;
      else commits += 1;
    } else if (Number(kind) === ROW.change) changed.add(text);
    else entries.set(text, { key: text, revision: n, value: value as Buffer });
  }
  if (place === undefined) throw new StorageError('the row of the sequence is gone');
  const behind = place.sequence - known;
  return { place, knownId, whole: behind <= BEHIND_MAX && commits === behind, changed, entries };
}

export class Mirror {
  readonly #cache: EntryCache;
  readonly #pins = new Set<Pins>();
  readonly #changed: (keys: readonly string[] | undefined) => void;
  #place: Place;

  /** @param changed is told of what others changed; undefined = anything. */
  constructor(
    place: Place,
    cacheBytesMax: number,
    changed: (keys: readonly string[] | undefined) => void,
  ) {
    this.#place = place;
    this.#cache = new EntryCache(cacheBytesMax);
    this.#changed = changed;
  }

  get place(): Place {
    return this.#place;
  }

  get cacheBytes(): number {
    return this.#cache.bytes;
  }

  /** The entry, `null` when there is none, `undefined` when that is not known. */
  get(key: string): Entry | null | undefined {
    return this.#cache.get(key);
  }

  /** Keeps what becomes known of these keys, and only as long as it is so, until {@link unpin}. */
  pin(wanted: ReadonlySet<string>): Pins {
    const pins: Pins = { wanted, known: new Map() };
    this.#pins.add(pins);
    return pins;
  }

  /** Those of the wanted keys of which nothing is known. */
  unknown({ wanted, known }: Pins): string[] {
    const unknown: string[] = [];
    for (const key of wanted) {
      if (known.has(key)) continue;
      const entry = this.#cache.get(key);
      if (entry === undefined) unknown.push(key);
      else known.set(key, entry ?? undefined);
    }
    return unknown;
  }

  unpin(pins: Pins): void {
    this.#pins.delete(pins);
  }

  /**
   * Goes on to the state of a catch-up.
   * @param wanted the keys that it was asked for.
   * @returns false when that state is older than what is known: nothing of it may be used.
   * @throws {StorageError} the database's history is another than the one known here.
   */
  advance(found: CatchUp, known: number, wanted: readonly string[]): boolean {
    const { place } = found;
    if (eraOf(place.sequence) > eraOf(this.#place.sequence)) throw new ReplacedError();
    if (known !== this.#place.sequence) {
      // A commit of ours came in between: the log's part of the answer begins before it.
      if (place.sequence < this.#place.sequence) return false;
    } else this.#assertHistory(found);
    if (place.sequence > this.#place.sequence) {
      if (found.whole) this.#forget(found.changed);
      else this.#forgetAll();
      this.#place = place;
    }
    for (const key of wanted) this.#know(key, found.entries.get(key));
    return true;
  }

  /** Goes on from `place` without anything that was known. */
  adopt(place: Place): void {
    this.#place = place;
    this.#forgetAll();
  }

  /** A commit of this process is durable. */
  committed(place: Place, writes: ReadonlyMap<string, Entry | undefined>): void {
    const behind = place.sequence - this.#place.sequence;
    if (behind < 0) return;
    if (behind > 1) this.#forgetAll();
    this.#place = place;
    for (const [key, entry] of writes) this.#know(key, entry);
  }

  #know(key: string, entry: Entry | undefined): void {
    this.#cache.set(key, entry);
    for (const pins of this.#pins) if (pins.wanted.has(key)) pins.known.set(key, entry);
  }

  #forget(keys: ReadonlySet<string>): void {
    if (keys.size === 0) return;
    for (const key of keys) {
      this.#cache.forget(key);
      for (const pins of this.#pins) pins.known.delete(key);
    }
    this.#changed([...keys]);
  }

  #forgetAll(): void {
    this.#cache.clear();
    for (const pins of this.#pins) pins.known.clear();
    this.#changed(undefined);
  }

  #assertHistory({ place, knownId, whole }: CatchUp): void {
    const { sequence, id } = this.#place;
    const lost = place.sequence < sequence;
    const other = whole && knownId !== undefined && knownId !== id;
    if (!lost && !other) return;
    throw new HistoryError(
      `the database has lost acknowledged commits: it is at ${place.sequence}, this process has seen ${sequence}. ` +
        'It was restored from a backup, or a standby took over that had not received everything.',
    );
  }
}

/** The database is not the one it was: nothing known here can be relied on. */
export class HistoryError extends StorageError {}
