/** KV version 1 as its clients see it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import { openBench } from '../../../core/backend-bench.contract.ts';
import { testReadBack, testSurvival } from '../../backend-behaviour.contract.ts';
import { testBackendDeclaration } from '../../backend.contract.ts';
import { generic, kv1 } from '../kv.ts';

testBackendDeclaration(kv1);
testBackendDeclaration(generic);
testReadBack(kv1, [
  { path: 'a', body: { x: 1 }, shows: { x: 1 }, listed: { path: '', name: 'a' } },
  { path: 'd/a', body: { x: '' }, shows: { x: '' }, listed: { path: 'd/', name: 'a' } },
]);
testSurvival(kv1);

test('an object is written, read, replaced and deleted', async () => {
  const bench = await openBench(kv1);
  assert.equal((await bench.fail('read', 'x')).code, 'not_found');
  const text = '{"a":1,"b":"two","c":{"d":[1,null]},"n":9007199254740993,"f":1.10}';
  assert.equal(await bench.call('write', 'x', parseJson(text) as JsonObject), undefined);
  assert.equal(JSON.stringify((await bench.call('read', 'x'))?.data), text);
  await bench.call('write', 'x', { a: 2 });
  assert.deepEqual((await bench.call('read', 'x'))?.data, { a: 2 });
  assert.equal(await bench.call('delete', 'x'), undefined);
  assert.equal(await bench.call('delete', 'x'), undefined);
  assert.equal((await bench.fail('read', 'x')).code, 'not_found');
});

test('lease_duration is the secret’s own hint, else the mount’s', async () => {
  const bench = await openBench(kv1);
  const hints: readonly [JsonObject, number][] = [
    [{ v: 1 }, 2_764_800],
    [{ ttl: '1h' }, 3600],
    [{ lease: '30m' }, 1800],
    [{ ttl: '10', lease: '20' }, 10],
    [{ ttl: 'bogus' }, 2_764_800],
    [{ ttl: 90 }, 90],
    [{ ttl: '-5s' }, -5],
    [{ ttl: null }, 0],
    [{ ttl: [1] }, 2_764_800],
  ];
  for (const [data, seconds] of hints) {
    await bench.call('write', 't', data);
    const lease = (await bench.call('read', 't'))?.issuedLease;
    assert.deepEqual(lease, { id: '', renewable: false, durationSeconds: seconds });
  }
});

test('writes without a path or without members are refused', async () => {
  const bench = await openBench(kv1);
  assert.equal((await bench.fail('write', '', { a: 1 })).message, 'missing path');
  assert.equal((await bench.fail('write', 'x', {})).message, 'missing data fields');
  assert.equal((await bench.fail('write', 'x/', { a: 1 })).code, 'invalid_request');
  assert.equal((await bench.fail('write', 'x'.repeat(1501), { a: 1 })).code, 'invalid_request');
});

test('folders are listed and scanned', async () => {
  const bench = await openBench(kv1);
  for (const path of ['x', 'd/e/f', 'd/g', 'd', 't']) await bench.call('write', path, { v: 1 });
  const list = async (path: string): Promise<unknown> =>
    (await bench.call('list', path))?.data?.['keys'];
  assert.deepEqual(await list(''), ['d', 'd/', 't', 'x']);
  assert.deepEqual(await list('d/'), ['e/', 'g']);
  assert.deepEqual(await list('d'), ['e/', 'g']);
  assert.equal((await bench.fail('list', 'none/')).code, 'not_found');
  assert.deepEqual((await bench.call('scan', ''))?.data, {
    keys: ['d', 't', 'x', 'd/g', 'd/e/f'],
  });
  assert.deepEqual((await bench.call('scan', 'none/'))?.data, {});
});
