/** The main thread's side of the writer: queues commits, groups them into batches, and knows what is not durable yet. */
import { Worker } from 'node:worker_threads';
import { StorageError, valueBytes } from '../storage.ts';
import type { Entry } from '../storage.ts';
import { describeError } from './database.ts';
import type {
  BatchRequest,
  WriterReply,
  WriterRequest,
  WriterSettings,
} from './writer-protocol.ts';

/** Most records that one transaction carries, but for the last commit that it takes in. */
const BATCH_RECORDS_MAX = 4096;
/** Most bytes of values that one transaction carries, but for the last commit that it takes in. */
const BATCH_BYTES_MAX = 16 * 1024 * 1024;

/** One record to write; without an entry it is removed. */
export interface Write {
  readonly key: string;
  readonly entry: Entry | undefined;
}

/** Commits that become durable together. */
export interface Batch {
  readonly sequence: number;
  /** By key: of several commits that write one, only the last matters. */
  readonly writes: Map<string, Write>;
  bytes: number;
  /** Resolves when the batch is durable; all commits of the batch share it. */
  readonly durable: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: StorageError) => void;
}

/** What a queued write will leave under its key. */
export interface Queued {
  readonly entry: Entry | undefined;
  readonly batch: Batch;
}

export interface WriterEvents {
  /** These writes are durable now. Called in commit order, before their promises resolve. */
  durable(batch: Batch): void;
  /** The outcome of what was queued is unknown; everything has been rejected. Called at most once. */
  failed(error: StorageError): void;
  warning(message: string, pages: number): void;
}

export class Writer {
  readonly #worker: Worker;
  readonly #events: WriterEvents;
  readonly #queued = new Map<string, Queued>();
  /** Batches in commit order: the one under way first, the one that still takes commits last. */
  readonly #batches: Batch[] = [];
  /** The sequence number of the newest batch known to be durable. */
  #durable: number;
  #lastBatch: number;
  /** The newest batch that the worker has got. */
  #sent: number;
  #flushing = false;
  #failure: StorageError | undefined;
  #closed: (() => void) | undefined;

