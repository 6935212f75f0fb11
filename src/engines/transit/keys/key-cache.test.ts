/** The cache of ready keys: used while the key is what it was, and bounded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transaction } from '../../../model/transaction.ts';
import { KeyCache } from './key-cache.ts';
import { KEY_TYPES } from './key-types.ts';
import { PLAIN_SETTINGS, emptyRecord } from './make-key.ts';

const type = KEY_TYPES.get('aes256-gcm96');

/** A store of material that counts its reads. */
function countingStore() {
  const counted = { reads: 0 };
  const record = Buffer.concat([Buffer.of(1, 0, 32), Buffer.alloc(64, 7)]);
  const store = {
    async get() {
      counted.reads++;
      return Buffer.from(record);
    },
  } as unknown as Transaction;
  return { counted, store };
}

function recordOf() {
  assert.ok(type !== undefined);
  return emptyRecord(type, PLAIN_SETTINGS);
}

test('material is decoded once per version of a record, and again for another record', async () => {
  const { counted, store } = countingStore();
  const keys = new KeyCache();
  const record = recordOf();
  const ready = await keys.ready(store, 'k', record, 1);
  assert.equal(await keys.ready(store, 'k', record, 1), ready);
  assert.equal(counted.reads, 1);
  await keys.ready(store, 'k', record, 2);
  assert.equal(counted.reads, 2);
  await keys.ready(store, 'k', recordOf(), 1);
  assert.equal(counted.reads, 3);
});

test('no more versions are held than the bound says', async () => {
  const { counted, store } = countingStore();
  const keys = new KeyCache(2);
  const record = recordOf();
  for (const version of [1, 2, 3]) await keys.ready(store, 'k', record, version);
  await keys.ready(store, 'k', record, 3);
  assert.equal(counted.reads, 3);
  await keys.ready(store, 'k', record, 1);
  assert.equal(counted.reads, 4);
});
