/** What whoever is on duty hears of rotations: that they fail, and that a value has become too old. */
import type { TaskContext } from '../../../model/outside.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { RotationPorts } from './ports.ts';
import { overdueTellMs, putRotation } from './record.ts';
import type { RotationRecord, RotationState } from './record.ts';

interface Failed {
  readonly ports: RotationPorts;
  readonly state: RotationState;
  readonly task: TaskContext;
}

/** Once for a row of failures: whoever is called at night wants to be called once. */
export function alert(
  { ports, state, task }: Failed,
  failures: number,
  step: string,
  error: string,
): void {
  const { namespaceId: namespace, name: path } = task;
  const fields = { rotation: state.id, path, namespace, step, failures, error };
  if (failures > 1) {
    ports.log.warn('rotation failed again', fields);
    return;
  }
  ports.alerts.failed();
  ports.log.error('rotation failed', fields);
}

/** Once until the value is renewed, whatever holds that up: failures, a pause, places that others take. */
export function tellOverdue(
  ports: RotationPorts,
  { name: path, namespaceId: namespace, nowMs }: TaskContext,
  store: Transaction,
  record: RotationRecord,
): RotationRecord {
  if (nowMs < (overdueTellMs(record) ?? Number.POSITIVE_INFINITY)) return record;
  const { policy, state } = record;
  const after: RotationRecord = { policy, state: { ...state, overdueTold: true } };
  putRotation(store, path, after);
  ports.alerts.overdue();
  const { failures, lastError: error } = state;
  ports.log.error('secret is overdue', { path, namespace, paused: policy.paused, failures, error });
  return after;
}
