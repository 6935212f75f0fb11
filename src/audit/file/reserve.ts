/**
 * Disk space set aside beside the log. When the disk is full the reserve is given up, so that operators can still log in,
 * be recorded, and make room; it is made again when there is room.
 */
import { constants } from 'node:fs';
import { open, rm, stat, statfs } from 'node:fs/promises';

import type { Log } from '../../base/log.ts';
import { invalidRequest } from '../../model/errors.ts';

/** The largest reserve that can be configured. */
const RESERVE_BYTES_MAX = 1024 ** 3;
const CHUNK_BYTES = 1024 * 1024;
/** The reserve is made when so many times its size is free. */
const ROOM_FACTOR = 2;
const SUFFIX = '.reserve';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['KB', 1000],
  ['KiB', 1024],
  ['MB', 1000 ** 2],
  ['MiB', 1024 ** 2],
]);

/** `64MiB`, `500KB` or a number of bytes; 0 = none. */
export function parseReserve(text: string | undefined): number {
  if (text === undefined) return 0;
  const match = /^(\d{1,12})(KB|KiB|MB|MiB)?$/.exec(text);
  const bytes = Number(match?.[1]) * (UNITS.get(match?.[2] ?? '') ?? 1);
  if (match === null || bytes > RESERVE_BYTES_MAX) {
    throw invalidRequest('option "reserve" must be a size up to 1024MiB');
  }
  return bytes;
}

export class Reserve {
  readonly #path: string;
  readonly #bytes: number;
  readonly #log: Log;
  #held = false;
  #making: Promise<void> | undefined;

  constructor(logPath: string, bytes: number, log: Log) {
    this.#path = logPath + SUFFIX;
    this.#bytes = bytes;
    this.#log = log;
  }

  /** Makes the reserve if it is not there and there is room. Never rejects. */
  async make(): Promise<void> {
    if (this.#bytes === 0 || this.#held) return;
    this.#making ??= this.#fill().finally(() => (this.#making = undefined));
    await this.#making;
  }

  /** Gives the reserve up. False when there was none. */
  async release(): Promise<boolean> {
    if (!this.#held) return false;
    this.#held = false;
    await rm(this.#path, { force: true });
    this.#log.error('the disk is full: the reserve of the audit log is used up now, make room', {
      reserveBytes: this.#bytes,
    });
    return true;
  }

  async #fill(): Promise<void> {
    try {
      if (await this.#isThere()) {
        this.#held = true;
        return;
      }
      const { bavail, bsize } = await statfs(dirnameOf(this.#path));
      if (bavail * bsize < this.#bytes * ROOM_FACTOR) return;
      const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants;
      const handle = await open(this.#path, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW, 0o600);
      try {
        const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, this.#bytes));
        for (let done = 0; done < this.#bytes;) {
          const { bytesWritten } = await handle.write(
            chunk,
            0,
            Math.min(chunk.length, this.#bytes - done),
          );
          done += bytesWritten;
        }
        await handle.datasync();
      } finally {
        await handle.close();
      }
      this.#held = true;
    } catch (error) {
      await rm(this.#path, { force: true }).catch(() => {});
      const reason = error instanceof Error ? error.message : 'unknown';
      this.#log.warn('the reserve of the audit log could not be made', { reason });
    }
  }

  async #isThere(): Promise<boolean> {
    try {
      const found = await stat(this.#path);
      return found.isFile() && found.size === this.#bytes;
    } catch {
      return false;
    }
  }
}

function dirnameOf(file: string): string {
  return file.slice(0, Math.max(file.lastIndexOf('/'), 1));
}
