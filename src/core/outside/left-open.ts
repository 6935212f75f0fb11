/** Settles intents that were left open, and runs the tasks of backends when they are due. */
import { base62 } from '../../base/random.ts';
import { RequestError } from '../../model/errors.ts';
import type { DueEntry } from '../../leases/expiry-queue.ts';
import type { Schedule, TaskContext, TaskType } from '../../model/outside.ts';
import type { Transaction } from '../../model/transaction.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import { within } from '../expiry/within.ts';
import type { ExpirerPorts, Kind } from '../expiry/work.ts';
import { dataPrefix } from '../mounts/mount-entry.ts';
import { LEND, OWN_PREFIX, settledMs } from './intents.ts';
import { taskAudit } from './task-audit.ts';
import type { TaskAudit } from './task-audit.ts';
import { scheduleOf, taskOf } from './tasks.ts';
import type { IntentRecord } from './intent-record.ts';

/** Longest time that one attempt to settle an intent, or one step of a task, may take. */
export const OUTSIDE_MS_MAX = 60_000;
const SETTLE_BACKOFF_MS = 10_000;
const SETTLE_BACKOFF_MS_MAX = 600_000;
/** An intent whose request is still under way is looked at again after this. */
const ACTIVE_CHECK_MS = 30_000;
const TASK_RETRY_MS = 60_000;
const LEASE_RANDOM_LENGTH = 24;

type Ports = Pick<
  ExpirerPorts,
  'world' | 'leases' | 'queue' | 'table' | 'audit' | 'intents' | 'mountOf' | 'backends'
>;

export function intentKind(ports: Ports): Kind {
  const { intents, world } = ports;
  return {
    outside: true,
    async work(unit, entry, nowMs) {
      const record = await intents.get(unit, entry.id);
      if (record === undefined) return 'done';
      if (intents.isActive(record.id)) return nowMs + ACTIVE_CHECK_MS;
      if (record.kind === LEND) {
        endLent(ports, unit, record, nowMs);
        // Whoever has given up waiting for the act may be overtaken by it: once more when it can no longer come about.
        if (record.over !== true && nowMs < settledMs(record)) return settledMs(record);
      } else await settleOwn(ports, unit, record, nowMs);
      await intents.delete(unit, record);
      return 'done';
    },
    async failed(unit, entry, nowMs, reason) {
      const record = await intents.get(unit, entry.id);
      if (record === undefined) return 'done';
      const attempts = record.attempts + 1;
      world.log.warn('an unfinished act outside could not be settled', {
        intent: record.id,
        kind: record.kind,
        attempts,
        error: reason,
      });
      intents.put(unit, { ...record, attempts });
      return nowMs + Math.min(SETTLE_BACKOFF_MS * 2 ** (attempts - 1), SETTLE_BACKOFF_MS_MAX);
    },
  };
}

/** A secret that nobody holds becomes a lease that is over: its engine takes it back like any other. */
function endLent({ leases, world }: Ports, unit: CoreUnit, record: IntentRecord, nowMs: number) {
  const { namespaceId, mountAccessor, path, secretType, data } = record;
  leases.register(
    unit,
    {
      id: `${path}/${base62(world.random, LEASE_RANDOM_LENGTH)}`,
      namespaceId,
      mountAccessor,
      tokenId: '',
      tokenNamespaceId: namespaceId,
    },
    { ttlSeconds: 0, maxTtlSeconds: 0, renewable: false, secretType, internal: data },
    nowMs,
  );
}

async function settleOwn(
  { world, backends, mountOf, queue }: Ports,
  unit: CoreUnit,
  record: IntentRecord,
  nowMs: number,
): Promise<void> {
  const mount = await mountOf(unit, record.namespaceId, record.mountAccessor);
  if (mount === undefined) throw new RequestError('internal', 'the mount of the intent is gone');
  const kind = (await backends(mount))?.intents?.[record.kind.slice(OWN_PREFIX.length)];
  if (kind === undefined) throw new RequestError('internal', 'unknown kind of intent');
  const { data, openedMs, attempts, namespaceId, mountAccessor } = record;
  const schedule = scheduleOf(queue, unit, namespaceId, mountAccessor);
  const view = unit.view(record.namespaceId, dataPrefix(mount));
  await within(world.clock, OUTSIDE_MS_MAX, 'settling', () =>
    kind.settle({ data, openedMs, attempts, nowMs, schedule }, view),
  );
}

interface FoundTask {
  readonly type: TaskType;
  readonly context: TaskContext;
  readonly view: Transaction;
  readonly audit: TaskAudit;
}

export function taskKind(ports: Ports): Kind {
  const { world } = ports;
  return {
    outside: true,
    async work(unit, entry, nowMs) {
      const found = await findTask(ports, unit, entry, nowMs);
      if (found === undefined) return 'done';
      const { type, context, view, audit } = found;
      try {
        const outcome = await within(world.clock, OUTSIDE_MS_MAX, 'the task', () =>
          type.run(context, view),
        );
        await audit.end();
        return outcome;
      } catch (error) {
        await audit.end(error);
        throw error;
      }
    },
    async failed(unit, entry, nowMs, reason) {
      const found = await findTask(ports, unit, entry, nowMs);
      if (found === undefined) return 'done';
      const { type, context, view } = found;
      world.log.warn('a scheduled task failed', { task: entry.id, error: reason });
      return (await type.failed?.(context, view, reason)) ?? nowMs + TASK_RETRY_MS;
    },
  };
}

/** Nothing when its mount is gone, or being removed: what was to be done there has lost its sense. */
async function findTask(
  ports: Ports,
  unit: CoreUnit,
  { namespaceId, id }: DueEntry,
  nowMs: number,
): Promise<FoundTask | undefined> {
  const { backends, mountOf, queue, table } = ports;
  const { mountAccessor, task, name } = taskOf(id);
  const mount = await mountOf(unit, namespaceId, mountAccessor);
  if (mount === undefined || mount.tainted) return undefined;
  const type = (await backends(mount))?.tasks?.[task];
  if (type === undefined) return undefined;
  const schedule: Schedule = scheduleOf(queue, unit, namespaceId, mountAccessor);
  const view = unit.view(namespaceId, dataPrefix(mount));
  const path = (await table.routing(unit)).namespacesById.get(namespaceId)?.path ?? '';
  const audit = taskAudit(ports, { id: namespaceId, path }, mount);
  const { record } = audit;
  return { type, view, audit, context: { name, namespaceId, nowMs, schedule, record } };
}
