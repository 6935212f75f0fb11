/**
 * Makes snapshots when they are due. Of several servers one does: each commit of the work depends on the duty, and who loses it
 * ends what it is at. What has failed is told in the log, in the status, in metrics and by `sys/health`, and tried again.
 */
import { nextDueMs, putOffMs } from '../calendar/calendar.ts';
import type { World } from '../base/world.ts';
import type { Stored, Unit } from '../model/transaction.ts';
import { ConflictError } from '../storage/storage.ts';
import type { Destination } from './destination.ts';
import { snapshotName } from './names.ts';
import { FUTURE_MS_MAX } from './retention.ts';
import { putStatus, readSchedule, readStatus, scheduleNames } from './records.ts';
import type { Schedule, Status } from './records.ts';
import { runSchedule } from './run.ts';
import type { Outcome, RunPorts } from './run.ts';

/** Between two looks at what is due. */
export const TURN_MS = 2_000;
/** After a failure: doubled with each that follows, and never beyond the next time of the schedule. */
const RETRY_MS = 60_000;
const RETRY_MS_MAX: number = 60 * 60 * 1000;
/** Longest time that one snapshot may take. */
const RUN_MS_MAX: number = 6 * 60 * 60 * 1000;
/** Failures in a row after which `sys/health` calls the server degraded. */
export const ERRORS_MAX = 3;
const REASON_LENGTH_MAX = 300;
const ATTEMPTS_MAX = 5;
/** Snapshots in a row that failed and are remembered as our own. */
const OWN_MAX = 50;

export interface SnapshotMetrics {
  succeeded(schedule: string, bytes: number, endMs: number): void;
  failed(schedule: string, errorsInARow: number): void;
}

export interface KeeperPorts extends RunPorts {
  readonly world: World;
  readonly begin: () => Unit & { commit(): Promise<void> };
  /** Whether this process may do it now; `guard` makes a commit depend on that. */
  readonly duty: { readonly held: boolean; guard(unit: Unit): Promise<void> };
  readonly destination: (schedule: Schedule) => Promise<Destination>;
  readonly metrics: SnapshotMetrics;
  /** Puts a run into the audit log, durably, and gives what does the same with its end. */
  readonly audited: (schedule: string) => Promise<(error?: unknown) => Promise<void>>;
}

interface Running {
  readonly schedule: string;
  readonly abort: AbortController;
  readonly over: Promise<void>;
}

export class SnapshotKeeper {
  readonly #ports: KeeperPorts;
  /** Set while it works. */
  #cancel: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();
  #running: Running | undefined;
  /** Schedules that have failed too often. */
  readonly #failing = new Set<string>();

  constructor(ports: KeeperPorts) {
    this.#ports = ports;
  }

  /** Whether a schedule fails again and again. */
  get failing(): boolean {
    return this.#failing.size > 0;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#turn;
    await this.#running?.over;
    await this.#turn;
  }

  start(): void {
    if (this.#cancel !== undefined) return;
    this.#cancel = () => {};
    this.#arm();
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#running?.abort.abort(new Error('the server seals or stops'));
    await this.idle();
    this.#failing.clear();
  }

  /** Looks at once at what is due. */
  wake(): void {
    if (this.#cancel === undefined) return;
    this.#turn = this.#turn.then(() => this.#look());
  }

  #arm(): void {
    if (this.#cancel === undefined) return;
    this.#cancel = this.#ports.world.clock.after(TURN_MS, () => {
      this.#turn = this.#turn.then(() => this.#look()).then(() => this.#arm());
    });
  }