  private constructor(worker: Worker, sequence: number, events: WriterEvents) {
    this.#worker = worker;
    this.#events = events;
    this.#durable = sequence;
    this.#lastBatch = sequence;
    this.#sent = sequence;
    worker.on('message', (reply: WriterReply) => this.#receive(reply));
    worker.on('error', (error: unknown) =>
      this.fail(`the writer crashed: ${describeError(error)}`),
    );
    worker.on('exit', () => {
      if (this.#closed === undefined) this.fail('the writer ended');
      else this.#closed();
    });
    // An idle store does not keep the process alive.
    worker.unref();
  }

  /** Starts the thread, which opens (or creates) the database; its refusal becomes a {@link StorageError}. */
  static async start(
    settings: WriterSettings,
    events: WriterEvents,
    program: URL = workerFile(),
  ): Promise<Writer> {
    const worker = new Worker(program, {
      workerData: settings,
      name: 'storage writer',
      // Options of the main program (an inspector, a test runner) are not for this thread.
      execArgv: [],
    });
    const sequence = await firstReply(worker);
    return new Writer(worker, sequence, events);
  }

  get durableSequence(): number {
    return this.#durable;
  }

  /** True while a batch is with the thread: a reader may see states that are not settled yet. */
  get busy(): boolean {
    return this.#sent !== this.#durable;
  }

  get failure(): StorageError | undefined {
    return this.#failure;
  }

  /** What is queued for `key` but not durable; `undefined` when nothing is. */
  queued(key: string): Queued | undefined {
    return this.#queued.get(key);
  }

  /** Queues `writes` as one atomic commit; the promise resolves when they are durable, and so is all before them. */
  submit(writes: readonly Write[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (writes.length === 0) return this.#batches.at(-1)?.durable ?? Promise.resolve();
    const batch = this.#openBatch();
    for (const write of writes) {
      const before = batch.writes.get(write.key);
      if (before !== undefined) batch.bytes -= bytesOf(before);
      batch.writes.set(write.key, write);
      batch.bytes += bytesOf(write);
      this.#queued.set(write.key, { entry: write.entry, batch });
    }
    this.#scheduleFlush();
    return batch.durable;
  }

  /** Settles every batch up to `sequence`: it was acknowledged, or a reader has seen it. */
  settle(sequence: number): void {
    while (this.#durable < sequence) {
      const batch = this.#batches[0];
      if (batch === undefined || batch.sequence > sequence) return;
      this.#batches.shift();
      this.#durable = batch.sequence;
      for (const write of batch.writes.values()) {
        if (this.#queued.get(write.key)?.batch === batch) this.#queued.delete(write.key);
      }
      this.#events.durable(batch);
      batch.resolve();
    }
    if (this.#batches.length === 0) this.#worker.unref();
    else this.#scheduleFlush();
  }

  /** Rejects all that is queued and everything from now on. */
  fail(reason: string): void {
    if (this.#failure !== undefined) return;
    const failure = new StorageError(`${reason}; the outcome of the commits under way is unknown`);
    this.#failure = failure;
    for (const batch of this.#batches.splice(0)) batch.reject(failure);
    this.#queued.clear();
    this.#events.failed(failure);
  }

  /** Waits for what is queued, and ends the thread; the database is closed with an empty log. */
  async close(): Promise<void> {
    // The outcome of the last batch is its callers' business.
    await this.#batches.at(-1)?.durable.catch(() => {});
    const exited = new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
    if (this.#failure !== undefined) {
      await this.#worker.terminate();
      return;
    }
    this.#worker.ref();
    this.#send({ kind: 'close' });
    await exited;
  }

  #openBatch(): Batch {
    const last = this.#batches.at(-1);
    if (
      last !== undefined &&
      last.sequence > this.#sent &&
      last.writes.size < BATCH_RECORDS_MAX &&
      last.bytes < BATCH_BYTES_MAX
    ) {
      return last;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#lastBatch += 1;
    const batch = {
      sequence: this.#lastBatch,
      writes: new Map(),
      bytes: 0,
      durable: promise,
      resolve,
      reject,
    };
    this.#batches.push(batch);
    return batch;
  }

  /** Sends at the end of this turn of the event loop, so that commits of requests that came together go together. */
  #scheduleFlush(): void {
    if (this.#flushing || this.busy) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const batch = this.#batches[0];
    if (batch === undefined || this.busy || this.#failure !== undefined) return;
    this.#sent = batch.sequence;
    this.#worker.ref();
    this.#send(encode(batch));
  }

  #send(request: WriterRequest): void {
    this.#worker.postMessage(request, request.kind === 'batch' ? [request.values.buffer] : []);
  }

  #receive(reply: WriterReply): void {
    switch (reply.kind) {
      case 'durable':
        return this.settle(reply.sequence);
      case 'failed':
        return this.fail(reply.message);
      case 'warning':
        return this.#events.warning(reply.message, reply.pages);
      case 'ready':
      case 'closed':
    }
  }
}

/** The thread's program has the extension of this file, in the sources and in a build. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./writer-worker.${extension}`, import.meta.url);
}

/** The sequence number that the writer found in the database. */
function firstReply(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    function onMessage(reply: WriterReply): void {
      stopListening();
      if (reply.kind === 'ready') resolve(reply.sequence);
      else reject(new StorageError(reply.kind === 'failed' ? reply.message : 'no answer'));
    }
    function onError(error: unknown): void {
      stopListening();
      reject(new StorageError(`the writer cannot start: ${describeError(error)}`));
    }
    function onExit(): void {
      stopListening();
      reject(new StorageError('the writer ended at its start'));
    }
    function stopListening(): void {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
    }
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}

function bytesOf(write: Write): number {
  return write.entry === undefined ? 0 : valueBytes(write.entry);
}

function encode(batch: Batch): BatchRequest {
  const keys: string[] = [];
  const revisions: number[] = [];
  const lengths: number[] = [];
  const values = new Uint8Array(batch.bytes);
  let offset = 0;
  for (const { key, entry } of batch.writes.values()) {
    keys.push(key);
    revisions.push(entry?.revision ?? 0);
    lengths.push(entry?.value.length ?? 0);
    if (entry === undefined) continue;
    values.set(entry.value, offset);
    offset += entry.value.length;
  }
  return { kind: 'batch', sequence: batch.sequence, keys, revisions, lengths, values };
}
