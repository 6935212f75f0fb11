/** Records that share one write and one promise. */
import { RequestError } from '../model/errors.ts';
import { GrowingBytes } from './chain.ts';

export type RecordKind = 'request' | 'response';
export type GroupCounts = Readonly<Record<RecordKind, number>>;

/**
 * Records without their ends, encoded as they are taken: a text is a tree of many small objects, and as many of them as wait
 * for a write would be looked at, and moved, by each collection of garbage until then.
 */
export class Bodies {
  readonly #bytes = new GrowingBytes();
  readonly #ends: number[] = [];
  /** Which of them are replies. */
  readonly #replies: number[] = [];

  get count(): number {
    return this.#ends.length;
  }

  add(body: string, kind: RecordKind): void {
    if (kind === 'response') this.#replies.push(this.#ends.length);
    this.#bytes.add(body);
    this.#ends.push(this.#bytes.length);
  }

  /** Hands over a view of each, in order; good until another is added. */
  each(take: (body: Buffer) => void): void {
    for (let index = 0; index < this.count; index++) take(this.#at(index));
  }

  /** Copies of those that are replies. */
  replies(): readonly Buffer[] {
    return this.#replies.map((index) => Buffer.from(this.#at(index)));
  }

  /** This, for others: its memory is used again. */
  emptied(): this {
    this.#bytes.clear();
    this.#ends.length = 0;
    this.#replies.length = 0;
    return this;
  }

  #at(index: number): Buffer {
    return this.#bytes.view(this.#ends[index - 1] ?? 0, this.#ends[index] ?? 0);
  }
}

/** Records that are written, or refused, together. */
export interface Group extends Record<RecordKind, number> {
  readonly bodies: Bodies;
  bytes: number;
  readonly promise: Promise<void>;
  /** Settles the promise; only the first call counts. */
  settle(error?: Error): void;
}

/** An empty group. `onSettled` runs once, before the promise settles. */
export function openGroup(bodies: Bodies, onSettled: (error: Error | undefined) => void): Group {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Whoever appended may look at the promise only later; until then a rejection is nobody's surprise.
  promise.catch(() => {});
  let settled = false;
  return {
    request: 0,
    response: 0,
    bodies,
    bytes: 0,
    promise,
    settle: (error) => {
      if (settled) return;
      settled = true;
      onSettled(error);
      if (error === undefined) resolve();
      else reject(auditFailed(error.message, error));
    },
  };
}

/** Most bytes of replies that are kept for a device that does not take them. */
const OWED_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Replies that a device owes: what they report may have happened although the caller was refused its answer, so they are
 * written before anything else once the device works again (SEC-61).
 */
export class OwedReplies {
  #bodies: Uint8Array[] = [];
  #bytes = 0;

  get count(): number {
    return this.#bodies.length;
  }

  add(bodies: readonly Uint8Array[]): void {
    for (const body of bodies) {
      if (this.#bytes + body.length > OWED_BYTES_MAX) return;
      this.#bodies.push(body);
      this.#bytes += body.length;
    }
  }

  /** All of them, in order. They are not owed any more unless they are added again. */
  take(): readonly Uint8Array[] {
    const bodies = this.#bodies;
    this.#bodies = [];
    this.#bytes = 0;
    return bodies;
  }
}

/** The error of a request that could not be recorded; its public text is always the same. */
export function auditFailed(detail: string, cause?: unknown): RequestError {
  return new RequestError('audit_failed', 'the request could not be recorded in the audit log', {
    detail,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The promise of a record that is not even tried. */
export function refused(detail: string): Promise<never> {
  const promise = Promise.reject(auditFailed(detail));
  promise.catch(() => {});
  return promise;
}
