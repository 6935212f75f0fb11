/** `sys/tools`: counts, sources, encodings, algorithms as recorded from the reference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../base/random.ts';
import { openBench } from '../core/backend-bench.contract.ts';
import type { Bench } from '../core/backend-bench.contract.ts';
import type { Backend } from '../model/backend.ts';
import type { Unit } from '../model/transaction.ts';
import { toolPaths } from './tools.ts';

const backend: Backend<Unit> & { readonly scope: 'unit' } = {
  type: 'system',
  kind: 'system',
  scope: 'unit',
  summary: 'Tools.',
  paths: toolPaths(systemRandom),
};

async function random(bench: Bench, path: string, body = {}): Promise<string> {
  const reply = await bench.call('write', `tools/random${path}`, body);
  return String(reply?.data?.['random_bytes']);
}

test('random bytes come in the asked number and encoding', async () => {
  const bench = await openBench(backend);
  assert.equal((await random(bench, '')).length, 44);
  assert.equal((await random(bench, '/16')).length, 24);
  assert.match(await random(bench, '/16', { format: 'hex' }), /^[0-9a-f]{32}$/);
  assert.equal((await random(bench, '', { bytes: '12' })).length, 16);
  assert.equal((await random(bench, '/platform')).length, 44);
  assert.equal((await random(bench, '/all/8')).length, 12);
  assert.equal((await random(bench, '/-1')).length, 44);
  assert.equal((await random(bench, '/131072', { format: 'hex' })).length, 262_144);
  assert.notEqual(await random(bench, ''), await random(bench, ''));
  const seal = await bench.call('write', 'tools/random/seal/8', {});
  assert.equal(seal?.warnings?.length, 1);
});

test('what cannot be answered is refused', async () => {
  const bench = await openBench(backend);
  for (const [path, body] of [
    ['tools/random/0', {}],
    ['tools/random/131073', {}],
    ['tools/random/x', {}],
    ['tools/random/all/x', {}],
    ['tools/random/moon/8', {}],
    ['tools/random/all/8/more', {}],
    ['tools/hash/a/b', { input: 'aGVsbG8=' }],
    ['tools/random', { format: 'ascii' }],
    ['tools/hash/md5', { input: 'aGVsbG8=' }],
    ['tools/hash/sha256', { input: 'aGVsbG8=' }],
    ['tools/hash', { input: 'not base64!' }],
    ['tools/hash', { input: 'aGVsbG8' }],
    ['tools/hash', { input: 'aGVsbG8=', format: 'x' }],
  ] as const) {
    assert.equal((await bench.fail('write', path, body)).code, 'invalid_request', path);
  }
});

test('hashes', async () => {
  const bench = await openBench(backend);
  const sum = async (path: string, body = {}): Promise<unknown> =>
    (await bench.call('write', `tools/hash${path}`, { input: 'aGVsbG8=', ...body }))?.data?.['sum'];
  const sha256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
  assert.equal(await sum(''), sha256);
  assert.equal(await sum('/sha2-256', { algorithm: 'sha2-512' }), sha256);
  assert.equal(await sum('/sha3-224'), 'b87f88c72702fff1748e58b87e9141a42c0dbedc29a78cb0d4a5cd81');
  assert.equal(
    await sum('', { algorithm: 'sha2-512', format: 'base64' }),
    'm3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==',
  );
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  assert.equal(await sum('', { input: '' }), empty);
  assert.equal((await bench.call('write', 'tools/hash', {}))?.data?.['sum'], empty);
});
