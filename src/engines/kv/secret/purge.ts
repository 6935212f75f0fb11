/**
 * Secrets whose time is over stop existing at that very moment, for every reader. Their records are removed by the writes that
 * come later: `due/<time>-<hash of the path>` says which they are.
 */
import { createHash } from 'node:crypto';
import type { Transaction } from '../../../model/transaction.ts';
import { isPurged } from './secret.ts';
import { loadSecret, removeSecret } from './secret-store.ts';

const PREFIX = 'due/';
/** Digits of a time in milliseconds, so that byte order is order of time. */
const TIME_DIGITS = 16;
/** Secrets that one write clears away beside its own. */
const AT_ONCE = 4;

function dueKey(path: string, purgeMs: number): string {
  const time = String(Math.max(0, Math.trunc(purgeMs))).padStart(TIME_DIGITS, '0');
  return `${PREFIX}${time}-${createHash('sha256').update(path).digest('hex')}`;
}

/** Notes a change of the time at which a secret ends. */
export function scheduleForPurge(
  store: Transaction,
  path: string,
  beforeMs: number | undefined,
  afterMs: number | undefined,
): void {
  if (beforeMs === afterMs) return;
  if (beforeMs !== undefined) store.delete(dueKey(path, beforeMs));
  if (afterMs !== undefined) store.putJson(dueKey(path, afterMs), { path });
}

/** Removes a few of the secrets whose time is over. */
export async function purgeDue(store: Transaction, nowMs: number): Promise<void> {
  for (const name of await store.list(PREFIX, { limit: AT_ONCE })) {
    if (Number(name.slice(0, TIME_DIGITS)) > nowMs) return;
    const due = await store.getJson<{ readonly path: string }>(PREFIX + name);
    const record = due === undefined ? undefined : await loadSecret(store, due.path);
    if (due !== undefined && record !== undefined && isPurged(record.secret, nowMs)) {
      removeSecret(store, due.path, record.secret);
    }
    store.delete(PREFIX + name);
  }
}
