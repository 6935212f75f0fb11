/**
 * When recurring work is due: every so often, or by a cron schedule in a time zone, and then only within a window that begins
 * with each of its times.
 */
import { Cron } from 'croner';

/** Shortest pause between two runs, in seconds: a schedule by the second is a mistake. */
export const PERIOD_SECONDS_MIN: number = 5;
/** Shortest window: whoever is late by less than this is not late. */
export const WINDOW_SECONDS_MIN: number = 60;
const SCHEDULE_LENGTH_MAX = 256;

export interface Recurrence {
  /** Seconds from one run to the next; 0 = by `schedule`. */
  readonly periodSeconds: number;
  /** Cron: minute, hour, day of the month, month, day of the week; '' = by `periodSeconds`. */
  readonly schedule: string;
  /** IANA name; '' = UTC. */
  readonly timeZone: string;
  /** Seconds after each time of the schedule within which work may still begin; 0 = at any later time. */
  readonly windowSeconds: number;
}

export class CalendarError extends Error {
  override readonly name = 'CalendarError';
}

/** @throws {CalendarError} */
export function assertRecurrence(recurrence: Recurrence): void {
  const { periodSeconds, schedule, windowSeconds } = recurrence;
  if (schedule === '') {
    if (recurrence.timeZone !== '') zoneOf(recurrence.timeZone);
    if (periodSeconds < PERIOD_SECONDS_MIN) {
      throw new CalendarError(`a period must be ${PERIOD_SECONDS_MIN} seconds or more`);
    }
    if (windowSeconds !== 0) throw new CalendarError('a window needs a schedule');
    return;
  }
  if (periodSeconds !== 0) throw new CalendarError('a period and a schedule exclude each other');
  if (windowSeconds !== 0 && windowSeconds < WINDOW_SECONDS_MIN) {
    throw new CalendarError(`a window must be ${WINDOW_SECONDS_MIN} seconds or more`);
  }
  if (cronOf(recurrence).nextRun(new Date(0)) === null) {
    throw new CalendarError('the schedule never comes up');
  }
}

function zoneOf(timeZone: string): string {
  if (timeZone === '') return 'UTC';
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch {
    throw new CalendarError('unknown time zone');
  }
}

function cronOf({ schedule, timeZone }: Recurrence): Cron {
  const timezone = zoneOf(timeZone);
  if (schedule.length > SCHEDULE_LENGTH_MAX) throw new CalendarError('the schedule is too long');
  // Five fields as in cron, or one of its names; a sixth would be seconds.
  if (!/^@(?:yearly|annually|monthly|weekly|daily|hourly)$/.test(schedule.trim())) {
    if (schedule.trim().split(/\s+/).length !== 5) {
      throw new CalendarError(
        'a schedule has five fields: minute, hour, day, month, day of the week',
      );
    }
  }
  try {
    return new Cron(schedule.trim(), { timezone, paused: true });
  } catch {
    throw new CalendarError('the schedule cannot be parsed');
  }
}

/** The first time after `afterMs` at which work is due, in milliseconds since the epoch. */
export function nextDueMs(recurrence: Recurrence, afterMs: number): number {
  if (recurrence.schedule === '') return afterMs + recurrence.periodSeconds * 1000;
  const next = cronOf(recurrence).nextRun(new Date(afterMs));
  if (next === null) throw new CalendarError('the schedule never comes up again');
  return next.getTime();
}

/**
 * Work was due at `dueMs` and begins only now: undefined when that is in time, else the next time at which it may begin. Outside
 * of its window nothing is begun, however late it is.
 */
export function putOffMs(recurrence: Recurrence, dueMs: number, nowMs: number): number | undefined {
  const { schedule, windowSeconds } = recurrence;
  if (schedule === '' || windowSeconds === 0) return undefined;
  if (nowMs < dueMs + windowSeconds * 1000) return undefined;
  // A later time of the schedule may have come up meanwhile, whose window is open.
  const latest = nextDueMs(recurrence, nowMs - windowSeconds * 1000);
  return latest <= nowMs ? undefined : latest;
}
