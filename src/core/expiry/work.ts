/** What the kinds of work in the expiry queue have in common. */
import type { AuditBroker } from '../../audit/broker.ts';
import type { World } from '../../base/world.ts';
import type { DueEntry, DueKind, ExpiryQueue } from '../../leases/expiry-queue.ts';
import type { LeaseStore } from '../../leases/lease-store.ts';
import type { TokenStore } from '../../tokens/token-store.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import type { Duty } from '../replicas/duty.ts';
import type { MountEntry } from '../mounts/mount-entry.ts';
import type { BackendFactory, MountTable } from '../mounts/mount-table.ts';
import type { Intents } from '../outside/intents.ts';

export interface ExpirerPorts {
  readonly world: World;
  readonly begin: () => CoreUnit;
  readonly queue: ExpiryQueue;
  readonly tokens: TokenStore;
  readonly leases: LeaseStore;
  readonly intents: Intents;
  readonly audit: Pick<AuditBroker, 'request' | 'reply'>;
  readonly backends: BackendFactory;
  readonly table: MountTable;
  /** The entry of a mount, whether still routed or already removed. */
  readonly mountOf: (
    unit: CoreUnit,
    namespaceId: string,
    accessor: string,
  ) => Promise<MountEntry | undefined>;
  /** Forgets a namespace's key: what is left of it can never be read again. */
  readonly shred: (unit: CoreUnit, namespaceId: string) => void;
  readonly unsealed: () => boolean;
  /** Whether this process is the one that acts outside, and works off what falls due. */
  readonly duty: Duty;
}

/**
 * What became of an entry: `done`, it is removed; `again`, there is more of it to do now; `waiting`, for other entries; or
 * the time at which it is due again, in milliseconds since the epoch.
 */
export type Outcome = 'done' | 'again' | 'waiting' | number;

/** One transaction of work on an entry. Run anew on a conflict, so it must be idempotent. */
export type Work = (unit: CoreUnit, entry: DueEntry, nowMs: number) => Promise<Outcome>;

/**
 * Work on an entry that failed, in a unit of its own: nothing of the failed one is written. Tells when to try again, or
 * `done` when there is nothing left to try.
 */
export type Failure = (
  unit: CoreUnit,
  entry: DueEntry,
  nowMs: number,
  reason: string,
) => Promise<Outcome>;

export interface Kind {
  /** It acts outside the store: only the process that has the duty may do it. Whatever else is due, anyone may work off. */
  readonly outside?: true;
  readonly work: Work;
  readonly failed?: Failure;
}

export type Kinds = Readonly<Record<DueKind, Kind>>;

/** Where the entries of removed mounts wait for their clean-up. */
export const GONE_PREFIX: string = 'core/mount-gone/';
/** Records deleted in one transaction. */
export const WIPE_RECORDS: number = 1000;
/** Children or leases taken up in one transaction. */
export const FAN_OUT: number = 500;
