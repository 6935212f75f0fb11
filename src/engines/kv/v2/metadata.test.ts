/** Metadata of KV version 2: settings, custom metadata, its own check-and-set, listings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBench } from '../../../core/backend-bench.contract.ts';
import { kv2 } from '../kv.ts';

test('metadata is made by its first setting, and counts its changes', async () => {
  const bench = await openBench(kv2);
  assert.equal(await bench.call('write', 'metadata/m', {}), undefined);
  assert.equal((await bench.fail('read', 'metadata/m')).code, 'not_found');
  await bench.call('write', 'metadata/m', { custom_metadata: { owner: 'ops', tier: 1 } });
  assert.deepEqual((await bench.call('read', 'metadata/m'))?.data, {
    cas_required: false,
    created_time: '2027-01-15T08:00:00.000000000Z',
    current_metadata_version: 1,
    current_version: 0,
    custom_metadata: { owner: 'ops', tier: '1' },
    delete_version_after: '0s',
    max_versions: 0,
    metadata_cas_required: false,
    oldest_version: 0,
    updated_time: '2027-01-15T08:00:00.000000000Z',
    versions: {},
  });
  assert.equal((await bench.fail('read', 'data/m')).code, 'not_found');
  const reply = await bench.call('write', 'data/m', { data: { k: 'v' } });
  assert.deepEqual(reply?.data?.['custom_metadata'], { owner: 'ops', tier: '1' });
  await bench.call('write', 'metadata/m', { custom_metadata: {}, max_versions: -1 });
  const shown = (await bench.call('read', 'metadata/m'))?.data;
  assert.equal(shown?.['custom_metadata'], null);
  assert.equal(shown?.['max_versions'], 4_294_967_295);
  assert.equal(shown?.['current_metadata_version'], 2);
});

test('custom metadata has limits', async () => {
  const bench = await openBench(kv2);
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 'v']));
  for (const custom of [
    { nested: { a: 'S3CRET' } },
    { '': 'x' },
    { k: '' },
    { ['k'.repeat(129)]: 'x' },
    { k: 'S3CRET'.repeat(100) },
    { 'a\u0007b': 'x' },
    { k: 'S3CRET\n' },
    many,
  ]) {
    const error = await bench.fail('write', 'metadata/m', { custom_metadata: custom });
    assert.match(error.message, /^custom_metadata validation failed: /);
    assert.doesNotMatch(error.message, /S3CRET/);
  }
  await bench.call('write', 'metadata/m', {
    custom_metadata: { ['k'.repeat(128)]: 'é'.repeat(256) },
  });
});

test('a patch changes single members', async () => {
  const bench = await openBench(kv2);
  assert.equal((await bench.call('patch', 'metadata/p', { max_versions: 1 }))?.status, 404);
  await bench.call('write', 'data/p', { data: {} });
  const custom = async (): Promise<unknown> =>
    (await bench.call('read', 'metadata/p'))?.data?.['custom_metadata'];
  await bench.call('patch', 'metadata/p', { custom_metadata: { x: '1', y: '2' } });
  await bench.call('patch', 'metadata/p', { custom_metadata: { x: null, z: '3' } });
  assert.deepEqual(await custom(), { y: '2', z: '3' });
  for (const wrong of [{ custom_metadata: { y: 5 } }, { max_versions: -1 }]) {
    assert.equal((await bench.fail('patch', 'metadata/p', wrong)).code, 'invalid_request');
  }
  assert.deepEqual(await custom(), { y: '2', z: '3' });
  await bench.call('patch', 'metadata/p', { custom_metadata: null });
  assert.equal(await custom(), null);
  await bench.call('patch', 'metadata/p', { max_versions: 7, cas_required: true });
  await bench.call('patch', 'metadata/p', { max_versions: null, delete_version_after: '10m' });
  const shown = (await bench.call('read', 'metadata/p'))?.data;
  assert.equal(shown?.['max_versions'], 0);
  assert.equal(shown?.['cas_required'], true);
  assert.equal(shown?.['delete_version_after'], '10m0s');
  assert.equal(shown?.['current_metadata_version'], 5);
});

test('metadata has a check-and-set of its own', async () => {
  const bench = await openBench(kv2);
  const write = (body: Record<string, number | boolean>): Promise<string> =>
    bench.call('write', 'metadata/c', { max_versions: 3, ...body }).then(
      () => 'done',
      (error: Error) => error.message,
    );
  assert.equal(
    await write({ metadata_cas: 1 }),
    'metadata_cas must be 0 when creating new metadata',
  );
  assert.equal(await write({ metadata_cas: 0, metadata_cas_required: true }), 'done');
  assert.equal(await write({}), 'metadata check-and-set parameter required for this call');
  const mismatch = 'metadata check-and-set parameter does not match the current version';
  assert.equal(await write({ metadata_cas: 0 }), mismatch);
  assert.equal(await write({ metadata_cas: 1 }), 'done');
  const patch = await bench.fail('patch', 'metadata/c', { max_versions: 4, metadata_cas: 1 });
  assert.equal(patch.message, mismatch);
});

test('a rule of the mount cannot be switched off for one secret', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'config', { cas_required: true });
  const reply = await bench.call('write', 'metadata/c', { cas_required: false });
  assert.equal(reply?.warnings?.length, 1);
  assert.match(reply?.warnings?.[0] ?? '', /^"cas_required" set to false/);
});

test('folders are listed page by page, with metadata when asked', async () => {
  const bench = await openBench(kv2);
  for (const path of ['a', 'b/c', 'b/d/e', 'b', 'z z', 'B', '10', '9']) {
    await bench.call('write', `data/${path}`, { data: { path } });
  }
  const list = async (path: string, query = {}): Promise<unknown> =>
    (await bench.call('list', path, query))?.data?.['keys'];
  const all = ['10', '9', 'B', 'a', 'b', 'b/', 'z z'];
  assert.deepEqual(await list('metadata/'), all);
  assert.deepEqual(await list('metadata/', { limit: '-1' }), all);
  assert.deepEqual(await list('metadata/', { after: '9' }), all.slice(2));
  assert.deepEqual(await list('metadata/', { after: 'B', limit: '2' }), ['a', 'b']);
  assert.deepEqual(await list('metadata/b/'), ['c', 'd/']);
  for (const path of ['metadata/a/', 'metadata/none/']) {
    assert.equal((await bench.fail('list', path)).code, 'not_found');
  }
  assert.equal((await bench.fail('list', 'metadata/', { after: 'zzz' })).code, 'not_found');
  const detailed = await bench.call('list', 'detailed-metadata/', { limit: 6 });
  const info = detailed?.data?.['key_info'] as Record<string, Record<string, unknown>>;
  assert.deepEqual(Object.keys(info).sort(), all.slice(0, 6).sort());
  assert.equal(info['b/']?.['current_version'], 1);
  const scanned = await bench.call('scan', 'metadata/');
  assert.deepEqual(scanned?.data?.['keys'], ['10', '9', 'B', 'a', 'b', 'z z', 'b/c', 'b/d/e']);
});
