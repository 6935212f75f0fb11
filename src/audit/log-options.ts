/** What an audit log is made with, and its limits. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { CheckpointSigner } from './checkpoint.ts';
import type { AuditDevice } from './device.ts';
import type { GroupCounts } from './group.ts';

/** Most bytes in one append; further records wait for the next. */
export const BATCH_BYTES_MAX: number = 1024 * 1024;
/** Most bytes that may wait for a slow device; further records are refused at once. */
export const WAITING_BYTES_MAX: number = 64 * 1024 * 1024;
/** How often a log file is checked to be still in its place. */
export const IN_PLACE_INTERVAL_MS = 250;
/** Boot keys of this process and of earlier ones that still await endorsement. */
export const ENDORSEMENTS_MAX = 64;

export interface AuditLogOptions {
  readonly device: AuditDevice;
  /** `<cluster>/<node>/<device path>`. */
  readonly origin: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly deadlineMs: number;
  /** Replies that the device did not take are kept until it does; else they are lost. */
  readonly keepReplies?: boolean | undefined;
  readonly signer: CheckpointSigner;
  /** How far the store has come, for checkpoints to tell; undefined while that is not known. */
  readonly storePosition?: (() => bigint | undefined) | undefined;
  /** Called for each group of records that was taken. */
  readonly onWritten?: ((group: GroupCounts, elapsedMs: number) => void) | undefined;
  /** Called for each group of records that was refused or lost. */
  readonly onFailure?: ((group: GroupCounts) => void) | undefined;
  /** Runs the action soon, after what is running now has had its say. */
  readonly soon?: ((action: () => void) => void) | undefined;
}
