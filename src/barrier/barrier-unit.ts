/** What the barrier hands out: units of reads and writes over several views. */
import type { Awaitable } from '../base/awaitable.ts';
import type { Unit } from '../model/transaction.ts';
import { viewPrefix } from './storage-keys.ts';

export interface BarrierUnit extends Unit {
  /** Reads several storage keys (see {@link dataKey}, {@link epochKey}) from one snapshot, for later calls to find. */
  preload(keys: readonly string[]): Promise<void>;
  /** How often `scope` has been bumped, in a number that only grows; 0 = never. */
  epoch(scope: string): Awaitable<number>;
  /** Moves the epoch on with this commit. Bumps by others at the same time do not conflict. */
  bumpEpoch(scope: string): void;
  /** Gives a new namespace its random key. Its views can be used in this unit already. */
  createNamespaceKey(namespaceId: string): void;
  /** Deletes the key of a namespace: whatever was stored in it can never be read again. */
  shredNamespaceKey(namespaceId: string): void;
  /** A storage key that was read here and that another commit has changed since, if there is one. */
  outdated(): Promise<string | undefined>;
  /**
   * Makes all writes or none; durable when it resolves. Without writes it does nothing.
   * @throws {ConflictError} something that was read has changed: run the request again in a new unit.
   */
  commit(): Promise<void>;
}

/** The storage key of `key` in the view (`namespaceId`, `prefix`), for {@link BarrierUnit.preload}. */
export function dataKey(namespaceId: string, prefix: string, key: string): string {
  return viewPrefix(namespaceId, prefix) + key;
}
