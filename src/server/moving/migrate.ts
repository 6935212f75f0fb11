/**
 * Moves everything from one store to another while no server runs on either: the records as they are, ciphertext, keys and
 * revisions, so that the same key shares open them. It can be killed at any moment and run again.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom, uuid } from '../../base/random.ts';
import { storeFiles } from '../../storage/sqlite/data-directory.ts';
import { StorageError } from '../../storage/storage.ts';
import type { CountedStorage } from '../../storage/storage.ts';
import { loadConfig } from '../config/load-config.ts';
import { openLasting, storeWords } from '../start/open-storage.ts';
import type { LastingConfig } from '../start/open-storage.ts';
import { readMarker, removeMarker, writeMarker } from './move-marker.ts';
import { bringInLine, contentsOf, equalContents } from './walk.ts';
import type { Changes, Contents } from './walk.ts';

/**
 * How long a shared store must stand still before it counts as left by all servers: each that is unsealed writes a record of
 * itself more often than this.
 */
export const QUIET_MS = 5_000;
/** A page of large records takes longer than a request may. */
const DEADLINE_SECONDS_MIN = 120;

export type Phase = 'watching' | 'copying' | 'reading the source' | 'reading the copy';

export interface MoveOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** See {@link QUIET_MS}. */
  readonly quietMs?: number;
  /** `total` is undefined where there is nothing to count. */
  readonly progress?: (phase: Phase, done: number, total: number | undefined) => void;
}

export interface MigrateCommand extends MoveOptions {
  /** Configuration files or folders of the servers; their storage blocks count. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** Leaves the source as a store that a server may start on. */
  readonly keepSource: boolean;
}

export interface MoveReport {
  readonly from: string;
  readonly to: string;
  readonly contents: Contents;
  readonly changes: Changes;
  /** It went on with a copy that was cut off. */
  readonly resumed: boolean;
}

/** @throws {Error} the target is not empty, a store is in use, or both do not hold the same in the end. */
export async function migrate(command: MigrateCommand): Promise<MoveReport> {
  const { clock = systemClock, progress = () => {} } = command;
  const [source, target] = [
    storeOf(command.from, command.environment, true),
    storeOf(command.to, command.environment, false),
  ];
  if (source.words === target.words) throw new StorageError('both are the same store');
  return await withStore(source, async (from) => {
    const start = await standsStill(source, from, command, clock);
    return await withStore(target, async (to) => {
      const begun = await begin(from, to, source, clock);
      const total = await from.count();
      const changes = await bringInLine(from, to, (done) => progress('copying', done, total));
      const contents = await compared(from, to, progress);
      if ((await from.commitNumber()) !== start) throw inUse(source.words);
      if (!command.keepSource && begun.source === undefined) {
        const marker = { ...begun.target.marker, other: target.words, state: 'moved' as const };
        await writeMarker(from, undefined, { ...marker, sinceMs: clock.nowMs() });
        // Whoever wrote in between would show here; the copy is not set free then.
        if ((await from.commitNumber()) !== start + 1) throw inUse(source.words);
      }
      await removeMarker(to, begun.target);
      return { from: source.words, to: target.words, contents, changes, resumed: begun.resumed };
    });
  });
}

/** Compares two stores that no server runs on. @throws {StorageError} they differ. */
export async function compareStores(
  command: Pick<MigrateCommand, 'from' | 'to' | 'environment' | 'progress'>,
): Promise<Omit<MoveReport, 'changes' | 'resumed'>> {
  const [source, target] = [
    storeOf(command.from, command.environment, true),
    storeOf(command.to, command.environment, true),
  ];
  return await withStore(source, (from) =>
    withStore(target, async (to) => ({
      from: source.words,
      to: target.words,
      contents: await compared(from, to, command.progress ?? (() => {})),
    })),
  );
}

/** Lets servers start again on a store that was moved. @returns the store in words. */
export async function release(
  paths: readonly string[],
  environment: MoveOptions['environment'],
): Promise<string> {
  const store = storeOf(paths, environment, true);
  await withStore(store, async (storage) => {
    const found = await readMarker(storage);
    if (found === undefined) throw new StorageError(`${store.words} was not moved`);
    if (found.marker.state === 'arriving') {
      throw new StorageError(
        `${store.words} holds an unfinished copy, which is of no use to a server: ` +
          'finish it with "operator migrate", or remove it',
      );
    }
    await removeMarker(storage, found);
  });
  return store.words;
}

interface Store {
  readonly config: LastingConfig;
  /** Where it is, without a password. */
  readonly words: string;
}

