/** Finds where a log file ends: the last line that continues the chain, and what a crash left behind it. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

import { LineSplitter, TORN_BYTES_MAX, hashLine, parseLine } from '../chain.ts';
import type { ChainPosition, ChainedLine } from '../chain.ts';
import { parseCheckpoint, parseHeader } from '../checkpoint.ts';
import type { StoredCheckpoint, TornBytes } from '../checkpoint.ts';

const FIRST_WINDOW_BYTES = 1024 * 1024;
/**
 * How much of the end is read: first as much as usually suffices to find the end and a checkpoint, then more than a crash can have left unfinished, then all
 * (nothing of ours in sight: a foreign file, which is fenced off as a whole).
 */
const WINDOWS_BYTES: readonly number[] = [
  FIRST_WINDOW_BYTES,
  2 * TORN_BYTES_MAX,
  Number.POSITIVE_INFINITY,
];
const CHUNK_BYTES = 1024 * 1024;

export interface FileTail {
  readonly position: ChainPosition | undefined;
  /** The last checkpoint that tells how far the store had come. */
  readonly checkpoint: StoredCheckpoint | undefined;
  readonly torn: TornBytes | undefined;
  /** A newline has to be written before anything else; it is counted in {@link torn}, or ends a line that is whole without it. */
  readonly unterminated: boolean;
}

/** Reads the end of a file of `size` bytes. */
export async function readTail(handle: FileHandle, size: number): Promise<FileTail> {
  for (const window of WINDOWS_BYTES) {
    const start = Math.max(0, size - window);
    const tail = await scan(handle, start, size);
    const enough = tail.checkpoint !== undefined || window > FIRST_WINDOW_BYTES;
    if ((tail.position !== undefined && enough) || start === 0) return tail;
  }
  return { position: undefined, checkpoint: undefined, torn: undefined, unterminated: false };
}

async function scan(handle: FileHandle, start: number, size: number): Promise<FileTail> {
  const walk = new TailWalk(start > 0);
  const splitter = new LineSplitter((line, terminated) => walk.line(line, terminated));
  for (let offset = start; offset < size;) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - offset));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) break;
    splitter.push(buffer.subarray(0, bytesRead));
    offset += bytesRead;
  }
  splitter.end();
  return walk.result();
}

/** Follows the chain line by line. */
class TailWalk {
  /** The scan began inside a line. */
  #skipFirst: boolean;
  #last: ChainPosition | undefined;
  /** The last line that has the form of one, whether or not it continues the chain. */
  #lastFormed: ChainPosition | undefined;
  #checkpoint: StoredCheckpoint | undefined;
  #torn = createHash('sha256');
  #tornBytes = 0;
  #unterminated = false;
  /** A checkpoint stands behind the break: it was durable once, so the break is no unfinished write. */
  #checkpointBehind = false;

  constructor(skipFirst: boolean) {
    this.#skipFirst = skipFirst;
  }

  line(bytes: Buffer, terminated: boolean): void {
    if (this.#skipFirst) {
      this.#skipFirst = false;
      return;
    }
    this.#unterminated = !terminated;
    const line = parseLine(bytes);
    if (line !== undefined && this.#continues(line, bytes)) {
      this.#last = { seq: line.seq, hash: hashLine(bytes) };
      this.#lastFormed = this.#last;
      if (line.fields['store'] !== undefined) this.#keep(line, bytes);
      this.#resetTorn();
      return;
    }
    if (line !== undefined && terminated) {
      this.#lastFormed = { seq: line.seq, hash: hashLine(bytes) };
      if (line.type === 'checkpoint') this.#checkpointBehind = true;
    }
    this.#torn.update(bytes);
    this.#torn.update('\n');
    this.#tornBytes += bytes.length + 1;
  }

  /**
   * Whether it is the next of the log. It is when only its newline is missing, too: fenced off, a checkpoint with a good signature would look as if
   * it had been put there.
   */
  #continues(line: ChainedLine, bytes: Buffer): boolean {
    const last = this.#last;
    const next =
      last === undefined
        ? this.#tornBytes === 0 || line.type === 'header'
        : line.seq === last.seq + 1 && line.prev === last.hash;
    return next && (this.#tornBytes === 0 || this.#fencedBy(line.fields, bytes));
  }

  result(): FileTail {
    const checkpoint = this.#checkpoint;
    if (this.#tornBytes === 0) {
      const unterminated = this.#unterminated;
      return { position: this.#last, checkpoint, torn: undefined, unterminated };
    }
    const changed = this.#checkpointBehind || this.#tornBytes > TORN_BYTES_MAX;
    if (this.#last !== undefined && changed) {
      // No crash leaves this behind: lines were changed. Go on after the last of them and leave the break to be found.
      const unterminated = this.#unterminated;
      return { position: this.#lastFormed, checkpoint, torn: undefined, unterminated };
    }
    const torn = { bytes: this.#tornBytes, sha256: this.#torn.digest('hex') };
    return { position: this.#last, checkpoint, torn, unterminated: this.#unterminated };
  }

  #keep({ seq, prev, type, fields }: ChainedLine, bytes: Buffer): void {
    const checkpoint = type === 'checkpoint' ? parseCheckpoint(fields, bytes) : undefined;
    if (checkpoint !== undefined)
      this.#checkpoint = { checkpoint, before: { seq: seq - 1, hash: prev } };
  }

  /** A header that names exactly the bytes before it as left over. */
  #fencedBy(fields: Readonly<Record<string, unknown>>, line: Buffer): boolean {
    const recovered =
      fields['type'] === 'header' ? parseHeader(fields, line)?.recovered : undefined;
    if (recovered === undefined || recovered.bytes !== this.#tornBytes) return false;
    return recovered.sha256 === this.#torn.copy().digest('hex');
  }

  #resetTorn(): void {
    this.#checkpointBehind = false;
    if (this.#tornBytes === 0) return;
    this.#torn = createHash('sha256');
    this.#tornBytes = 0;
  }
}
