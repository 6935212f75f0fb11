/**
 * Notices: what became of a secret, told to functions outside in the form of a push subscription of Pub/Sub. A notice is stored in the
 * commit that it tells of, and sent afterwards until it was taken or has been tried often enough. A reminder is a notice that is sent at
 * a time, once or again and again.
 */
import { formatTimeSeconds } from '../../../base/time-format.ts';
import type { Schedule, TaskType } from '../../../model/outside.ts';
import type { Notice, ReminderPlan } from '../../../model/tasks/secret-task.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { loadSecret } from '../secret/secret-store.ts';
import { callFunction } from './call.ts';
import type { CallOut } from './call.ts';
import { findFunction } from './functions.ts';

export const SEND_NOTICE = 'send-notice';
export const REMIND = 'remind';
const NOTICES = 'notice/';
const REMINDERS = 'reminder/';
/** Pauses after the first, second … attempt; after the last one the notice is dropped. */
const PAUSES_MS: readonly number[] = [10_000, 60_000, 600_000, 3_600_000, 21_600_000];

interface StoredNotice {
  readonly function: string;
  readonly notice: Notice;
  readonly madeMs: number;
  readonly attempts: number;
}

interface Reminder extends ReminderPlan {
  /** Of the secret: one made anew under its name is another. */
  readonly createdMs: number;
  readonly dueMs: number;
}

/** Keeps a notice for each function that there is, to be sent once the caller's unit is committed. */
export async function putNotices(
  store: Transaction,
  id: string,
  functions: readonly string[],
  notice: Notice,
  schedule: Schedule,
  nowMs: number,
): Promise<void> {
  for (const [index, name] of functions.entries()) {
    if ((await findFunction(store, name)) === undefined) continue;
    const key = `${id}-${index}`;
    const stored: StoredNotice = { function: name, notice, madeMs: nowMs, attempts: 0 };
    store.putJson(NOTICES + key, stored);
    schedule(SEND_NOTICE, key, nowMs);
  }
}

export function noticeTask(callOut: CallOut): TaskType {
  return {
    async run({ name: key, record }, store) {
      const stored = await store.getJson<StoredNotice>(NOTICES + key);
      if (stored === undefined) return 'done';
      const target = await findFunction(store, stored.function);
      store.delete(NOTICES + key);
      // Whoever removed the function wants it called no more.
      if (target === undefined) return 'done';
      const { attributes, data } = stored.notice;
      const publishTime = formatTimeSeconds(stored.madeMs);
      await record(`functions/${stored.function}`);
      await callFunction(callOut, target, 'a notice', {
        message: {
          attributes: { ...attributes, timestamp: publishTime },
          data: Buffer.from(JSON.stringify(data)).toString('base64'),
          messageId: key,
          publishTime,
        },
        subscription: stored.function,
      });
      return 'done';
    },
    async failed({ name: key, nowMs }, store) {
      const stored = await store.getJson<StoredNotice>(NOTICES + key);
      if (stored === undefined) return 'done';
      const pauseMs = PAUSES_MS[stored.attempts];
      if (pauseMs === undefined) {
        store.delete(NOTICES + key);
        return 'done';
      }
      store.putJson(NOTICES + key, { ...stored, attempts: stored.attempts + 1 });
      return nowMs + pauseMs;
    },
  };
}

/** Sets up, changes or ends the reminder of a secret. */
export function putReminder(
  store: Transaction,
  path: string,
  plan: ReminderPlan | undefined,
  createdMs: number,
  schedule: Schedule,
): void {
  if (plan === undefined) {
    store.delete(REMINDERS + path);
    return;
  }
  const reminder: Reminder = { ...plan, createdMs, dueMs: plan.firstMs };
  store.putJson(REMINDERS + path, reminder);
  schedule(REMIND, path, plan.firstMs);
}

export function reminderTask(): TaskType {
  return {
    async run({ name: path, nowMs, schedule }, store) {
      const reminder = await store.getJson<Reminder>(REMINDERS + path);
      if (reminder === undefined) return 'done';
      const { dueMs, periodSeconds, createdMs, functions, notice } = reminder;
      if (dueMs > nowMs) return dueMs;
      const record = await loadSecret(store, path);
      if (record?.secret.createdMs !== createdMs) {
        store.delete(REMINDERS + path);
        return 'done';
      }
      if (record.secret.deletedMs === undefined) {
        await putNotices(store, `${path}-${dueMs}`, functions, notice, schedule, nowMs);
      }
      if (periodSeconds === 0) {
        store.delete(REMINDERS + path);
        return 'done';
      }
      const periodMs = periodSeconds * 1000;
      // What was missed while nobody was there is told once.
      const nextMs = dueMs + (Math.floor((nowMs - dueMs) / periodMs) + 1) * periodMs;
      store.putJson(REMINDERS + path, { ...reminder, dueMs: nextMs });
      return nextMs;
    },
  };
}