  async #look(): Promise<void> {
    const { duty, begin, world } = this.#ports;
    if (this.#cancel === undefined) return;
    if (!duty.held) {
      this.#running?.abort.abort(new Error('another server has taken over'));
      this.#failing.clear();
      return;
    }
    if (this.#running !== undefined) return;
    try {
      const unit = begin();
      const names = await scheduleNames(unit);
      for (const name of this.#failing) if (!names.includes(name)) this.#failing.delete(name);
      for (const name of names) {
        const schedule = await readSchedule(unit, name);
        if (schedule === undefined) continue;
        const status = await readStatus(unit, name);
        if (!isDue(schedule, status, world.clock.nowMs())) continue;
        this.#begin(schedule);
        return;
      }
    } catch (error) {
      world.log.warn('the schedules of snapshots cannot be read', { reason: reasonOf(error) });
    }
  }

  #begin(schedule: Schedule): void {
    const { clock } = this.#ports.world;
    const abort = new AbortController();
    const late = clock.after(RUN_MS_MAX, () => abort.abort(new Error('it took too long')));
    const over = this.#run(schedule, abort.signal).finally(() => {
      late();
      this.#running = undefined;
      // The next one may have become due meanwhile.
      this.wake();
    });
    this.#running = { schedule: schedule.name, abort, over };
  }

  async #run(schedule: Schedule, signal: AbortSignal): Promise<void> {
    const { world, destination, metrics } = this.#ports;
    const { clock, log } = world;
    const startMs = clock.nowMs();
    const name = snapshotName(schedule.filePrefix, startMs, world.random);
    let ended: ((error?: unknown) => Promise<void>) | undefined;
    try {
      const recorded = await this.#record(schedule, (before) => {
        const putOff = putOffMs(schedule.recurrence, before?.nextMs ?? startMs, startMs);
        if (putOff !== undefined) return { ...withDefaults(before), nextMs: putOff };
        return begun(before, name, startMs);
      });
      if (recorded?.running === undefined) return;
      ended = await this.#ports.audited(schedule.name);
      const target = await destination(schedule);
      const outcome = await runSchedule(this.#ports, schedule, target, name, recorded, signal);
      await ended();
      ended = undefined;
      await this.#record(schedule, (before) =>
        succeeded(schedule, before, { name, outcome, endMs: clock.nowMs() }),
      );
      this.#failing.delete(schedule.name);
      metrics.succeeded(schedule.name, outcome.bytes, clock.nowMs());
      log.info('snapshot made', {
        schedule: schedule.name,
        snapshot: name,
        bytes: outcome.bytes,
        verified_records: outcome.verifiedRecords,
        kept: outcome.kept,
        milliseconds: clock.nowMs() - startMs,
      });
      if (outcome.inFuture > 0) {
        log.warn('snapshots are dated in the future: a clock was wrong when they were made', {
          schedule: schedule.name,
          snapshots: outcome.inFuture,
        });
      }
    } catch (error) {
      const failure: unknown = signal.aborted ? signal.reason : error;
      await ended?.(failure).catch(() => {});
      await this.#failed(schedule, failure);
    }
  }

  async #failed(schedule: Schedule, error: unknown): Promise<void> {
    const { world, metrics } = this.#ports;
    const reason = reasonOf(error);
    let errors = 1;
    try {
      const status = await this.#record(schedule, (before) =>
        failed(schedule, before, reason, world.clock.nowMs()),
      );
      errors = status?.errors ?? errors;
    } catch {
      // The store or the duty is gone: whoever comes next sees a run without an end, which counts as a failure.
    }
    world.log.error('the snapshot failed', { schedule: schedule.name, reason, errors });
    metrics.failed(schedule.name, errors);
    if (errors >= ERRORS_MAX) this.#failing.add(schedule.name);
  }

  /** Undefined when the schedule is gone: nothing is kept of it then. */
  async #record(
    { name }: Schedule,
    change: (before: Stored<Status> | undefined) => Status,
  ): Promise<Status | undefined> {
    const { begin, duty } = this.#ports;
    for (let attempt = 1; ; attempt++) {
      const unit = begin();
      await duty.guard(unit);
      if ((await readSchedule(unit, name)) === undefined) return undefined;
      const status = change(await readStatus(unit, name));
      putStatus(unit, name, status);
      try {
        await unit.commit();
        return status;
      } catch (error) {
        // Somebody has changed the schedule, or asked for a snapshot now.
        if (!(error instanceof ConflictError) || attempt >= ATTEMPTS_MAX) throw error;
      }
    }
  }
}

function withDefaults(before: Stored<Status> | undefined): Status {
  return { nextMs: 0, lastError: '', errors: 0, ...before };
}

/** A time that lies further off than the schedule's next one was noted under a wrong clock. */
export function isDue(
  schedule: Schedule,
  status: Stored<Status> | undefined,
  nowMs: number,
): boolean {
  if (status === undefined) return true;
  // Nobody in this process works on it: it was cut off.
  if (status.running !== undefined) return true;
  if (status.nextMs <= nowMs) return true;
  return status.nextMs > nextDueMs(schedule.recurrence, nowMs) + FUTURE_MS_MAX;
}

function begun(before: Stored<Status> | undefined, name: string, startMs: number): Status {
  const { takeOver, ...rest } =
    before?.running === undefined ? withDefaults(before) : cutOff(before);
  return {
    ...rest,
    ...(takeOver === true ? { knownMs: startMs } : {}),
    own: [...(rest.own ?? []), name].slice(-OWN_MAX),
    lastStartMs: startMs,
    running: { name, sinceMs: startMs },
  };
}

/** The process ended in the middle of the one before. */
function cutOff(before: Stored<Status>): Status {
  return { ...before, lastError: 'it was cut off', errors: before.errors + 1 };
}

function succeeded(
  schedule: Schedule,
  before: Stored<Status> | undefined,
  run: { readonly name: string; readonly outcome: Outcome; readonly endMs: number },
): Status {
  const { running: _running, own: _own, ...rest } = withDefaults(before);
  const { name, outcome, endMs } = run;
  return {
    ...rest,
    nextMs: nextDueMs(schedule.recurrence, endMs),
    lastEndMs: endMs,
    lastGoodMs: endMs,
    ...(rest.lastStartMs === undefined ? {} : { knownMs: rest.lastStartMs }),
    lastName: name,
    lastUrl: outcome.url,
    lastBytes: outcome.bytes,
    lastError: '',
    errors: 0,
    kept: outcome.kept,
    inFuture: outcome.inFuture,
    ...(outcome.verifiedRecords === undefined
      ? {}
      : { verifiedMs: endMs, verifiedRecords: outcome.verifiedRecords }),
  };
}

function failed(
  schedule: Schedule,
  before: Stored<Status> | undefined,
  reason: string,
  endMs: number,
): Status {
  const { running: _running, ...rest } = withDefaults(before);
  const errors = rest.errors + 1;
  const pauseMs = Math.min(RETRY_MS * 2 ** Math.min(errors - 1, 10), RETRY_MS_MAX);
  return {
    ...rest,
    nextMs: Math.min(endMs + pauseMs, nextDueMs(schedule.recurrence, endMs)),
    lastEndMs: endMs,
    lastError: reason,
    errors,
  };
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : 'not an error';
  return text.slice(0, REASON_LENGTH_MAX);
}
