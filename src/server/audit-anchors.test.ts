/** A log that is cut off between two starts is noticed; one that only grew is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AuditAnchor } from '../audit/broker.ts';
import { createLogSigner, parseCheckpoint, renderCheckpoint } from '../audit/checkpoint.ts';
import type { CheckpointSigner, StoredCheckpoint } from '../audit/checkpoint.ts';
import type { ChainPosition } from '../audit/chain.ts';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import type { Log } from '../base/log.ts';
import type { CoreUnit } from '../core/epoch-cache.ts';
import { AuditAnchors } from './audit-anchors.ts';

const signer = createLogSigner(Buffer.alloc(32, 1));
const ANCHOR: AuditAnchor = {
  path: 'file/',
  publicKey: signer.publicKey.toString('base64'),
  startedAt: undefined,
  foundCheckpoint: undefined,
  checkpoint: undefined,
};

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
    const anchor: AuditAnchor = { ...ANCHOR, startedAt, checkpoint };
    const anchors = new AuditAnchors({
      audit: { anchors: () => [anchor] },
      begin: () => unit,
      clock: systemClock,
      log,
      node: 'node',
    });
    await anchors.start(1n);
    await anchors.stop();
    // Sealed and unsealed again: the log has only grown.
    await anchors.start(1n);
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

/** A checkpoint as a log holds it. */
function checkpointOf(store: string, by: CheckpointSigner): StoredCheckpoint {
  const before = at(4, 'a'.repeat(64));
  const fields = { time: '2026-11-22T00:00:00.000Z', origin: 'o', dropped: 0, endorses: [], store };
  const body = renderCheckpoint(fields, before, by);
  const line = `${body},"seq":5,"prev":"${before.hash}"}`;
  const checkpoint = parseCheckpoint(JSON.parse(line), Buffer.from(line));
  assert.ok(checkpoint !== undefined);
  return { checkpoint, before };
}

/** What a server says that starts on a store at `position` with a log that ends in `found`. */
async function startedOn(position: bigint, found: StoredCheckpoint): Promise<string[]> {
  const errors: string[] = [];
  const log: Log = { ...silentLog, named: () => log, error: (message) => errors.push(message) };
  const view = { getJson: async () => undefined, put: () => undefined };
  const anchors = new AuditAnchors({
    audit: { anchors: () => [{ ...ANCHOR, foundCheckpoint: found }] },
    begin: () => ({ view: () => view, commit: async () => {} }) as unknown as CoreUnit,
    clock: systemClock,
    log,
    node: 'node',
  });
  await anchors.start(position);
  await anchors.stop();
  return errors;
}

test('a store that is behind what its audit log has seen is reported', async () => {
  assert.deepEqual(await startedOn(100n, checkpointOf('100', signer)), []);
  assert.deepEqual(await startedOn(101n, checkpointOf('100', signer)), []);
  assert.equal((await startedOn(99n, checkpointOf('100', signer))).length, 1);
});

test('what others say of a store counts for nothing', async () => {
  const stranger = createLogSigner(Buffer.alloc(32, 2));
  assert.deepEqual(await startedOn(99n, checkpointOf('100', stranger)), []);
  const { checkpoint, before } = checkpointOf('90', signer);
  const altered = { checkpoint: { ...checkpoint, store: '100' }, before };
  assert.deepEqual(await startedOn(99n, altered), []);
});
