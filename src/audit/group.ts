/** Records that share one write and one promise. */
import { RequestError } from '../model/errors.ts';

export type RecordKind = 'request' | 'response';
export type GroupCounts = Readonly<Record<RecordKind, number>>;

/** Records that are written, or refused, together. */
export interface Group extends Record<RecordKind, number> {
  readonly bodies: string[];
  /** Those of the bodies that are replies. */
  readonly replies: string[];
  bytes: number;
  readonly promise: Promise<void>;
  /** Settles the promise; only the first call counts. */
  settle(error?: Error): void;
}

/** An empty group. `onSettled` runs once, before the promise settles. */
export function openGroup(onSettled: (error: Error | undefined) => void): Group {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Whoever appended may look at the promise only later; until then a rejection is nobody's surprise.
  promise.catch(() => {});
  let settled = false;
  return {
    request: 0,
    response: 0,
    bodies: [],
    replies: [],
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
  #bodies: string[] = [];
  #bytes = 0;

  get count(): number {
    return this.#bodies.length;
  }

  add(bodies: readonly string[]): void {
    for (const body of bodies) {
      if (this.#bytes + body.length > OWED_BYTES_MAX) return;
      this.#bodies.push(body);
      this.#bytes += body.length;
    }
  }

  /** All of them, in order. They are not owed any more unless they are added again. */
  take(): readonly string[] {
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
