/**
 * Changes of secrets that functions listen to. Whoever changes such a secret keeps what it was and what it became, in the same commit; a
 * task then makes notices of it. Other secrets cost nothing but a look at one field.
 */
import { createHash } from 'node:crypto';
import type { Schedule, TaskType } from '../../../model/outside.ts';
import type { Secret } from '../../../model/secret.ts';
import type { SecretChange, Teller } from '../../../model/tasks/secret-task.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { putNotices } from './notices.ts';

export const TELL_CHANGE = 'tell-change';
/** Its name is the path of the secret. */
export const END_HEARD = 'end-heard';
const CHANGES = 'change/';

/** Who changes a secret: a request or a task. */
export interface Changing {
  /** Of this change of this secret, together with its path. */
  readonly id: string;
  readonly nowMs: number;
  readonly schedule: Schedule;
}

/** When the secret ends, and when values of its versions do. */
export function dueTimes(secret: Secret | undefined): readonly number[] {
  const versions = secret?.versions.filter((version) => version.destroyed !== true) ?? [];
  const times = [secret?.purgeMs, ...versions.map((version) => version.destroyMs)];
  return times.filter((time) => time !== undefined);
}

/** The first of them. */
export function endMs(secret: Secret | undefined): number | undefined {
  const times = dueTimes(secret);
  return times.length === 0 ? undefined : Math.min(...times);
}

function isHeard(secret: Secret | undefined): boolean {
  return secret?.listeners !== undefined;
}

/** To be called with every write of a secret. */
export function noteChange(
  { id, nowMs, schedule }: Changing,
  store: Transaction,
  path: string,
  before: Secret | undefined,
  after: Secret | undefined,
): void {
  if (before === after || !(isHeard(before) || isHeard(after))) return;
  const key = `${id}-${createHash('sha256').update(path).digest('hex')}`;
  const change: SecretChange = { path, before, after, nowMs };
  store.putJson(CHANGES + key, change);
  schedule(TELL_CHANGE, key, nowMs);
  const atMs = isHeard(after) ? endMs(after) : undefined;
  if (atMs !== undefined) schedule(END_HEARD, path, atMs);
}

export function changeTask(tell: Teller): TaskType {
  return {
    async run({ name: key, nowMs, schedule }, store) {
      const change = await store.getJson<SecretChange>(CHANGES + key);
      store.delete(CHANGES + key);
      if (change === undefined) return 'done';
      for (const [index, { functions, notice }] of (await tell(change)).entries()) {
        await putNotices(store, `${key}-${index}`, functions, notice, schedule, nowMs);
      }
      return 'done';
    },
    // It acts on nothing outside: it is run again as it is.
    failed: async ({ nowMs }) => await Promise.resolve(nowMs + RETRY_MS),
  };
}

const RETRY_MS = 60_000;
