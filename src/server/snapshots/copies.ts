/** Copies of the store, whatever store it is, and the folder that they lie in until they are delivered. */
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../base/files/make-folder.ts';
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import type { MadeSnapshot } from '../../snapshots/make.ts';
import { createSqliteCopy } from '../../storage/sqlite/copy.ts';
import type { BackupStorage, Storage, WalkableStorage } from '../../storage/storage.ts';
import type { ByteStream } from '../../model/reply.ts';

const OTHERS = 0o077;

/** How a consistent copy of `storage` is written to a new file; undefined when it gives none. */
export function copierOf(storage: Storage): ((file: string) => Promise<void>) | undefined {
  if ('backup' in storage) return (file) => (storage as BackupStorage).backup(file);
  if (!('walk' in storage)) return undefined;
  return async (file) => {
    const copy = createSqliteCopy(file);
    try {
      await (storage as WalkableStorage).walk((entries) => copy.add(entries));
      copy.finish();
    } catch (error) {
      copy.abort();
      throw error;
    }
  };
}

export interface WorkDirectory {
  /** Names a new file in the folder. */
  readonly file: () => string;
  /** Takes the folder away if it was only made for this process. */
  readonly remove: () => void;
}

/** Working files begin with this and the number of the process that they belong to. */
const WORK_PREFIX = 'snapshot-work-';

/**
 * @param directory one that nobody else can enter; without it one of this process in the system's folder for temporary files. What
 * processes that ended have left in it is removed.
 */
export function workDirectory(directory: string | undefined, random: Random): WorkDirectory {
  let own: string | undefined;
  if (directory !== undefined) sweep(directory);
  return {
    file() {
      const folder = directory ?? (own ??= temporaryFolder());
      return join(folder, `${WORK_PREFIX}${process.pid}-${uuid(random)}`);
    },
    remove() {
      if (own !== undefined) rmSync(own, { recursive: true, force: true });
      own = undefined;
    },
  };
}

/** Folders in the system's folder for temporary files begin with this and the number of their process. */
const FOLDER_PREFIX = 'strongroom-work-';

/** Only its owner can enter it. Those of our own that processes left which ended are removed. */
function temporaryFolder(): string {
  const uid = process.getuid?.();
  for (const name of readdirSync(tmpdir())) {
    const folder = join(tmpdir(), name);
    if (!name.startsWith(FOLDER_PREFIX) || isRunning(pidOf(name, FOLDER_PREFIX))) continue;
    const stat = lstatSync(folder, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true && stat.uid === uid) rmSync(folder, { recursive: true });
  }
  return mkdtempSync(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
}

function pidOf(name: string, prefix: string): number {
  return Number.parseInt(name.slice(prefix.length), 10);
}

/** Makes the folder, or demands that others cannot enter it. @throws {Error} */
export function privateDirectory(directory: string): string {
  makeFolder(directory, 0o700);
  const stat = lstatSync(directory);
  if (!stat.isDirectory()) throw new Error(`${directory} is no folder`);
  if (process.platform !== 'win32' && (stat.mode & OTHERS) !== 0) {
    throw new Error(`${directory} can be entered by other users: chmod it to 0700`);
  }
  return directory;
}

function sweep(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(WORK_PREFIX)) continue;
    const pid = pidOf(name, WORK_PREFIX);
    if (pid !== process.pid && isRunning(pid)) continue;
    rmSync(join(directory, name), { recursive: true, force: true });
  }
}

/** What has no number counts as running: it is not ours to remove. */
function isRunning(pid: number): boolean {
  if (!(pid > 0)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** A snapshot on its way to a client; its file is gone when that is over, one way or the other. */
export function streamOf(made: Pick<MadeSnapshot, 'bytes' | 'stream' | 'discard'>): ByteStream {
  const pieces = made.stream();
  let discarded = false;
  const discard = (): void => {
    if (discarded) return;
    discarded = true;
    void made.discard();
  };
  return {
    lengthBytes: made.bytes,
    async *[Symbol.asyncIterator]() {
      try {
        yield* pieces;
      } finally {
        discard();
      }
    },
    destroy: discard,
  };
}
