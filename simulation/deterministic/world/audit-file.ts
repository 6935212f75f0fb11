/**
 * The audit log of one node on a simulated disk, as a device of the product: an append is there when it has resolved; when the process dies
 * or the disk fails, any part of it may be. Knows at once which requests have their records.
 */
import type { FileHandle } from 'node:fs/promises';
import type { AuditDeviceType, LogTail, ResumableDevice } from '../../../src/audit/device.ts';
import { readTail } from '../../../src/audit/file/tail.ts';
import { verifyLog } from '../../../src/audit/verify.ts';
import type { Chance } from './chance.ts';
import type { Machine } from './machine.ts';
import type { Scheduler } from './scheduler.ts';

/** The beginning of a record, as far as its request's id. */
const RECORD = /"type":"(request|response)"[^\n]*?"request":\{"id":"([0-9a-f-]{36})"/g;
const SYNC_MS = 1;
/** What an unusually slow write takes, at most: more than the deadline of a device. */
const SLOW_MS_MAX = 4_000;

/** What outlives the process. */
export class AuditFile {
  readonly chance: Chance;
  #parts: Buffer[] = [];
  readonly #requests = new Set<string>();
  readonly #replies = new Set<string>();
  /** Probabilities per append. */
  failing = 0;
  slow = 0;

  constructor(chance: Chance) {
    this.chance = chance;
  }

  write(bytes: Buffer): void {
    this.#parts.push(bytes);
  }

  /** All that was written. */
  get bytes(): Buffer {
    const whole = Buffer.concat(this.#parts);
    this.#parts = [whole];
    return whole;
  }

  /** Whole lines that are durable now. */
  index(lines: Buffer): void {
    for (const [, type, id = ''] of lines.toString('latin1').matchAll(RECORD)) {
      (type === 'response' ? this.#replies : this.#requests).add(id);
    }
  }

  has(requestId: string): boolean {
    return this.#requests.has(requestId) && this.#replies.has(requestId);
  }

  /** What is wrong with the log; '' = nothing. Where nobody has gone on writing, it may end in the middle of a line. */
  async verify(alive: boolean): Promise<string> {
    if (this.bytes.length === 0) return '';
    const { ok, firstFault } = await verifyLog([this.bytes]);
    if (!alive && firstFault?.kind === 'truncated') return '';
    return ok ? '' : `the audit log does not verify: ${JSON.stringify(firstFault)}`;
  }
}

export function auditDevice(
  file: AuditFile,
  machine: Machine,
  scheduler: Scheduler,
): AuditDeviceType {
  let broken = false;
  const device: ResumableDevice = {
    append: (lines) => {
      if (!machine.leave()) return new Promise(() => {});
      const bytes = Buffer.from(lines);
      const { chance } = file;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const fails = chance.happens(file.failing);
      const delayMs = chance.happens(file.slow)
        ? chance.unit() * SLOW_MS_MAX
        : chance.delayMs(SYNC_MS);
      const part = (): Buffer => bytes.subarray(0, chance.between(0, bytes.length));
      const survived = machine.onDeath(() => file.write(part()));
      machine.later(delayMs, 'audit sync', () => {
        survived();
        file.write(fails ? part() : bytes);
        broken ||= fails;
        if (fails) return reject(new Error('the disk failed'));
        file.index(bytes);
        scheduler.note(`audit ${bytes.length}`);
        resolve();
      });
      return promise;
    },
    resume: async (): Promise<LogTail> => {
      broken = false;
      if (file.bytes.length === 0) return { empty: true };
      const { position, torn, unterminated } = await readTail(handleOf(file), file.bytes.length);
      if (unterminated) file.write(Buffer.from('\n'));
      return { empty: false, position, torn };
    },
    inPlace: async () => !broken,
    reopen: async () => {},
    close: async () => {},
  };
  return {
    type: 'simulated',
    summary: 'A log on a simulated disk.',
    options: {},
    open: async () => device,
  };
}

/** What the reader of a log's end needs of a file. */
function handleOf(file: AuditFile): FileHandle {
  const read = async (
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }> => ({
    bytesRead: file.bytes.copy(buffer, offset, position, position + length),
  });
  return { read } as unknown as FileHandle;
}
