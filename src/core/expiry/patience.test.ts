/** An entry that nobody can work off: how often it is tried, and how often it is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log, LogFields } from '../../base/log.ts';
import { silentLog } from '../../base/log.ts';
import type { DueEntry } from '../../leases/expiry-queue.ts';
import { FAILED_BACKOFF_MS, FAILED_BACKOFF_MS_MAX, Patience } from './patience.ts';

function listening(): { readonly log: Log; readonly told: LogFields[] } {
  const told: LogFields[] = [];
  return { told, log: { ...silentLog, error: (_message, fields = {}) => void told.push(fields) } };
}

/** The same token, at another time. */
function entry(time: string, id = 'a'): DueEntry {
  return { key: `${time}:token:n1:${id}`, atMs: 0, kind: 'token', namespaceId: 'n1', id };
}

test('pauses double up to an hour, and the reason is told once', () => {
  const { log, told } = listening();
  const patience = new Patience(log);
  const pauses = Array.from({ length: 15 }, (_, at) =>
    patience.pauseAfter(entry(String(at).padStart(9, '0')), 'no key'),
  );
  assert.deepEqual(
    pauses.slice(0, 3),
    [1, 2, 4].map((each) => each * FAILED_BACKOFF_MS),
  );
  assert.equal(pauses.at(-1), FAILED_BACKOFF_MS_MAX);
  assert.deepEqual(told, [{ kind: 'token', namespace_id: 'n1', id: 'a', error: 'no key' }]);
  patience.pauseAfter(entry('000000099'), 'another reason');
  patience.pauseAfter(entry('000000001', 'b'), 'no key');
  assert.equal(told.length, 3);
});

test('what was worked off begins anew', () => {
  const patience = new Patience(silentLog);
  for (let times = 0; times < 4; times++) patience.pauseAfter(entry('000000001'), 'no key');
  patience.worked(entry('000000002'));
  assert.equal(patience.pauseAfter(entry('000000003'), 'no key'), FAILED_BACKOFF_MS);
});
