/** Lines that come when they come, for one reader who takes them when he can; what he is too slow for is left out and counted. */
import type { ByteStream } from '../../model/reply.ts';

/** Lines that wait for the reader. */
export const LINES_WAITING_MAX = 512;

export interface LineStreamOptions {
  /** The line that stands for `count` lines that were left out. */
  readonly dropped: (count: number) => string;
  /** Called once, when nobody reads any more or nothing comes any more. */
  readonly ended: () => void;
}

export class LineStream implements ByteStream {
  readonly lengthBytes: undefined = undefined;
  readonly #options: LineStreamOptions;
  #lines: string[] = [];
  #droppedCount = 0;
  #over = false;
  #wake: () => void = () => {};

  constructor(options: LineStreamOptions) {
    this.#options = options;
  }

  write(line: string): void {
    if (this.#over) return;
    if (this.#lines.length < LINES_WAITING_MAX) this.#lines.push(line);
    else this.#droppedCount++;
    this.#wake();
  }

  /** Nothing more comes: what waits is still read. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.ended();
    this.#wake();
  }

  destroy(): void {
    this.#lines = [];
    this.#droppedCount = 0;
    this.finish();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        if (this.#lines.length > 0) yield this.#take();
        else if (this.#over) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.destroy();
    }
  }

  #take(): Buffer {
    let text = this.#lines.join('');
    if (this.#droppedCount > 0) text += this.#options.dropped(this.#droppedCount);
    this.#lines = [];
    this.#droppedCount = 0;
    return Buffer.from(text);
  }
}
