/**
 * Something decoded from many records, kept while the epoch of its scope stands. A writer bumps the epoch in the commit that
 * changes the records, so a cached value that matches the epoch of a unit is right for that unit's snapshot.
 */
import type { Awaitable } from '../base/awaitable.ts';
import type { Unit } from '../model/transaction.ts';

/** A unit that can read and advance epochs, and be committed. */
export interface CoreUnit extends Unit {
  commit(): Promise<void>;
  epoch(scope: string): Awaitable<number>;
  bumpEpoch(scope: string): void;
  /** A storage key that was read here and that another commit has changed since, if there is one. */
  outdated(): Promise<string | undefined>;
}

export class EpochCache<T> {
  readonly #scope: string;
  readonly #begin: () => CoreUnit;
  readonly #load: (unit: CoreUnit) => Promise<T>;
  #current: { readonly epoch: number; readonly value: T } | undefined;
  #loading: Promise<void> | undefined;

  constructor(scope: string, begin: () => CoreUnit, load: (unit: CoreUnit) => Promise<T>) {
    this.#scope = scope;
    this.#begin = begin;
    this.#load = load;
  }

  /** The value at the unit's snapshot; the unit's commit depends on the epoch. */
  get(unit: CoreUnit): Awaitable<T> {
    const epoch = unit.epoch(this.#scope);
    if (epoch instanceof Promise) return epoch.then((known) => this.#at(known));
    if (this.#current !== undefined && this.#current.epoch >= epoch) return this.#current.value;
    return this.#at(epoch);
  }

  async #at(epoch: number): Promise<T> {
    for (;;) {
      if (this.#current !== undefined && this.#current.epoch >= epoch) return this.#current.value;
      this.#loading ??= this.#reload().finally(() => (this.#loading = undefined));
      await this.#loading;
    }
  }

  /** Forgets the value: after a seal. */
  clear(): void {
    this.#current = undefined;
  }

  /** Loads in a unit of its own, so that the caller's commit does not depend on every record that was read. */
  async #reload(): Promise<void> {
    const unit = this.#begin();
    const epoch = await unit.epoch(this.#scope);
    const value = await this.#load(unit);
    const after = await this.#begin().epoch(this.#scope);
    if (after === epoch) this.#current = { epoch, value };
  }
}
