/** `sys/raw`: only where it is switched on, only for sudo, past no cache, and never at what the cluster is known by. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { openInstance } from './instance-fixture.ts';
import { compress, compressionOf, decompress } from '../system/raw/compression.ts';

const RAW = { rawStorage: true };

describe('sys/raw', () => {
  test('is not there unless the configuration says so', async () => {
    const open = await openInstance();
    const { error } = await open.ask('read', 'sys/raw/core/mount/');
    assert.deepEqual(
      [error?.code, error?.message.includes('unsupported path')],
      ['not_found', true],
    );
    await open.instance.close();
  });

  test('stores, shows, lists and deletes records', async () => {
    const open = await openInstance(RAW);
    assert.equal(await open.outcome('write', 'sys/raw/notes/a', { data: { value: 'one' } }), 'ok');
    assert.deepEqual(await open.get('read', 'sys/raw/notes/a'), { value: 'one' });
    assert.deepEqual(await open.get('read', 'sys/raw/notes/a', { data: { encoding: 'base64' } }), {
      value: 'b25l',
    });
    assert.deepEqual(await open.get('list', 'sys/raw/notes/'), { keys: ['a'] });
    await open.ask('delete', 'sys/raw/notes/a');
    assert.equal((await open.ask('read', 'sys/raw/notes/a')).reply, undefined);
    await open.instance.close();
  });

  test('keeps the compression of a record, and changes it only to none', async () => {
    const open = await openInstance(RAW);
    const write = (data: Record<string, string>): Promise<string> =>
      open.outcome('write', 'sys/raw/notes/z', { data });
    assert.equal(await write({ value: 'one', compression_type: 'gzip' }), 'ok');
    assert.deepEqual(await open.get('read', 'sys/raw/notes/z'), { value: 'one' });
    assert.equal(await write({ value: 'two' }), 'ok');
    const folded = { compressed: false, encoding: 'base64' };
    const { value } = await open.get('read', 'sys/raw/notes/z', { data: folded });
    assert.equal(compressionOf(Buffer.from(String(value), 'base64')), 'gzip');
    assert.equal(await write({ value: 'three', compression_type: '' }), 'ok');
    assert.equal(await write({ value: 'four', compression_type: 'gzip' }), 'invalid_request');
    assert.equal(await write({ value: 'five', compression_type: 'lz4' }), 'invalid_request');
    assert.equal(await write({ value: '***', encoding: 'base64' }), 'invalid_request');
    assert.equal(await write({ value: 'x', encoding: 'hex' }), 'invalid_request');
    await open.instance.close();
  });

  test('needs sudo, and is not to be had in a child namespace', async () => {
    const open = await openInstance(RAW);
    const policy = (capabilities: string): unknown =>
      `path "sys/raw/*" { capabilities = [${capabilities}] }`;
    for (const [name, capabilities, outcome] of [
      ['plain', '"read", "list"', 'permission_denied'],
      ['mighty', '"read", "list", "sudo"', 'ok'],
    ] as const) {
      const data = { policy: String(policy(capabilities)) };
      await open.ask('write', `sys/policies/acl/${name}`, { data });
      const token = await open.tokenFor(name);
      assert.equal(await open.outcome('list', 'sys/raw/core/', { token }), outcome);
    }
    await open.ask('write', 'sys/namespaces/n');
    assert.equal(
      await open.outcome('list', 'sys/raw/core/', { namespace: 'n/' }),
      'invalid_request',
    );
    await open.instance.close();
  });

  test('shows the records of child namespaces below their ids, and those of no other', async () => {
    const open = await openInstance(RAW);
    assert.equal(await open.outcome('list', 'sys/raw/namespaces/'), 'not_found');
    const { id } = await open.get('write', 'sys/namespaces/n');
    assert.deepEqual(await open.get('list', 'sys/raw/namespaces/'), { keys: [`${String(id)}/`] });
    const { keys } = await open.get('list', `sys/raw/namespaces/${String(id)}/core/`);
    assert.ok((keys as string[]).includes('mount/'));
    for (const path of ['namespaces/absent/core/x', 'namespaces/..', 'namespaces/a b/c'])
      assert.equal(await open.outcome('read', `sys/raw/${path}`), 'not_found');
    assert.equal(
      await open.outcome('write', 'sys/raw/namespaces/absent/x', { data: { value: 'x' } }),
      'not_found',
    );
    await open.instance.close();
  });

  test('leaves the identity of the cluster alone', async () => {
    const open = await openInstance(RAW);
    for (const operation of ['read', 'write', 'delete'] as const)
      assert.equal(await open.outcome(operation, 'sys/raw/core/cluster/record'), 'invalid_request');
    assert.equal(await open.outcome('write', 'sys/raw/core/'), 'invalid_request');
    await open.instance.close();
  });

  test('what it changes holds from its answer on, caches or not', async () => {
    const open = await openInstance(RAW);
    await open.ask('write', 'secret/data/a', { data: { data: { k: 'v' } } });
    const { keys } = await open.get('list', 'sys/raw/core/mount/');
    const records = await Promise.all(
      (keys as string[]).map(async (key) => {
        const { value } = await open.get('read', `sys/raw/core/mount/${key}`);
        return { key, path: (JSON.parse(String(value)) as { path: string }).path };
      }),
    );
    const secret = records.find(({ path }) => path === 'secret/');
    assert.ok(secret !== undefined);
    await open.ask('delete', `sys/raw/core/mount/${secret.key}`);
    assert.equal(await open.outcome('read', 'secret/data/a'), 'not_found');
    await open.instance.close();
  });
});

test('whatever is compressed comes back, and what is not is left as it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const value = Buffer.from(bytes);
      assert.deepEqual(decompress(compress(value, 'gzip')), value);
      assert.equal(compressionOf(compress(value, 'gzip')), 'gzip');
      if (compressionOf(value) === '') assert.deepEqual(decompress(value), value);
    }),
  );
  // A byte that only looks like the mark.
  assert.deepEqual(decompress(Buffer.from('GGGG')), Buffer.from('GGGG'));
});
