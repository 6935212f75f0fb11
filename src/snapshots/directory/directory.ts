/** Snapshots in a folder of this machine, or of a file system that it mounts. */
import { createReadStream } from 'node:fs';
import { lstat, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../base/files/make-folder.ts';
import { DestinationError } from '../destination.ts';
import type { Destination, Listed } from '../destination.ts';
import type { MadeSnapshot } from '../make.ts';
import { SUFFIX } from '../names.ts';

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** What a snapshot is called until it is whole. */
const PARTIAL = '.partial';
const PIECE_BYTES: number = 1024 * 1024;
/** Names of one folder that are looked at. */
const NAMES_MAX = 100_000;
/** Deliveries that have not grown for this long are not under way any more. */
const STALE_MS: number = 60 * 60 * 1000;

export interface DirectoryOptions {
  /** Absolute. Made when it is missing. */
  readonly directory: string;
  /** Most bytes that snapshots may take there together; 0 = as many as there is room for. */
  readonly spaceBytesMax: number;
}

export function directoryDestination({ directory, spaceBytesMax }: DirectoryOptions): Destination {
  const fileOf = (name: string): string => join(directory, name);

  async function names(suffix: string): Promise<readonly string[]> {
    const found = await readdir(directory).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw failure('the folder cannot be read', error);
    });
    return found.slice(0, NAMES_MAX).filter((name) => name.endsWith(suffix));
  }

  async function list(): Promise<readonly Listed[]> {
    const listed: Listed[] = [];
    for (const name of await names(SUFFIX)) {
      const found = await lstat(fileOf(name)).catch(() => undefined);
      if (found?.isFile() === true) listed.push({ name, bytes: found.size });
    }
    return listed;
  }

  async function assertRoom(bytes: number): Promise<void> {
    if (spaceBytesMax > 0) {
      const used = (await list()).reduce((sum, one) => sum + one.bytes, 0);
      if (used + bytes > spaceBytesMax) {
        throw new DestinationError(
          `no room: ${used} bytes of the ${spaceBytesMax} allowed are used, ${bytes} are needed`,
        );
      }
    }
    const { bavail, bsize } = await statfs(directory);
    if (bavail * bsize < bytes) {
      throw new DestinationError(
        `no room: ${bavail * bsize} bytes are free on the file system, ${bytes} are needed`,
      );
    }
  }

  async function deliver(made: MadeSnapshot, partial: string, signal: AbortSignal): Promise<void> {
    const handle = await open(partial, 'wx', FILE_MODE);
    try {
      for await (const piece of made.stream()) {
        signal.throwIfAborted();
        await handle.writeFile(piece);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  return {
    urlOf: (name) => `file://${fileOf(name)}`,
    async put(name, made, signal) {
      const partial = fileOf(name + PARTIAL);
      try {
        makeFolder(directory, FOLDER_MODE);
        await assertRoom(made.bytes);
        await deliver(made, partial, signal);
        signal.throwIfAborted();
        await rename(partial, fileOf(name));
        await syncFolder(directory);
        await syncFolder(dirname(directory));
      } catch (error) {
        await rm(partial, { force: true }).catch(() => {});
        throw failure('the snapshot cannot be written', error);
      }
    },
    list,
    open: (name) => readFile(fileOf(name)),
    async remove(name) {
      try {
        await rm(fileOf(name), { force: true });
        await syncFolder(directory);
      } catch (error) {
        throw failure('the snapshot cannot be removed', error);
      }
    },
    async sweep(nowMs) {
      for (const name of await names(SUFFIX + PARTIAL)) {
        const found = await stat(fileOf(name)).catch(() => undefined);
        if (found === undefined || nowMs - found.mtimeMs < STALE_MS) continue;
        await rm(fileOf(name), { force: true });
      }
    },
  };
}

async function* readFile(file: string): AsyncIterable<Uint8Array> {
  try {
    yield* createReadStream(file, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw failure('the snapshot cannot be read', error);
  }
}

/** Makes new names in it durable. Windows cannot open a folder. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

function failure(what: string, error: unknown): DestinationError {
  if (error instanceof DestinationError) return error;
  const reason = codeOf(error) ?? (error instanceof Error ? error.message : 'unknown');
  return new DestinationError(`${what}: ${reason}`, { cause: error });
}
