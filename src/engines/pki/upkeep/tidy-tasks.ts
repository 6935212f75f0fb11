/** Clean-ups that go on by the calendar, and those that begin by themselves. */
import { uuid } from '../../../base/random.ts';
import type { TaskContext, TaskOutcome, TaskType } from '../../../model/outside.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { autoTidyConfig, pauseMs } from './tidy-config.ts';
import type { AutoTidyConfig } from './tidy-config.ts';
import { LAST_AUTO_TIDY, newRun, TIDY_RUN, tidyStep } from './tidy-run.ts';
import type { TidyRun } from './tidy-record.ts';

/** Entries that a request goes through itself; what is more is left to the calendar. */
export const INLINE_ENTRIES_MAX = 2000;
export const TASK = 'tidy';
export const AUTO_TASK = 'auto-tidy';
/** Shortest pause between clean-ups that happen by themselves. */
const INTERVAL_SECONDS_MIN = 60;

export function isRunning(run: TidyRun | undefined): boolean {
  return run?.state === 'Running' || run?.state === 'Cancelling';
}

/** Takes steps until the run is over, or `entriesMax` have been looked at. */
export async function advance(
  ports: PkiPorts,
  store: Transaction,
  start: TidyRun,
  nowMs: number,
  entriesMax: number,
): Promise<{ readonly run: TidyRun; readonly looked: number }> {
  let run = start;
  let looked = 0;
  while (run.state === 'Running' && looked < entriesMax) {
    const step = await tidyStep(ports, store, run, nowMs);
    ({ run } = step);
    looked += step.looked;
    // A phase that has more pages goes on in the next commit: a listing shows what is committed.
    if (step.looked > 0 && run.after !== '') break;
  }
  return { run, looked };
}

function dueMs(run: TidyRun, looked: number, nowMs: number): number {
  return nowMs + (pauseMs(run.config.pause_duration) ?? 0) * looked;
}

/** The clean-up’s next pages. */
function tidyTask(ports: PkiPorts): TaskType {
  return {
    async run({ name, nowMs }: TaskContext, store): Promise<TaskOutcome> {
      const run = await store.getJson<TidyRun>(TIDY_RUN);
      if (run?.id !== name || !isRunning(run)) return 'done';
      if (run.state === 'Cancelling') {
        store.putJson(TIDY_RUN, { ...run, state: 'Cancelled', finishedMs: nowMs });
        return 'done';
      }
      const { run: next, looked } = await advance(ports, store, run, nowMs, INLINE_ENTRIES_MAX);
      store.putJson(TIDY_RUN, next);
      if (next.state !== 'Running') return 'done';
      const atMs = dueMs(next, looked, nowMs);
      return atMs > nowMs ? atMs : 'again';
    },
    async failed({ name, nowMs }: TaskContext, store, reason): Promise<TaskOutcome> {
      const run = await store.getJson<TidyRun>(TIDY_RUN);
      if (run?.id !== name) return 'done';
      store.putJson(TIDY_RUN, { ...run, state: 'Error', error: reason, finishedMs: nowMs });
      return 'done';
    },
  };
}

/** Starts clean-ups at their time. Its name is the settings’ generation: older ones end by themselves. */
function autoTidyTask(ports: PkiPorts): TaskType {
  return {
    async run({ name, nowMs, schedule }: TaskContext, store): Promise<TaskOutcome> {
      const config = await autoTidyConfig(store);
      const generation = await store.getJson<string>(AUTO_GENERATION);
      if (!config.enabled || generation !== name) return 'done';
      const before = await store.getJson<TidyRun>(TIDY_RUN);
      if (!isRunning(before)) {
        const run = newRun(uuid(ports.random), config, nowMs);
        store.putJson(TIDY_RUN, run);
        store.putJson(LAST_AUTO_TIDY, nowMs);
        schedule(TASK, run.id, nowMs);
      }
      return nowMs + intervalMs(config);
    },
  };
}

export const AUTO_GENERATION = 'auto-tidy-generation';

export function intervalMs(config: AutoTidyConfig): number {
  return Math.max(config.interval_duration, INTERVAL_SECONDS_MIN) * 1000;
}

export function tidyTasks(ports: PkiPorts): Readonly<Record<string, TaskType>> {
  return { [TASK]: tidyTask(ports), [AUTO_TASK]: autoTidyTask(ports) };
}
