/**
 * How often a name has failed to log in, in a row. A process that is alone counts in memory: a wrong password must not cost a
 * write. Several processes count in the store, together, so that nobody has as many guesses as there are servers.
 */
import type { Unit } from '../../model/transaction.ts';
import { ConflictError } from '../../storage/storage.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

/** Names whose failures are counted in memory; beyond that the one that failed longest ago is forgotten. */
const COUNTED_MAX = 100_000;
/** Hexadecimal digits of a name's hash that tell its record: 4096 of them, so that the store holds a bounded number. */
const BUCKET_DIGITS = 3;
/** Names in one record; beyond that the one that failed longest ago is forgotten. */
const BUCKET_NAMES_MAX = 32;
const ATTEMPTS_MAX = 8;
const PREFIX = 'core/failed-login/';

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

export interface FailureCount {
  /** Counts one more and gives the number. Failures longer ago than `resetMs` do not count. */
  add(name: string, nowMs: number, resetMs: number): Promise<number>;
  /** In the unit of the login that went through. */
  forget(unit: Unit, name: string): Promise<void>;
  clear(): void;
}

export function countInMemory(): FailureCount {
  const failures = new Map<string, Failures>();
  return {
    async add(name, nowMs, resetMs) {
      const count = countAfter(failures.get(name), nowMs, resetMs);
      failures.delete(name);
      const [oldest] = failures.keys();
      if (failures.size >= COUNTED_MAX && oldest !== undefined) failures.delete(oldest);
      failures.set(name, { count, lastMs: nowMs });
      return count;
    },
    async forget(_unit, name) {
      failures.delete(name);
    },
    clear: () => failures.clear(),
  };
}

type Bucket = Readonly<Record<string, Failures>>;

/** @param hash of a name, in hexadecimal, of a fixed length. */
export function countInStore(begin: () => CoreUnit, hash: (text: string) => string): FailureCount {
  const view = (unit: Unit): ReturnType<Unit['view']> => unit.view(ROOT_NAMESPACE_ID, PREFIX);
  const placeOf = (name: string): { readonly key: string; readonly id: string } => {
    const id = hash(`failed login ${name}`);
    return { key: id.slice(0, BUCKET_DIGITS), id };
  };
  return {
    async add(name, nowMs, resetMs) {
      const { key, id } = placeOf(name);
      for (let attempt = 1; ; attempt++) {
        const unit = begin();
        const bucket = (await view(unit).getRecord<Bucket>(key)) ?? {};
        const count = countAfter(
          Object.hasOwn(bucket, id) ? bucket[id] : undefined,
          nowMs,
          resetMs,
        );
        const others = Object.entries(bucket).filter(
          ([other, { lastMs }]) => other !== id && nowMs - lastMs <= resetMs,
        );
        const kept = others.toSorted(([, a], [, b]) => b.lastMs - a.lastMs);
        view(unit).putJson(
          key,
          Object.fromEntries([
            [id, { count, lastMs: nowMs }],
            ...kept.slice(0, BUCKET_NAMES_MAX - 1),
          ]),
        );
        try {
          await unit.commit();
          return count;
        } catch (error) {
          if (!(error instanceof ConflictError) || attempt >= ATTEMPTS_MAX) throw error;
        }
      }
    },
    async forget(unit, name) {
      const { key, id } = placeOf(name);
      const bucket = await view(unit).getRecord<Bucket>(key);
      if (bucket === undefined || !Object.hasOwn(bucket, id)) return;
      const { [id]: _, ...rest } = bucket;
      if (Object.keys(rest).length === 0) view(unit).delete(key);
      else view(unit).putJson(key, rest);
    },
    clear: () => {},
  };
}

function countAfter(before: Failures | undefined, nowMs: number, resetMs: number): number {
  const fresh = before === undefined || nowMs - before.lastMs > resetMs;
  return (fresh ? 0 : before.count) + 1;
}