function storeOf(
  paths: readonly string[],
  environment: MoveOptions['environment'],
  mustExist: boolean,
): Store {
  const { storage } = loadConfig(paths, { environment, warn: () => {} });
  if (storage.kind === 'inmem') {
    throw new StorageError('storage "inmem" ends with its server: there is nothing to move');
  }
  if (storage.kind === 'sqlite') {
    const words = storeWords(storage, environment);
    if (mustExist && !existsSync(storeFiles(resolve(storage.path)).database)) {
      throw new StorageError(`${words} does not exist`);
    }
    return { config: storage, words };
  }
  const deadlineSeconds = Math.max(storage.deadlineSeconds, DEADLINE_SECONDS_MIN);
  return {
    config: { ...storage, deadlineSeconds },
    words: storeWords(storage, environment),
  };
}

async function withStore<Result>(
  { config }: Store,
  body: (storage: CountedStorage) => Promise<Result>,
): Promise<Result> {
  let failure: StorageError | undefined;
  const storage = await openLasting(config, {
    log: silentLog,
    onFatal: (error) => (failure = error),
  });
  try {
    const result = await body(storage);
    if (failure !== undefined) throw failure;
    return result;
  } finally {
    await storage.close();
  }
}

/** The number of the source's newest commit, when no server writes to it. An embedded store has one owner: this process. */
async function standsStill(
  { config, words }: Store,
  storage: CountedStorage,
  { quietMs = QUIET_MS, progress }: MoveOptions,
  clock: Clock,
): Promise<number> {
  const start = await storage.commitNumber();
  if (config.kind === 'sqlite') return start;
  progress?.('watching', 0, undefined);
  const { promise, resolve: over } = Promise.withResolvers<void>();
  clock.after(quietMs, over);
  // The clock's timers keep no process alive, and the driver may have no open socket for a moment.
  const awake = setInterval(() => {}, quietMs);
  await promise;
  clearInterval(awake);
  if ((await storage.commitNumber()) !== start) throw inUse(words);
  return start;
}

function inUse(words: string): StorageError {
  return new StorageError(
    `a server is working on ${words}: stop every server on it and run this again`,
  );
}

interface Begun {
  readonly target: NonNullable<Awaited<ReturnType<typeof readMarker>>>;
  /** Set when the source was marked by an earlier run of the same move. */
  readonly source: NonNullable<Awaited<ReturnType<typeof readMarker>>> | undefined;
  readonly resumed: boolean;
}

/** Marks the target as a copy that is not whole, or finds the mark of the run before. */
async function begin(
  from: CountedStorage,
  to: CountedStorage,
  source: Store,
  clock: Clock,
): Promise<Begun> {
  const [there, here] = [await readMarker(to), await readMarker(from)];
  if (here?.marker.state === 'arriving') {
    throw new StorageError(`${source.words} is an unfinished copy of ${here.marker.other} itself`);
  }
  if (here !== undefined && here.marker.id !== there?.marker.id) {
    throw new StorageError(
      `${source.words} was moved to ${here.marker.other}: move from there, or release it first`,
    );
  }
  if (there?.marker.state === 'arriving') return { target: there, source: here, resumed: true };
  if (there !== undefined || (await to.scan('', undefined, 1)).length > 0) {
    throw new StorageError('the target holds data: it must be empty');
  }
  if ((await from.scan('', undefined, 1)).length === 0) {
    throw new StorageError(`${source.words} holds nothing`);
  }
  const marker = {
    id: uuid(systemRandom),
    state: 'arriving' as const,
    other: source.words,
    sinceMs: clock.nowMs(),
  };
  await writeMarker(to, undefined, marker);
  const target = await readMarker(to);
  if (target === undefined) throw new StorageError('the mark of the copy is gone at once');
  return { target, source: undefined, resumed: false };
}

/** What both hold. @throws {StorageError} they differ. */
async function compared(
  from: CountedStorage,
  to: CountedStorage,
  progress: NonNullable<MoveOptions['progress']>,
): Promise<Contents> {
  const [total, copied] = [await from.count(), await to.count()];
  const here = await contentsOf(from, (done) => progress('reading the source', done, total));
  const there = await contentsOf(to, (done) => progress('reading the copy', done, copied));
  if (equalContents(here, there)) return here;
  throw new StorageError(
    `the stores differ: ${here.records} records, ${here.bytes} bytes, sha256 ${here.digest} in the source; ` +
      `${there.records} records, ${there.bytes} bytes, sha256 ${there.digest} in the target`,
  );
}
