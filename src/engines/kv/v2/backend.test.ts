/** KV version 2 as its clients see it: values, check-and-set, states, ages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../../../base/json.ts';
import type { JsonObject } from '../../../base/json.ts';
import { openBench } from '../../../core/backend-bench.contract.ts';
import type { Bench } from '../../../core/backend-bench.contract.ts';
import { testReadBack, testSurvival } from '../../backend-behaviour.contract.ts';
import { testBackendDeclaration } from '../../backend.contract.ts';
import { kv1, kv2, kvBackend } from '../kv.ts';

testBackendDeclaration(kv2);
testReadBack(kv2, [
  { path: 'config', body: { max_versions: 3 }, shows: { max_versions: 3 }, stays: true },
  {
    path: 'data/a',
    body: { data: { x: 1 } },
    shows: { data: { x: 1 } },
    listed: { path: 'metadata/', name: 'a' },
    stays: true,
  },
  {
    path: 'metadata/d/a',
    body: { custom_metadata: { x: '1' } },
    shows: { custom_metadata: { x: '1' } },
    listed: { path: 'metadata/d/', name: 'a' },
  },
]);
testSurvival(kv2);

async function put(bench: Bench, path: string, data: JsonObject, options?: JsonObject) {
  const body = options === undefined ? { data } : { data, options };
  return (await bench.call('write', `data/${path}`, body))?.data;
}

async function get(bench: Bench, path: string, version?: number) {
  const query: JsonObject = version === undefined ? {} : { version: String(version) };
  return bench.call('read', `data/${path}`, query);
}

async function valueOf(bench: Bench, path: string, version?: number): Promise<unknown> {
  return (await get(bench, path, version))?.data?.['data'];
}

test('every write is a version that stays readable', async () => {
  const bench = await openBench(kv2);
  assert.deepEqual(await put(bench, 'a', { foo: 'bar' }), {
    created_time: '2027-01-15T08:00:00.000000000Z',
    custom_metadata: null,
    deletion_time: '',
    destroyed: false,
    version: 1,
  });
  await put(bench, 'a', { foo: 'baz' });
  assert.deepEqual(await valueOf(bench, 'a'), { foo: 'baz' });
  assert.deepEqual(await valueOf(bench, 'a', 0), { foo: 'baz' });
  assert.deepEqual(await valueOf(bench, 'a', -1), { foo: 'baz' });
  assert.deepEqual(await valueOf(bench, 'a', 1), { foo: 'bar' });
  assert.deepEqual(await valueOf(bench, 'a', 2), { foo: 'baz' });
  assert.equal((await bench.fail('read', 'data/a', { version: 3 })).code, 'not_found');
  assert.equal((await bench.fail('read', 'data/none')).code, 'not_found');
  assert.equal((await bench.fail('read', 'data/')).code, 'not_found');
});

test('numbers come back as they were written', async () => {
  const bench = await openBench(kv2);
  const text = '{"big":12345678901234567890123,"f":1.10,"e":1e3,"i":9007199254740993}';
  await put(bench, 'n', parseJson(text) as JsonObject);
  assert.equal(JSON.stringify(await valueOf(bench, 'n')), text);
});

test('deleted versions come back, destroyed ones do not', async () => {
  const bench = await openBench(kv2);
  for (const i of [1, 2, 3]) await put(bench, 'a', { i });
  await bench.call('delete', 'data/a');
  const gone = await get(bench, 'a');
  assert.equal(gone?.status, 404);
  assert.equal(gone?.data?.['data'], null);
  await bench.call('write', 'undelete/a', { versions: [3] });
  assert.deepEqual(await valueOf(bench, 'a'), { i: 3 });
  await bench.call('write', 'delete/a', { versions: '1,3' });
  assert.equal((await get(bench, 'a', 1))?.status, 404);
  assert.deepEqual(await valueOf(bench, 'a', 2), { i: 2 });
  await bench.call('write', 'undelete/a', { versions: ['1', 3, 9] });
  assert.deepEqual(await valueOf(bench, 'a', 1), { i: 1 });
  await bench.call('write', 'destroy/a', { versions: [1, 3] });
  await bench.call('write', 'undelete/a', { versions: [1, 3] });
  for (const version of [1, 3]) {
    const reply = await get(bench, 'a', version);
    assert.equal(reply?.status, 404);
    const metadata = reply?.data?.['metadata'] as JsonObject | undefined;
    assert.equal(metadata?.['destroyed'], true);
  }
  await put(bench, 'a', { i: 4 });
  assert.deepEqual(await valueOf(bench, 'a'), { i: 4 });
  assert.equal((await get(bench, 'a', 3))?.status, 404);
  for (const path of ['delete/a', 'undelete/a', 'destroy/a']) {
    assert.equal((await bench.fail('write', path, {})).code, 'invalid_request');
    assert.equal(
      await bench.call('write', path.replace('/a', '/none'), { versions: [1] }),
      undefined,
    );
  }
});

test('check-and-set compares with the current version', async () => {
  const bench = await openBench(kv2);
  const mismatch = 'check-and-set parameter did not match the current version';
  const cas = (value: unknown): Promise<unknown> =>
    put(bench, 'c', { v: 1 }, { cas: value as number }).catch((error: Error) => error.message);
  await cas(0);
  assert.equal(await cas(0), mismatch);
  await cas(1);
  await cas('2');
  assert.equal(await cas(9), mismatch);
  assert.equal(await cas(-1), mismatch);
  assert.equal(await cas(null), mismatch);
  assert.equal(await cas('x'), 'error parsing check-and-set parameter');
  await bench.call('delete', 'data/c');
  assert.equal(await cas(0), mismatch);
  await bench.call('write', 'config', { cas_required: true });
  const required = await bench.fail('write', 'data/c', { data: {} });
  assert.equal(required.message, 'check-and-set parameter required for this call');
  await cas(3);
  await bench.call('write', 'config', { cas_required: false });
  await bench.call('write', 'metadata/c', { cas_required: true });
  assert.equal((await bench.fail('write', 'data/c', { data: {} })).code, 'invalid_request');
});

test('a patch merges into the current version', async () => {
  const bench = await openBench(kv2);
  assert.equal((await bench.call('patch', 'data/p', { data: { a: 1 } }))?.status, 404);
  await put(bench, 'p', { a: 1, b: { c: 2, d: 3 } });
  await bench.call('patch', 'data/p', { data: { a: null, b: { c: null, e: 5 } } });
  assert.deepEqual(await valueOf(bench, 'p'), { b: { d: 3, e: 5 } });
  assert.deepEqual(await valueOf(bench, 'p', 1), { a: 1, b: { c: 2, d: 3 } });
  assert.equal((await bench.fail('patch', 'data/p', {})).message, 'no data provided');
  await bench.call('delete', 'data/p');
  const gone = await bench.call('patch', 'data/p', { data: { a: 1 } });
  assert.deepEqual([gone?.status, gone?.data?.['version']], [404, 2]);
});

test('versions are deleted by age', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'config', { delete_version_after: '1h' });
  const written = await put(bench, 'v', { i: 1 });
  assert.equal(written?.['deletion_time'], '2027-01-15T09:00:00.000000000Z');
  bench.nowMs += 3_599_999;
  assert.deepEqual(await valueOf(bench, 'v'), { i: 1 });
  bench.nowMs += 1;
  assert.equal((await get(bench, 'v'))?.status, 404);
  await bench.call('write', 'undelete/v', { versions: [1] });
  assert.deepEqual(await valueOf(bench, 'v'), { i: 1 });
  await bench.call('write', 'config', { delete_version_after: '-1s' });
  assert.equal((await put(bench, 'v', { i: 2 }))?.['deletion_time'], '');
  assert.equal((await bench.call('read', 'config'))?.data?.['delete_version_after'], '-1s');
});

test('old versions are purged with their values', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'config', { max_versions: 2 });
  for (const i of [1, 2, 3, 4]) await put(bench, 'v', { i });
  assert.equal((await bench.fail('read', 'data/v', { version: 2 })).code, 'not_found');
  assert.deepEqual(await valueOf(bench, 'v', 3), { i: 3 });
  const left = await bench.store((store) => store.list('version/v/'));
  assert.deepEqual(left, ['3']);
  await bench.call('delete', 'metadata/v');
  assert.deepEqual(await bench.store((store) => store.list('')), ['config']);
});

test('a body without data, or with data that is no object, is refused', async () => {
  const bench = await openBench(kv2);
  assert.equal((await bench.fail('write', 'data/o', { foo: 1 })).message, 'no data provided');
  for (const data of ['S3CRET', ['S3CRET'], 5, true]) {
    const error = await bench.fail('write', 'data/o', { data });
    assert.match(error.message, /field "data"/);
    assert.doesNotMatch(error.message, /S3CRET/);
  }
  const reply = await bench.call('write', 'data/o', { data: {}, extra: 1 });
  assert.deepEqual(reply?.warnings, ['Endpoint ignored these unrecognized parameters: [extra]']);
});

test('a client that expects version 1 is told so', async () => {
  const bench = await openBench(kv2);
  for (const [operation, path] of [
    ['read', 'a'],
    ['write', 'a'],
    ['list', ''],
    ['list', 'config/'],
    ['write', 'data'],
    ['read', 'metadata'],
  ] as const) {
    const reply = await bench.call(operation, path);
    assert.equal(reply?.status, 404, path);
    assert.equal(reply?.warnings?.length, 1);
  }
});

test('subkeys answer names without values', async () => {
  const bench = await openBench(kv2);
  await put(bench, 's', { a: { b: 'S3CRET' }, c: 'S3CRET' });
  const reply = await bench.call('read', 'subkeys/s', { depth: '1' });
  assert.deepEqual(reply?.data?.['subkeys'], { a: null, c: null });
  await bench.call('delete', 'data/s');
  const gone = await bench.call('read', 'subkeys/s');
  assert.deepEqual([gone?.status, gone?.data?.['subkeys']], [404, null]);
});

test('the version option chooses the engine, and version 1 data is version 2 data', async () => {
  assert.equal(kvBackend(null), kv1);
  assert.equal(kvBackend({ version: '1' }), kv1);
  assert.equal(kvBackend({ version: '2' }), kv2);
  assert.equal(kvBackend({ version: '3' }), undefined);
  const bench = await openBench(kv2);
  // The same store, first served as version 1.
  const before = await openBench(kv1);
  await before.call('write', 'u', { é: '✓' });
  const record = await before.store(async (store) => store.get('secret/u'));
  await bench.store(async (store) => store.put('secret/u', record ?? ''));
  assert.deepEqual(await valueOf(bench, 'u'), { é: '✓' });
  assert.equal((await put(bench, 'u', { x: 1 }))?.['version'], 2);
  assert.deepEqual(await valueOf(bench, 'u', 1), { é: '✓' });
});
