/** What backends have put on the calendar: entries of the expiry queue that name mount, task and subject. */
import type { ExpiryQueue } from '../../leases/expiry-queue.ts';
import type { Schedule } from '../../model/outside.ts';
import type { Unit } from '../../model/transaction.ts';

interface TaskId {
  readonly mountAccessor: string;
  readonly task: string;
  readonly name: string;
}

export function taskOf(id: string): TaskId {
  const [mountAccessor = '', task = '', name = ''] = JSON.parse(id) as string[];
  return { mountAccessor, task, name };
}

/** What a backend's mount schedules in a unit. */
export function scheduleOf(
  queue: ExpiryQueue,
  unit: Unit,
  namespaceId: string,
  mountAccessor: string,
): Schedule {
  return (task, name, atMs) => {
    const id = JSON.stringify([mountAccessor, task, name]);
    queue.schedule(unit, { kind: 'task', namespaceId, id }, atMs);
  };
}
