/** What an audit log is made with. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { CheckpointSigner } from './checkpoint.ts';
import type { AuditDevice } from './device.ts';
import type { GroupCounts } from './group.ts';

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
  /** Called for each group of records that was taken. */
  readonly onWritten?: ((group: GroupCounts, elapsedMs: number) => void) | undefined;
  /** Called for each group of records that was refused or lost. */
  readonly onFailure?: ((group: GroupCounts) => void) | undefined;
  /** Runs the action soon, after what is running now has had its say. */
  readonly soon?: ((action: () => void) => void) | undefined;
}
