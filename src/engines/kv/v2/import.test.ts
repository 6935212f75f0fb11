/** Histories from elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../../base/json.ts';
import { openBench } from '../../../core/backend-bench.contract.ts';
import type { Bench } from '../../../core/backend-bench.contract.ts';
import { kv2 } from '../kv.ts';

const DAY_MS = 86_400_000;
const time = (day: number): string => new Date(Date.UTC(2025, 0, 1) + day * DAY_MS).toISOString();

function version(number: number, more: JsonObject = {}): JsonObject {
  return { version: number, created_time: time(number), data: { n: String(number) }, ...more };
}

async function metadataOf(bench: Bench, path: string): Promise<Record<string, unknown>> {
  return (await bench.call('read', `metadata/${path}`))?.data ?? {};
}

test('versions keep their numbers, times and states, and the secret its settings', async () => {
  const bench = await openBench(kv2);
  const history = {
    cas: 0,
    created_time: time(1),
    updated_time: time(9),
    oldest_version: 3,
    max_versions: 7,
    cas_required: true,
    delete_version_after: '3h',
    custom_metadata: { owner: 'ops' },
    versions: [
      version(3),
      version(4, { deletion_time: time(8) }),
      version(5, { destroyed: true, data: null }),
      version(6),
    ],
  };
  assert.deepEqual((await bench.call('write', 'import/a/b', history))?.data, {
    added: 4,
    current_version: 6,
  });
  const shown = await metadataOf(bench, 'a/b');
  const nano = (day: number): string => time(day).replace('Z', '000000Z');
  assert.deepEqual(shown, {
    cas_required: true,
    created_time: nano(1),
    current_metadata_version: 1,
    current_version: 6,
    custom_metadata: { owner: 'ops' },
    delete_version_after: '3h0m0s',
    max_versions: 7,
    metadata_cas_required: false,
    oldest_version: 3,
    updated_time: nano(9),
    versions: {
      3: { created_time: nano(3), deletion_time: '', destroyed: false },
      4: { created_time: nano(4), deletion_time: nano(8), destroyed: false },
      5: { created_time: nano(5), deletion_time: '', destroyed: true },
      6: { created_time: nano(6), deletion_time: '', destroyed: false },
    },
  });
  const read = async (number: number): Promise<unknown> =>
    (await bench.call('read', 'data/a/b', { version: number }))?.data?.['data'];
  assert.deepEqual(
    [await read(3), await read(4), await read(5), await read(6)],
    [{ n: '3' }, null, null, { n: '6' }],
  );
  // What is deleted comes back, so its value is here.
  await bench.call('write', 'undelete/a/b', { versions: [4] });
  assert.deepEqual(await read(4), { n: '4' });
  await bench.call('write', 'data/a/b', { data: { n: '7' }, options: { cas: 6 } });
  assert.deepEqual(await read(7), { n: '7' });
});

test('nothing that is here is overwritten by accident', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'data/x', { data: { own: 'S3CRET' } });
  const refuse = async (data: JsonObject, reason: RegExp): Promise<void> => {
    const error = await bench.fail('write', 'import/x', data);
    assert.equal(error.code, 'invalid_request');
    assert.match(error.message, reason);
    assert.doesNotMatch(error.message, /S3CRET/);
  };
  await refuse({ versions: [version(1)] }, /check-and-set parameter required/);
  await refuse({ cas: 0, versions: [version(1)] }, /did not match the current version/);
  await refuse({ cas: 1, versions: [version(1)] }, /of this number and another time/);
  await refuse({ cas: 1, versions: [version(2), version(2)] }, /there twice/);
  await refuse({ cas: 1, versions: [version(2, { data: null })] }, /needs its value/);
  await refuse({ cas: 1, versions: [version(2, { data: 'S3CRET' })] }, /data must be a map/);
  await refuse({ cas: 1, versions: ['S3CRET'] }, /list of objects/);
  await refuse({ cas: 1, versions: [version(2, { S3CRET: 1 })] }, /not known/);
  await refuse(
    { cas: 1, versions: [version(2, { created_time: 'S3CRET' })] },
    /created_time .* malformed/,
  );
  await refuse(
    { cas: 1, versions: [version(2, { created_time: '2099-01-01T00:00:00Z' })] },
    /future/,
  );
  await refuse({ cas: 1, versions: [version(0)] }, /number from 1/);
  await refuse({ cas: 1, current_version: 9 }, /does not exist/);
  await refuse({ cas: 1, labels: { live: 9 } }, /does not exist/);
  assert.deepEqual((await bench.call('read', 'data/x'))?.data?.['data'], { own: 'S3CRET' });
  await bench.call('write', 'import/x', { cas: 1, replace: true, versions: [version(5)] });
  assert.deepEqual((await bench.call('read', 'data/x'))?.data?.['data'], { n: '5' });
  assert.deepEqual(Object.keys((await metadataOf(bench, 'x'))['versions'] as object), ['5']);
});

test('values in the forms of other APIs, with their ids, labels and attributes', async () => {
  const bench = await openBench(kv2);
  await bench.call('write', 'import/aws', {
    cas: 0,
    labels: { AWSPENDING: 2 },
    attributes: { description: 'of the shop' },
    current_version: 1,
    versions: [
      { version: 1, created_time: time(1), value: 'plain', encoding: 'text', version_id: 'one' },
      { version: 2, created_time: time(2), value: 'AAEC', encoding: 'base64', write_token: 'two' },
    ],
  });
  const read = async (query: JsonObject): Promise<Record<string, unknown>> =>
    (await bench.call('read', 'data/aws', { detail: true, ...query }))?.data ?? {};
  const first = await read({ version_id: 'one' });
  assert.deepEqual([first['value'], first['encoding']], ['plain', 'text']);
  const second = await read({ label: 'AWSPENDING' });
  assert.deepEqual([second['value'], second['encoding']], ['AAEC', 'base64']);
  const { id, write_token } = second['metadata'] as Record<string, string>;
  assert.equal(write_token, 'two');
  assert.match(id ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual((await read({}))['value'], 'plain');
});

const state = fc.constantFrom('live', 'deleted', 'destroyed');
const history = fc
  .array(fc.record({ gap: fc.integer({ min: 1, max: 3 }), state }), { minLength: 1, maxLength: 6 })
  .map((steps) => {
    let number = 0;
    return steps.map((step) => ({ number: (number += step.gap), state: step.state }));
  });

test('a history arrives whole in however many calls, and a repetition changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.nat(6), async (steps, split) => {
      const bench = await openBench(kv2);
      const versions = steps.map((step) =>
        version(step.number, {
          ...(step.state === 'deleted' ? { deletion_time: time(40) } : {}),
          ...(step.state === 'destroyed' ? { destroyed: true } : {}),
        }),
      );
      const newest = async (): Promise<number> =>
        Number(
          ((await bench.call('read', 'metadata/h').catch(() => undefined))?.data ?? {})[
            'current_version'
          ] ?? 0,
        );
      for (const part of [versions.slice(0, split), versions.slice(split), versions]) {
        if (part.length > 0) {
          await bench.call('write', 'import/h', { cas: await newest(), versions: part });
        }
      }
      for (const step of steps) {
        const reply = await bench.call('read', 'data/h', { version: step.number });
        const data = reply?.data?.['data'];
        assert.deepEqual(data, step.state === 'live' ? { n: String(step.number) } : null);
        await bench.call('write', 'undelete/h', { versions: [step.number] });
        const undeleted = await bench.call('read', 'data/h', { version: step.number });
        assert.equal(undeleted?.data?.['data'] === null, step.state === 'destroyed');
      }
      // Nothing is left behind when the secret goes.
      await bench.call('delete', 'metadata/h');
      assert.deepEqual(await bench.store((store) => store.list('')), []);
    }),
    { numRuns: 60 },
  );
});
