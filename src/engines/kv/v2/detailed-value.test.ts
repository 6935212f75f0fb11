/** What other APIs need of a secret: exact bytes, ids, labels, attributes, idempotent writes, a served version. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../base/json.ts';
import { openBench } from '../../../core/backend-bench.contract.ts';
import type { Bench } from '../../../core/backend-bench.contract.ts';
import { kv2 } from '../kv.ts';

async function detailed(bench: Bench, path: string, query: JsonObject = {}) {
  const reply = await bench.call('read', `data/${path}`, { detail: 'true', ...query });
  return { status: reply?.status, ...reply?.data } as {
    readonly status: number | undefined;
    readonly value: string | null;
    readonly encoding: string | null;
    readonly metadata: JsonObject;
    readonly secret: JsonObject;
  };
}

async function plain(bench: Bench, path: string): Promise<unknown> {
  return (await bench.call('read', `data/${path}`))?.data?.['data'];
}

test('text and bytes are kept exactly, and appear in KV under "value"', async () => {
  const bench = await openBench(kv2);
  const text = '{ "b": 1.10,\n "a": 2 }';
  await bench.call('write', 'data/t', {
    value: text,
    encoding: 'text',
    content_type: 'application/json',
  });
  assert.equal((await detailed(bench, 't')).value, text);
  assert.equal(JSON.stringify(await plain(bench, 't')), '{"b":1.10,"a":2}');
  await bench.call('write', 'data/t', { value: 'hunter2', encoding: 'text' });
  assert.deepEqual(await plain(bench, 't'), { value: 'hunter2' });
  await bench.call('patch', 'data/t', { data: { value: 'hunter3' } });
  assert.deepEqual([(await detailed(bench, 't')).value], ['hunter3']);
  await bench.call('patch', 'data/t', { data: { more: 1 } });
  assert.equal((await detailed(bench, 't')).value, '{"value":"hunter3","more":1}');
  await bench.call('write', 'data/b', { value: '/wAK', encoding: 'base64' });
  const bytes = await detailed(bench, 'b');
  assert.deepEqual([bytes.encoding, bytes.value], ['base64', '/wAK']);
  assert.deepEqual(await plain(bench, 'b'), { value: '/wAK' });
  assert.equal(
    (await bench.fail('write', 'data/b', { value: '%', encoding: 'base64' })).code,
    'invalid_request',
  );
});

test('an object written through KV is compact JSON text elsewhere', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'data/o', { data: { user: 'svc', n: 1 } });
  const reply = await detailed(bench, 'o');
  assert.equal(reply.value, '{"user":"svc","n":1}');
  assert.equal(reply.metadata['form'], 'object');
  assert.equal(reply.metadata['enabled'], true);
  assert.match(JSON.stringify(reply.metadata['id']), /^"[0-9a-f-]{36}"$/);
});

test('versions are found by number, id and label', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'data/v', {
    value: 'one',
    encoding: 'text',
    version_id: 'id-1',
    labels: 'stable,old',
  });
  await bench.call('write', 'data/v', {
    value: 'two',
    encoding: 'text',
    version_id: 'id-2',
    labels: 'stable',
  });
  assert.equal((await detailed(bench, 'v')).value, 'two');
  assert.equal((await detailed(bench, 'v', { version: '1' })).value, 'one');
  assert.equal((await detailed(bench, 'v', { version_id: 'id-1' })).value, 'one');
  assert.equal((await detailed(bench, 'v', { label: 'old' })).value, 'one');
  assert.equal((await detailed(bench, 'v', { label: 'stable' })).value, 'two');
  const both = { version_id: 'id-1', label: 'old' };
  assert.equal((await detailed(bench, 'v', both)).value, 'one');
  for (const query of [
    { label: 'none' },
    { label: 'toString' },
    { version_id: 'x' },
    { version_id: 'id-1', label: 'stable' },
  ]) {
    const error = await bench.fail('read', 'data/v', { detail: true, ...query });
    assert.equal(error.code, 'not_found');
  }
  assert.equal(
    (
      await bench.fail('write', 'data/v', {
        value: 'x',
        encoding: 'text',
        version_id: 'id-1',
      })
    ).code,
    'invalid_request',
  );
});

test('a write can leave the served version alone, and another can be served later', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'data/r', { data: { i: 1 } });
  await bench.call('write', 'data/r', { data: { i: 2 }, labels: 'pending', serve: false });
  assert.deepEqual(await plain(bench, 'r'), { i: 1 });
  assert.equal((await detailed(bench, 'r', { label: 'pending' })).value, '{"i":2}');
  await bench.call('write', 'metadata/r', {
    served_version: 2,
    labels: { pending: null, previous: 1 },
  });
  assert.deepEqual(await plain(bench, 'r'), { i: 2 });
  const { secret } = await detailed(bench, 'r');
  assert.deepEqual(secret['labels'], { previous: 1 });
  await bench.call('write', 'metadata/r', { served_version: 1 });
  assert.deepEqual(await plain(bench, 'r'), { i: 1 });
  const current = await bench.call('read', 'metadata/r');
  assert.equal(current?.data?.['current_version'], 1);
  await bench.call('write', 'data/r', { data: { i: 3 }, options: { cas: 1 } });
  assert.deepEqual(await plain(bench, 'r'), { i: 3 });
  const old = await bench.call('read', 'data/r', { version: 1 });
  assert.deepEqual(old?.data?.['data'], { i: 1 });
});

test('a served version survives the purge', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'config', { max_versions: 2 });
  await bench.call('write', 'data/p', { data: { i: 1 } });
  for (const i of [2, 3, 4]) await bench.call('write', 'data/p', { data: { i }, serve: false });
  assert.deepEqual(await plain(bench, 'p'), { i: 1 });
  const shown = await bench.call('read', 'metadata/p');
  assert.deepEqual(Object.keys(shown?.data?.['versions'] as object), ['1', '3', '4']);
  assert.deepEqual(await bench.store((store) => store.list('version/p/')), ['3', '4']);
});

test('a repeated write changes nothing, and another value under its token is refused', async () => {
  const bench = await openBench(kv2);
  const body = { value: 'S3CRET', encoding: 'text', write_token: 'token-1' };
  await bench.call('write', 'data/i', body);
  const again = await bench.call('write', 'data/i', body);
  assert.equal(again?.data?.['version'], 1);
  const error = await bench.fail('write', 'data/i', { ...body, value: 'other' });
  assert.match(error.message, /^write_token was used/);
});

test('attributes change without a new version; a disabled one is not handed out', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'data/a', {
    value: 'x',
    encoding: 'text',
    content_type: 'text/plain',
    not_before: '2027-01-01T00:00:00Z',
    tags: { env: 'prod' },
  });
  await bench.call('patch', 'metadata/a', { version: 1, enabled: false, content_type: null });
  const off = await detailed(bench, 'a');
  assert.deepEqual([off.status, off.value, off.metadata['enabled']], [404, null, false]);
  assert.equal(off.metadata['content_type'], '');
  assert.deepEqual(off.metadata['tags'], { env: 'prod' });
  assert.equal(off.metadata['not_before'], '2027-01-01T00:00:00.000000000Z');
  assert.equal((await bench.call('read', 'data/a'))?.status, 404);
  await bench.call('patch', 'metadata/a', { version: 1, enabled: true });
  assert.deepEqual(await plain(bench, 'a'), { value: 'x' });
  assert.equal(
    (await bench.fail('patch', 'metadata/a', { version: 9, enabled: true })).code,
    'not_found',
  );
  assert.equal(
    (await bench.fail('patch', 'metadata/a', { enabled: true })).code,
    'invalid_request',
  );
});

test('attributes of other APIs set up a secret and merge', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'metadata/n', { attributes: { aws: { description: 'd', kms: 'k' } } });
  await bench.call('patch', 'metadata/n', { attributes: { aws: { kms: null } } });
  const reply = await bench.call('read', 'metadata/n', { detail: true });
  assert.deepEqual(reply?.data?.['attributes'], { aws: { description: 'd' } });
  assert.equal((await bench.call('read', 'metadata/n'))?.data?.['attributes'], undefined);
  const huge = { attributes: { a: 'x'.repeat(70_000) } };
  assert.equal((await bench.fail('patch', 'metadata/n', huge)).code, 'invalid_request');
  assert.equal((await bench.fail('patch', 'metadata/none', { attributes: {} })).code, 'not_found');
});
