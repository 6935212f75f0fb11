/**
 * Audit device `file`: appends to a file, or to standard output, or nowhere. A regular file is opened so that every write is
 * on stable storage when it returns (O_DSYNC, or a following fdatasync where the system has no such flag).
 */
import { constants, fdatasync, write } from 'node:fs';
import type { Stats } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';

import { invalidRequest } from '../../model/errors.ts';
import { optionOf } from '../device.ts';
import type {
  AuditDevice,
  AuditDeviceType,
  DeviceContext,
  DeviceOptions,
  LogTail,
  ResumableDevice,
} from '../device.ts';
import { parseMode, resolvePlace } from './place.ts';
import { endOfPredecessor } from './predecessor.ts';
import { Reserve, parseReserve } from './reserve.ts';
import { readTail } from './tail.ts';
import type { FileTail } from './tail.ts';

/** How long to wait before a full pipe is tried again. */
const PIPE_FULL_WAIT_MS = 5;
/** Directories made on the way to the file. */
const DIRECTORY_MODE = 0o700;

/** Not defined on every platform. */
const DSYNC: number | undefined = constants.O_DSYNC;
const FLAGS =
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_WRONLY |
  constants.O_NOFOLLOW |
  constants.O_NONBLOCK |
  (DSYNC ?? 0);

export const fileDevice: AuditDeviceType = {
  type: 'file',
  summary: 'Appends records to a file, or to standard output.',
  options: {
    file_path: 'Absolute path of the log file, "stdout" or "discard".',
    path: 'Older name of file_path.',
    mode: 'Permission bits of the file: 0600 (default), 0640 or 0644.',
    reserve: 'Disk space set aside for when the disk is full, e.g. "64MiB" (default none).',
  },
  async open(options: DeviceOptions, context: DeviceContext): Promise<AuditDevice> {
    const filePath = optionOf(options, 'file_path') ?? optionOf(options, 'path');
    if (filePath === undefined || filePath === '') throw invalidRequest('file_path is required');
    const mode = parseMode(optionOf(options, 'mode'));
    const reserveBytes = parseReserve(optionOf(options, 'reserve'));
    switch (filePath.toLowerCase()) {
      case 'stdout':
      case '/dev/stdout':
        return new StreamDevice(context.stdout);
      case 'discard':
        return new StreamDevice(() => Promise.resolve());
      default:
        return new FileDevice(
          { path: await resolvePlace(filePath, context), mode, reserveBytes },
          context,
        );
    }
  },
};

/** Standard output, or nothing at all. */
class StreamDevice implements AuditDevice {
  readonly #take: (lines: Buffer) => Promise<void>;

  constructor(take: (lines: Buffer) => Promise<void>) {
    this.#take = take;
  }

  append(lines: Buffer): Promise<void> {
    return this.#take(lines);
  }

  reopen(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly fd: number;
  readonly device: number;
  readonly inode: number;
  /** Only a regular file can be read back and be out of place. */
  readonly regular: boolean;
  /** Bytes in the file, as far as this device knows. */
  size: number;
}

interface FileSettings {
  readonly path: string;
  readonly mode: number;
  readonly reserveBytes: number;
}

class FileDevice implements ResumableDevice {
  readonly #path: string;
  readonly #mode: number;
  readonly #context: DeviceContext;
  readonly #reserve: Reserve;
  #open: OpenFile | undefined;

  constructor(settings: FileSettings, context: DeviceContext) {
    this.#path = settings.path;
    this.#mode = settings.mode;
    this.#context = context;
    this.#reserve = new Reserve(settings.path, settings.reserveBytes, context.log);
  }

  async append(bytes: Buffer): Promise<void> {
    const file = this.#open;
    if (file === undefined) throw new Error('audit file is not open');
    for (let done = 0; done < bytes.length;) {
      const written = await this.#write(file, bytes, done);
      if (written === 0) await this.#pause();
      done += written;
      file.size += written;
    }
    if (file.regular && DSYNC === undefined) await sync(file.fd);
  }

  /** Once more with the space that was set aside, when the disk is full. */
  async #write(file: OpenFile, bytes: Buffer, offset: number): Promise<number> {
    try {
      return await writeSome(file.fd, bytes, offset);
    } catch (error) {
      if (!hasCode(error, 'ENOSPC') || !(await this.#reserve.release())) throw error;
      return await writeSome(file.fd, bytes, offset);
    }
  }

  async resume(): Promise<LogTail> {
    await this.close();
    const file = await this.#openFile();
    this.#open = file;
    if (file.regular) await this.#reserve.make();
    if (!file.regular) return { empty: false };
    if (file.size === 0) return { empty: true, ...(await endOfPredecessor(this.#path)) };
    const tail = await this.#readTail(file.size);
    if (tail.unterminated) await this.append(Buffer.from('\n'));
    const { position, checkpoint, torn } = tail;
    return { empty: false, position, checkpoint, torn };
  }

  async inPlace(): Promise<boolean> {
    const file = this.#open;
    if (file === undefined) return false;
    if (!file.regular) return true;
    void this.#reserve.make();
    let now: Stats;
    try {
      now = await stat(this.#path);
    } catch {
      return false;
    }
    return now.dev === file.device && now.ino === file.inode && now.size >= file.size;
  }

  async reopen(): Promise<void> {
    await this.close();
  }

  async close(): Promise<void> {
    const file = this.#open;
    this.#open = undefined;
    await file?.handle.close();
  }

  async #readTail(size: number): Promise<FileTail> {
    const handle = await open(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return await readTail(handle, size);
    } finally {
      await handle.close();
    }
  }

  async #openFile(): Promise<OpenFile> {
    await makeDirectory(path.dirname(this.#path));
    const handle = await open(this.#path, FLAGS, this.#mode);
    try {
      const found = await handle.stat();
      if (found.isDirectory()) throw new Error('audit file is a directory');
      const regular = found.isFile();
      if (regular && (found.mode & 0o7777) !== this.#mode) await handle.chmod(this.#mode);
      if (regular && found.size === 0) await syncDirectory(path.dirname(this.#path));
      const { dev: device, ino: inode, size } = found;
      return { handle, fd: handle.fd, device, inode, regular, size: regular ? size : 0 };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#context.clock.after(PIPE_FULL_WAIT_MS, resolve);
    return promise;
  }
}

/** Writes what the file takes; 0 when it takes nothing right now. The callback form costs half of the promise form. */
function writeSome(fd: number, bytes: Buffer, offset: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  write(fd, bytes, offset, bytes.length - offset, null, (error, written) => {
    if (error === null) resolve(written);
    else if (error.code === 'EAGAIN') resolve(0);
    else reject(error);
  });
  return promise;
}

function sync(fd: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
  return promise;
}

/** Makes a directory and those above it. (Node's own `recursive` never ends below /proc, where nothing can be made.) */
async function makeDirectory(directory: string): Promise<void> {
  try {
    return await mkdir(directory, DIRECTORY_MODE);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    const parent = path.dirname(directory);
    if (!hasCode(error, 'ENOENT') || parent === directory) throw error;
    await makeDirectory(parent);
  }
  try {
    await mkdir(directory, DIRECTORY_MODE);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Makes a new file's name durable. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
