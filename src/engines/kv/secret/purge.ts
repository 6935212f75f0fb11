/**
 * Secrets whose time is over stop existing at that very moment, for every reader, and so do values that are to be destroyed.
 * Their records are removed by the writes that come later: `due/<time>-<hash of the path>` says which they are.
 */
import { createHash } from 'node:crypto';
import { isDestroyed } from '../../../model/secret.ts';
import type { Secret } from '../../../model/secret.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { isPurged } from './secret.ts';
import { destroyValues, loadSecret, removeSecret } from './secret-store.ts';

const PREFIX = 'due/';
/** Digits of a time in milliseconds, so that byte order is order of time. */
const TIME_DIGITS = 16;
/** Secrets that one write clears away beside its own. */
const AT_ONCE = 4;

function dueKey(path: string, purgeMs: number): string {
  const time = String(Math.max(0, Math.trunc(purgeMs))).padStart(TIME_DIGITS, '0');
  return `${PREFIX}${time}-${createHash('sha256').update(path).digest('hex')}`;
}

/** When the secret ends, and when values of its versions do. */
function dueTimes(secret: Secret | undefined): ReadonlySet<number> {
  const versions = secret?.versions.filter((version) => version.destroyed !== true) ?? [];
  const times = [secret?.purgeMs, ...versions.map((version) => version.destroyMs)];
  return new Set(times.filter((time) => time !== undefined));
}

/** Notes a change of the times at which a secret ends, or values of its versions do. */
export function scheduleForPurge(
  store: Transaction,
  path: string,
  before: Secret | undefined,
  after: Secret | undefined,
): void {
  const [old, due] = [dueTimes(before), dueTimes(after)];
  for (const time of old) if (!due.has(time)) store.delete(dueKey(path, time));
  for (const time of due) if (!old.has(time)) store.putJson(dueKey(path, time), { path });
}

/** Removes a few of the secrets and values whose time is over. */
export async function purgeDue(store: Transaction, nowMs: number): Promise<void> {
  for (const name of await store.list(PREFIX, { limit: AT_ONCE })) {
    if (Number(name.slice(0, TIME_DIGITS)) > nowMs) return;
    const due = await store.getJson<{ readonly path: string }>(PREFIX + name);
    const record = due === undefined ? undefined : await loadSecret(store, due.path);
    if (due !== undefined && record !== undefined) {
      const { secret } = record;
      if (isPurged(secret, nowMs)) removeSecret(store, due.path, secret);
      else {
        const over = secret.versions.filter((one) => isDestroyed(one, nowMs));
        destroyValues(
          store,
          due.path,
          record,
          over.map(({ number }) => number),
        );
      }
    }
    store.delete(PREFIX + name);
  }
}
