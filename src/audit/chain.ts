/**
 * The form that makes a log tamper-evident: every line is a JSON object that ends in `seq` (1, 2, 3 …) and `prev`, the
 * SHA-256 of the line before it (its bytes without the newline). `sed -n 4p FILE | tr -d '\n' | sha256sum` gives the `prev`
 * of line 5. Signed checkpoints (checkpoint.ts) fix the chain against being computed anew.
 */
import { hash } from 'node:crypto';

/** The `prev` of the very first line. */
export const CHAIN_START: string = '0'.repeat(64);
/** Longest line that readers take; writers stay far below (redact.ts bounds the values of a record). */
export const LINE_BYTES_MAX: number = 16 * 1024 * 1024;
/** Most bytes that a crash can leave half written: what a writer has in flight at once. */
export const TORN_BYTES_MAX: number = 20 * 1024 * 1024;

const HEX_256 = /^[0-9a-f]{64}$/;

/** The end of a chain: number and hash of its last line. */
export interface ChainPosition {
  /** 0 before the first line. */
  readonly seq: number;
  readonly hash: string;
}

export const CHAIN_EMPTY: ChainPosition = { seq: 0, hash: CHAIN_START };

/** The hash that the next line carries as `prev`. */
export function hashLine(line: string | Uint8Array): string {
  return hash('sha256', line, 'hex');
}

/** Where a chain stands; makes lines out of bodies. */
export class Chain {
  #seq: number;
  #hash: string;

  constructor(start: ChainPosition = CHAIN_EMPTY) {
    this.#seq = start.seq;
    this.#hash = start.hash;
  }

  get position(): ChainPosition {
    return { seq: this.#seq, hash: this.#hash };
  }

  /** Goes back (after a failed write) or on (after reading a file) to `position`. */
  moveTo(position: ChainPosition): void {
    this.#seq = position.seq;
    this.#hash = position.hash;
  }

  /** The number that the next line will have. */
  get nextSeq(): number {
    return this.#seq + 1;
  }

  /** @param body a JSON object with at least one member, without its closing brace. */
  append(body: string): string {
    const line = this.#next(body);
    this.#hash = hashLine(line);
    return line;
  }

  /** The same, as bytes with a newline behind what `lines` holds: encoded once for hashing and writing. */
  appendTo(lines: LineBuffer, body: string): void {
    this.#hash = hashLine(lines.push(this.#next(body)));
  }

  #next(body: string): string {
    this.#seq++;
    return `${body},"seq":${this.#seq},"prev":"${this.#hash}"}`;
  }
}

const LINE_BUFFER_BYTES = 64 * 1024;
const LINE_BUFFER_BYTES_KEPT_MAX = 4 * 1024 * 1024;

/** Collects lines as bytes. The memory is used again after each {@link clear}. */
export class LineBuffer {
  #buffer = Buffer.allocUnsafeSlow(LINE_BUFFER_BYTES);
  #used = 0;

  /** Adds a line and its newline; returns a view of the line, good until the next call. */
  push(line: string): Buffer {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    this.#reserve(line.length * 3 + 1);
    const start = this.#used;
    const end = start + this.#buffer.write(line, start, 'utf8');
    this.#buffer[end] = 0x0a;
    this.#used = end + 1;
    return this.#buffer.subarray(start, end);
  }

  /** All lines so far; the memory is this object's own. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#used);
  }

  /** Forgets the lines, and gives back memory that an unusual batch took. */
  clear(): void {
    this.#used = 0;
    if (this.#buffer.length > LINE_BUFFER_BYTES_KEPT_MAX) {
      this.#buffer = Buffer.allocUnsafeSlow(LINE_BUFFER_BYTES);
    }
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.#used + bytes));
    this.#buffer.copy(grown, 0, 0, this.#used);
    this.#buffer = grown;
  }
}

/** What a line says of itself. Nothing in it is proven. */
export interface ChainedLine {
  readonly seq: number;
  readonly prev: string;
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Undefined when the bytes are no line of a chain. */
export function parseLine(line: Buffer): ChainedLine | undefined {
  if (line.length < 2 || line[0] !== 0x7b || line[line.length - 1] !== 0x7d) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const fields = parsed as Record<string, unknown>;
  const { seq, prev, type } = fields;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return undefined;
  if (typeof prev !== 'string' || !HEX_256.test(prev) || typeof type !== 'string') return undefined;
  const tail = `,"seq":${seq},"prev":"${prev}"}`;
  if (line.toString('latin1', line.length - tail.length) !== tail) return undefined;
  return { seq, prev, type, fields };
}

/** Splits a stream of chunks into lines. `terminated` is false only for a last line without newline. */
export class LineSplitter {
  readonly #onLine: (line: Buffer, terminated: boolean) => void;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(onLine: (line: Buffer, terminated: boolean) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, start);
      if (end < 0) break;
      this.#emit(chunk.subarray(start, end), true);
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  end(): void {
    if (this.#heldBytes > 0) this.#emit(Buffer.alloc(0), false);
  }

  #emit(last: Buffer, terminated: boolean): void {
    if (this.#heldBytes === 0) return this.#onLine(last, terminated);
    const line = Buffer.concat([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    this.#onLine(line, terminated);
  }

  #hold(part: Buffer): void {
    // A line without end is given out in pieces: none of them will parse, which is all that matters.
    if (this.#heldBytes + part.length > LINE_BYTES_MAX) this.#emit(Buffer.alloc(0), false);
    this.#held.push(Buffer.from(part));
    this.#heldBytes += part.length;
  }
}
