/** A log that is cut off between two starts is noticed; one that only grew is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AuditAnchor } from '../audit/broker.ts';
import type { ChainPosition } from '../audit/chain.ts';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import type { Log } from '../base/log.ts';
import type { CoreUnit } from '../core/epoch-cache.ts';
import { AuditAnchors } from './audit-anchors.ts';

const at = (seq: number, hash = `h${seq}`): ChainPosition => ({ seq, hash });

/** Starts a node whose log began at one place and has a checkpoint at another; returns what was reported. */
function nodeOn(
  stored: Map<string, string>,
): (startedAt: ChainPosition | undefined, checkpoint: ChainPosition) => Promise<string[]> {
  const view = {
    getJson: (key: string) => {
      const text = stored.get(key);
      return Promise.resolve(text === undefined ? undefined : (JSON.parse(text) as unknown));
    },
    put: (key: string, text: string) => void stored.set(key, text),
  };
  const unit = { view: () => view, commit: () => Promise.resolve() } as unknown as CoreUnit;
  return async (startedAt, checkpoint) => {
    const errors: string[] = [];
    const log: Log = { ...silentLog, named: () => log, error: (message) => errors.push(message) };
    const anchor: AuditAnchor = { path: 'file/', publicKey: '', startedAt, checkpoint };
    const anchors = new AuditAnchors({
      audit: { anchors: () => [anchor] },
      begin: () => unit,
      clock: systemClock,
      log,
      node: 'node',
    });
    await anchors.start();
    await anchors.stop();
    // Sealed and unsealed again: the log has only grown.
    await anchors.start();
    await anchors.stop();
    return errors;
  };
}

test('a log that was cut off, or whose end was replaced, is reported', async () => {
  const stored = new Map<string, string>();
  const start = nodeOn(stored);
  assert.deepEqual(await start(at(0), at(10)), []);
  assert.deepEqual(await start(at(12), at(20)), []);
  assert.deepEqual(await start(at(20), at(30)), []);
  assert.equal((await start(at(29), at(31))).length, 1);
  assert.equal((await start(at(31, 'other'), at(40))).length, 1);
  assert.deepEqual(await start(undefined, at(50)), []);
});
