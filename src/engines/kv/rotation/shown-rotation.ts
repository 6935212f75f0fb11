/** What is shown of a rotation: its policy without secrets, and where it is. */
import { formatTime } from '../../../base/time-format.ts';
import { shownPolicy } from './policy-fields.ts';
import type { RotationPorts } from './ports.ts';
import { isOverdue } from './record.ts';
import type { RotationRecord } from './record.ts';

/** '' for 0, which stands for never. */
export function timeOrEmpty(ms: number): string {
  return ms === 0 ? '' : formatTime(ms);
}

export async function shownRotation(
  ports: RotationPorts,
  record: RotationRecord,
  nowMs: number,
): Promise<Record<string, unknown>> {
  const { policy, state } = record;
  return {
    ...shownPolicy((await ports.rotators()).get(policy.rotator), policy),
    phase: state.phase,
    next_rotation: policy.paused && !state.asked ? '' : formatTime(state.dueMs),
    last_rotation: timeOrEmpty(
      state.history.some(({ outcome }) => outcome === 'rotated') ? state.rotatedMs : 0,
    ),
    previous_version: state.previousVersion,
    grace_until: state.phase === 'grace' ? formatTime(state.stepMs) : '',
    overdue: isOverdue(record, nowMs),
    failures: state.failures,
    failed_step: state.failedStep,
    last_error: state.lastError,
  };
}
