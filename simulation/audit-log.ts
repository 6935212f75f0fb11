/** Reads an audit file as it grows and says which requests have a reply record. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export class AuditLog {
  readonly #path: string;
  #offset = 0;
  readonly #replied = new Set<string>();
  #lines = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Reads what was added since the last time; a torn last line is read again later. */
  catchUp(): void {
    const file = openSync(this.#path, 'r');
    try {
      const bytes = Buffer.alloc(fstatSync(file).size - this.#offset);
      readSync(file, bytes, 0, bytes.length, this.#offset);
      const end = bytes.lastIndexOf(0x0a) + 1;
      this.#offset += end;
      for (const line of bytes.toString('utf8', 0, end).split('\n')) this.#take(line);
    } finally {
      closeSync(file);
    }
  }

  #take(line: string): void {
    if (line === '') return;
    this.#lines++;
    let record: { type?: unknown; request?: { id?: unknown } };
    try {
      record = JSON.parse(line) as typeof record;
    } catch {
      // What a crash tore off; the chain's verifier says whether that is all.
      return;
    }
    const id = record.request?.id;
    if (record.type === 'response' && typeof id === 'string') this.#replied.add(id);
  }

  hasReply(requestId: string): boolean {
    return this.#replied.has(requestId);
  }
}
