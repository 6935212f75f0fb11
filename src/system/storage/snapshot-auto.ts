/** `sys/storage/raft/snapshot-auto`: snapshots by schedule, what came of them, and which there are. */
import { formatTimeSeconds } from '../../base/time-format.ts';
import { nextDueMs } from '../../calendar/calendar.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { RequestError, invalidRequest, notFound } from '../../model/errors.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import { DestinationError } from '../../snapshots/destination.ts';
import type { Listed } from '../../snapshots/destination.ts';
import {
  SCHEDULES_MAX,
  deleteSchedule,
  putSchedule,
  putStatus,
  readSchedule,
  readStatus,
  scheduleNames,
} from '../../snapshots/records.ts';
import type { Schedule, Status } from '../../snapshots/records.ts';
import { SCHEDULE_FIELDS, scheduleOf, shownSchedule } from './schedule-fields.ts';

export interface SnapshotAutoPorts {
  /** Says why this server cannot make any. */
  readonly refusal: () => string | undefined;
  /** Says why snapshots cannot go there. */
  readonly refusePlace: (schedule: Schedule) => string | undefined;
  /** Those at the destination of a schedule, newest last. @throws {DestinationError} */
  readonly listed: (schedule: Schedule) => Promise<readonly Listed[]>;
  /** The key that they are signed with. */
  readonly publicKey: () => Buffer;
}

const PREFIX = 'storage/raft/snapshot-auto';
const NAME = { name: SCHEDULE_FIELDS.name } as const;

async function existing(unit: Unit, name: string | undefined): Promise<Schedule> {
  const schedule = await readSchedule(unit, name ?? '');
  if (schedule === undefined) throw notFound();
  return schedule;
}

/** All of them need `sudo`, in the root namespace: a snapshot holds everything. */
const COMMON = { sudo: true, rootNamespaceOnly: true } as const;

