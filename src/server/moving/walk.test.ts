/** Walks over whole stores. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import type { Entry, ScannableStorage } from '../../storage/storage.ts';
import { MOVE_MARKER_KEY } from './move-marker.ts';
import { bringInLine, contentsOf, equalContents } from './walk.ts';

const record = fc.record({
  key: fc.stringMatching(/^[a-c\ud7ff\uffff\u{10000}/]{1,6}$/u),
  revision: fc.integer({ min: 1, max: 5 }),
  value: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
});
const records = fc.uniqueArray(record, { selector: ({ key }) => key, maxLength: 40 });

async function filled(entries: readonly Entry[]): Promise<ScannableStorage> {
  const storage = createMemoryStorage();
  await storage.commit({ checks: [], puts: entries, deletes: [] });
  return storage;
}

test('whatever the target held, it holds what the source holds in the end, and only differences are written', async () => {
  await fc.assert(
    fc.asyncProperty(records, records, async (here, there) => {
      const [source, target] = [await filled(here), await filled(there)];
      let passed = 0;
      const changes = await bringInLine(source, target, (done) => (passed = done));
      assert.equal(passed, here.length);
      assert.equal(changes.written + changes.kept, here.length);
      const left = await target.scan('', undefined, 1000);
      assert.deepEqual(left, await source.scan('', undefined, 1000));
      const again = await bringInLine(source, target, () => {});
      assert.deepEqual(again, { written: 0, removed: 0, kept: here.length });
    }),
    { numRuns: 200 },
  );
});

test('the digest tells every change of a key, a revision or a value', async () => {
  const none = (): void => {};
  await fc.assert(
    fc.asyncProperty(records, records, async (here, there) => {
      const [one, other] = [await filled(here), await filled(there)];
      const [left, right] = [await contentsOf(one, none), await contentsOf(other, none)];
      const equal = here.every((entry) => {
        const found = there.find(({ key }) => key === entry.key);
        return found?.revision === entry.revision && found.value.equals(entry.value);
      });
      assert.equal(equalContents(left, right), equal && here.length === there.length);
    }),
    { numRuns: 200 },
  );
});

test('the marker of a move is neither copied nor counted', async () => {
  const source = await filled([
    { key: 'a', revision: 1, value: Buffer.from('1') },
    { key: MOVE_MARKER_KEY, revision: 1, value: Buffer.from('{}') },
  ]);
  const target = createMemoryStorage();
  await bringInLine(source, target, () => {});
  assert.deepEqual(
    (await target.scan('', undefined, 10)).map(({ key }) => key),
    ['a'],
  );
  assert.equal((await contentsOf(source, () => {})).records, 1);
});
