/** Where snapshots go: a folder, a bucket. A name is there when its snapshot is whole, and not before. */
import type { MadeSnapshot } from './make.ts';

export interface Listed {
  readonly name: string;
  readonly bytes: number;
}

/** What is wanted failed for good, or for now; the message holds no credential. */
export class DestinationError extends Error {
  override readonly name = 'DestinationError';
}

export interface Destination {
  /** How people find it there; holds no credential. */
  urlOf(name: string): string;
  /** Delivers a snapshot under a new name, whole and durable, or not at all. @throws {DestinationError} */
  put(name: string, made: MadeSnapshot, signal: AbortSignal): Promise<void>;
  /** Everything that is called like a snapshot. @throws {DestinationError} */
  list(): Promise<readonly Listed[]>;
  /** The bytes of one. Fails with {@link DestinationError}, at the latest while it is read. */
  open(name: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Removes one; one that is not there is no failure. */
  remove(name: string): Promise<void>;
  /** Removes what deliveries have left that were cut off. */
  sweep(nowMs: number): Promise<void>;
}
