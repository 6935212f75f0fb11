/** The entry cache: bounded, write-through, second chance. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CACHED_VALUE_BYTES_MAX, EntryCache } from './entry-cache.ts';
import type { Entry } from './storage.ts';

function entry(key: string, bytes: number): Entry {
  return { key, revision: 1, value: Buffer.alloc(bytes) };
}

test('it tells present, absent and unknown apart', () => {
  const cache = new EntryCache(10_000);
  const kept = entry('k', 10);
  cache.set('k', kept);
  cache.set('gone', undefined);
  assert.equal(cache.get('k'), kept);
  assert.equal(cache.get('gone'), null);
  assert.equal(cache.get('other'), undefined);
});

test('it never holds more than its limit, and accounts for replaced entries', () => {
  const cache = new EntryCache(20_000);
  for (let index = 0; index < 500; index += 1) {
    cache.set(`k${index % 60}`, index % 7 === 0 ? undefined : entry(`k${index % 60}`, index * 3));
    assert.ok(cache.bytes <= 20_000);
  }
  assert.ok(cache.size > 0);
  cache.clear();
  assert.equal(cache.bytes, 0);
});

test('entries read since the last pass survive those that were not', () => {
  const cache = new EntryCache(10_000);
  cache.set('hot', entry('hot', 500));
  for (let index = 0; index < 200; index += 1) {
    cache.set(`cold${index}`, entry(`cold${index}`, 500));
    assert.ok(cache.get('hot') !== undefined, `evicted after ${index}`);
  }
  assert.equal(cache.get('cold0'), undefined);
});

test('a value too large for it takes the older one out', () => {
  const cache = new EntryCache(10_000_000);
  cache.set('k', entry('k', 10));
  cache.set('k', entry('k', CACHED_VALUE_BYTES_MAX + 1));
  assert.equal(cache.get('k'), undefined);
  assert.equal(cache.bytes, 0);
});
