/** What the rotation of secrets needs beside its store. */
import type { Clock } from '../../../base/clock.ts';
import type { Log } from '../../../base/log.ts';
import type { Random } from '../../../base/random.ts';
import type { Rotator } from '../../../rotators/rotator.ts';

/** Rotations of one process that may be under way at once, unless a mount says less. */
export const CONCURRENT_MAX = 64;
export const CONCURRENT_DEFAULT = 8;

export interface RotationAlerts {
  /** A rotation has failed; told once until one succeeds. */
  failed(): void;
  rotated(): void;
  /** A value has passed its greatest age; told once until it is renewed. */
  overdue(): void;
}

export interface RotationPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Loaded when the first policy is looked at. */
  readonly rotators: () => Promise<ReadonlyMap<string, Rotator>>;
  /** @throws {RequestError} no such policy */
  readonly password: (namespaceId: string, policy: string) => Promise<string>;
  readonly alerts: RotationAlerts;
  readonly slots: Slots;
}

/** Bounds how many rotations are under way in this process: a target is asked by so many at once and no more. */
export class Slots {
  readonly #taken = new Set<string>();
  readonly #waiting = new Set<string>();

  /** False when all are taken by others. */
  take(key: string, most: number): boolean {
    if (!this.#taken.has(key) && this.#taken.size >= most) {
      this.#waiting.add(key);
      return false;
    }
    this.#waiting.delete(key);
    this.#taken.add(key);
    return true;
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#waiting.size;
  }

  free(key: string): void {
    this.#taken.delete(key);
  }
}
