/**
 * Secrets whose time is over stop existing at that very moment, for every reader, and so do values that are to be destroyed.
 * Their records are removed by the writes that come later: `due/<time>-<hash of the path>` says which they are.
 */
import { createHash } from 'node:crypto';
import { isDestroyed } from '../../../model/secret.ts';
import type { Secret } from '../../../model/secret.ts';
import type { TaskType } from '../../../model/outside.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { endRotation } from '../rotation/record.ts';
import { dueTimes, endMs, noteChange } from '../functions/changes.ts';
import type { Changing } from '../functions/changes.ts';
import type { SecretRecord } from './record.ts';
import { isPurged } from './secret.ts';
import { destroyValues, loadSecret, removeSecret } from './secret-store.ts';

const PREFIX = 'due/';
/** A run acts on nothing outside: one that failed is repeated as it is. */
const RETRY_MS = 60_000;
/** Digits of a time in milliseconds, so that byte order is order of time. */
const TIME_DIGITS = 16;
/** Secrets that one write clears away beside its own. */
const AT_ONCE = 4;

function dueKey(path: string, purgeMs: number): string {
  const time = String(Math.max(0, Math.trunc(purgeMs))).padStart(TIME_DIGITS, '0');
  return `${PREFIX}${time}-${createHash('sha256').update(path).digest('hex')}`;
}

/** Notes a change of the times at which a secret ends, or values of its versions do. */
export function scheduleForPurge(
  store: Transaction,
  path: string,
  before: Secret | undefined,
  after: Secret | undefined,
): void {
  const [old, due] = [new Set(dueTimes(before)), new Set(dueTimes(after))];
  for (const time of old) if (!due.has(time)) store.delete(dueKey(path, time));
  for (const time of due) if (!old.has(time)) store.putJson(dueKey(path, time), { path });
}

/** Removes the secret, or those of its values, whose time is over. @returns what is left */
async function clear(
  by: Changing,
  store: Transaction,
  path: string,
  record: SecretRecord,
): Promise<Secret | undefined> {
  const { secret } = record;
  if (isPurged(secret, by.nowMs)) {
    removeSecret(store, path, secret);
    await endRotation(store, path);
    noteChange(by, store, path, secret, undefined);
    return undefined;
  }
  const over = secret.versions.filter(
    (one) => one.destroyed !== true && isDestroyed(one, by.nowMs),
  );
  if (over.length === 0) return secret;
  const numbers = over.map(({ number }) => number);
  const left = destroyValues(store, path, record, numbers).secret;
  noteChange(by, store, path, secret, left);
  return left;
}

/** Clears away a few of the secrets and values whose time is over. */
export async function purgeDue(by: Changing, store: Transaction): Promise<void> {
  for (const name of await store.list(PREFIX, { limit: AT_ONCE })) {
    if (Number(name.slice(0, TIME_DIGITS)) > by.nowMs) return;
    const due = await store.getJson<{ readonly path: string }>(PREFIX + name);
    const record = due === undefined ? undefined : await loadSecret(store, due.path);
    if (due !== undefined && record !== undefined) await clear(by, store, due.path, record);
    store.delete(PREFIX + name);
  }
}

/** Clears a secret that functions listen to at its very time, so that they hear of it then. */
export function endingTask(): TaskType {
  return {
    async run({ name: path, nowMs, schedule }, store) {
      const record = await loadSecret(store, path);
      if (record === undefined) return 'done';
      const by: Changing = { id: `end-${nowMs}`, nowMs, schedule };
      return endMs(await clear(by, store, path, record)) ?? 'done';
    },
    failed: async ({ nowMs }) => await Promise.resolve(nowMs + RETRY_MS),
  };
}
