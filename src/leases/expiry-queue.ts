/**
 * What has to end, and when: an index on disk ordered by time, so that a start reads nothing and memory does not grow with the
 * number of leases. Renewal does not move an entry: when it comes up, its owner looks at the record and schedules again.
 */
import type { Transaction, Unit } from '../model/transaction.ts';
import { ROOT_NAMESPACE_ID } from '../model/principal.ts';

export type DueKind =
  | 'token'
  | 'lease'
  | 'cleanup'
  | 'cleanup-orphaning'
  | 'end-below'
  | 'unmount'
  | 'namespace'
  | 'move'
  | 'intent'
  | 'task';

export interface Due {
  readonly kind: DueKind;
  readonly namespaceId: string;
  /** Storage id of the token, lease id, uuid of the mount, id of the namespace, move or intent, a walk or a task as JSON. */
  readonly id: string;
}

export interface DueEntry extends Due {
  readonly key: string;
  readonly atMs: number;
}

/** Of the view, in the root namespace, that holds the entries. */
export const EXPIRY_PREFIX = 'core/expiry/';
/** Milliseconds since the epoch in base 36, padded: sorts by time until the year 5188. */
const TIME_DIGITS = 9;

export class ExpiryQueue {
  readonly #scheduled = new WeakMap<Unit, number>();
  #wake: ((atMs: number) => void) | undefined;

  /** Sets who is told when a commit has scheduled something, and for when. */
  onCommitted(wake: (atMs: number) => void): void {
    this.#wake = wake;
  }

  /** To be called after each commit of a unit that may have scheduled something: only now the worker can see it. */
  committed(unit: Unit): void {
    const atMs = this.#scheduled.get(unit);
    if (atMs !== undefined) this.#wake?.(atMs);
  }

  #view(unit: Unit): Transaction {
    return unit.view(ROOT_NAMESPACE_ID, EXPIRY_PREFIX);
  }

  /** As {@link schedule}, for an id that was made just now: nothing can be there yet. */
  scheduleNew(unit: Unit, due: Due, atMs: number): void {
    this.#view(unit).putNew(keyOf(due, atMs), '');
    this.#note(unit, atMs);
  }

  schedule(unit: Unit, due: Due, atMs: number): void {
    this.#view(unit).put(keyOf(due, atMs), '');
    this.#note(unit, atMs);
  }

  #note(unit: Unit, atMs: number): void {
    this.#scheduled.set(unit, Math.min(atMs, this.#scheduled.get(unit) ?? atMs));
  }

  remove(unit: Unit, entry: DueEntry): void {
    this.#view(unit).delete(entry.key);
  }

  /** The earliest entries, whether due or not, at most `limit`. */
  async earliest(unit: Unit, limit: number): Promise<DueEntry[]> {
    const keys = await this.#view(unit).list('', { limit });
    return keys.map((key) => {
      const [time = '', kind = '', namespaceId = '', id = ''] = key.split(':');
      return {
        key,
        atMs: Number.parseInt(time, 36),
        kind: kind as DueKind,
        namespaceId,
        id: decodeURIComponent(id),
      };
    });
  }
}

function keyOf(due: Due, atMs: number): string {
  const time = Math.max(0, Math.floor(atMs)).toString(36).padStart(TIME_DIGITS, '0');
  return `${time}:${due.kind}:${due.namespaceId}:${encodeURIComponent(due.id)}`;
}

/** What an entry is about, by its key: the same for every entry of one token, lease or task. */
export function subjectOf(key: string): string {
  return key.slice(TIME_DIGITS + 1);
}