export function snapshotAutoPaths(ports: SnapshotAutoPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      ...COMMON,
      pattern: `${PREFIX}/config`,
      fields: {},
      help: { synopsis: 'Lists the schedules of snapshots.' },
      operations: {
        list: {
          summary: 'List the schedules',
          handler: async (_request, unit) => {
            const keys = await scheduleNames(unit);
            if (keys.length === 0) throw notFound();
            return { data: { keys } };
          },
        },
      },
    }),
    configPath(ports),
    defineSystemPath({
      ...COMMON,
      pattern: `${PREFIX}/status/{name}`,
      fields: NAME,
      help: { synopsis: 'Tells what came of the snapshots of a schedule.' },
      operations: {
        read: {
          summary: 'Read the status of a schedule',
          handler: async ({ fields }, unit) => {
            const { name } = await existing(unit, fields.name);
            const status = await readStatus(unit, name);
            return {
              data: { ...shownStatus(status), public_key: ports.publicKey().toString('base64') },
            };
          },
        },
      },
    }),
    defineSystemPath({
      ...COMMON,
      pattern: `${PREFIX}/run/{name}`,
      fields: NAME,
      help: {
        synopsis: 'Asks for a snapshot of a schedule now.',
        description:
          'The server whose duty it is begins within a few seconds; the status of the schedule tells what comes of it.',
      },
      operations: {
        update: {
          summary: 'Make a snapshot now',
          handler: async ({ fields, nowMs }, unit) => {
            const { name } = await existing(unit, fields.name);
            const refusal = ports.refusal();
            if (refusal !== undefined) throw invalidRequest(refusal);
            const status = await readStatus(unit, name);
            putStatus(unit, name, {
              lastError: '',
              errors: 0,
              ...status,
              nextMs: nowMs,
              takeOver: true,
            });
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      ...COMMON,
      pattern: `${PREFIX}/snapshots/{name}`,
      fields: NAME,
      help: { synopsis: 'Lists the snapshots at the destination of a schedule.' },
      operations: {
        list: {
          summary: 'List the snapshots of a schedule',
          outsideEffects: true,
          handler: async ({ fields }, unit) => {
            const found = await listedOf(ports, await existing(unit, fields.name));
            if (found.length === 0) throw notFound();
            return {
              data: {
                keys: found.map(({ name }) => name),
                key_info: Object.fromEntries(found.map(({ name, bytes }) => [name, { bytes }])),
              },
            };
          },
        },
      },
    }),
  ];
}

function configPath(ports: SnapshotAutoPorts): Path<Unit> {
  return defineSystemPath({
    ...COMMON,
    pattern: `${PREFIX}/config/{name}`,
    fields: SCHEDULE_FIELDS,
    help: {
      synopsis: 'When snapshots are made, where they go, and which are kept.',
      description:
        'A write replaces the whole schedule; of a credential that is not sent the stored one stays, as long as the endpoint is the same. Without the schedule what it has made stays where it is.',
    },
    operations: {
      read: {
        summary: 'Read a schedule',
        handler: async ({ fields }, unit) => ({
          data: { ...shownSchedule(await existing(unit, fields.name)) },
        }),
      },
      update: {
        summary: 'Create or replace a schedule',
        handler: async ({ fields, nowMs }, unit) => {
          const refusal = ports.refusal();
          if (refusal !== undefined) throw invalidRequest(refusal);
          const name = fields.name ?? '';
          const before = await readSchedule(unit, name);
          const schedule = scheduleOf(fields, before);
          const misplaced = ports.refusePlace(schedule);
          if (misplaced !== undefined) throw invalidRequest(misplaced);
          const names = await scheduleNames(unit);
          if (before === undefined && names.length >= SCHEDULES_MAX) {
            throw invalidRequest(`there are ${SCHEDULES_MAX} schedules already`);
          }
          putSchedule(unit, schedule);
          const status = await readStatus(unit, name);
          putStatus(unit, name, {
            lastError: '',
            errors: 0,
            ...status,
            nextMs: firstMs(schedule, status, nowMs),
            takeOver: true,
          });
          return undefined;
        },
      },
      delete: {
        summary: 'Delete a schedule',
        handler: ({ fields }, unit) => {
          deleteSchedule(unit, fields.name ?? '');
          return undefined;
        },
      },
    },
  });
}

/** A new schedule by periods begins at once; one by the calendar at its first time. */
function firstMs(schedule: Schedule, status: Stored<Status> | undefined, nowMs: number): number {
  const { recurrence } = schedule;
  if (recurrence.schedule !== '') return nextDueMs(recurrence, nowMs);
  const periodMs = recurrence.periodSeconds * 1000;
  const dueMs = (status?.lastStartMs ?? -Infinity) + periodMs;
  return Math.min(Math.max(nowMs, dueMs), nowMs + periodMs);
}

async function listedOf(ports: SnapshotAutoPorts, schedule: Schedule): Promise<readonly Listed[]> {
  try {
    return await ports.listed(schedule);
  } catch (error) {
    if (!(error instanceof DestinationError)) throw error;
    throw new RequestError('upstream_failed', `the snapshots cannot be listed: ${error.message}`);
  }
}

function shownStatus(status: Stored<Status> | undefined): Record<string, unknown> {
  const time = (ms: number | undefined): string => (ms === undefined ? '' : formatTimeSeconds(ms));
  return {
    consecutive_errors: status?.errors ?? 0,
    last_snapshot_start: time(status?.lastStartMs),
    last_snapshot_end: time(status?.lastEndMs),
    last_snapshot_error: status?.lastError ?? '',
    last_snapshot_name: status?.lastName ?? '',
    last_snapshot_url: status?.lastUrl ?? '',
    last_snapshot_bytes: status?.lastBytes ?? 0,
    last_success: time(status?.lastGoodMs),
    last_verified: time(status?.verifiedMs),
    last_verified_records: status?.verifiedRecords ?? 0,
    snapshots: status?.kept ?? 0,
    snapshots_in_future: status?.inFuture ?? 0,
    next_snapshot_start: time(status?.nextMs),
    snapshot_start: time(status?.running?.sinceMs),
    snapshot_name: status?.running?.name ?? '',
  };
}
