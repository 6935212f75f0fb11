/** Records that live for minutes: found until their end, taken once, swept when nobody came back. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { openBarrier } from '../barrier/barrier-fixture.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import { ShortLived } from './short-lived.ts';
import type { Transaction } from './transaction.ts';

const MINUTE_MS = 60_000;

type InUnit = <T>(
  action: (codes: ShortLived<{ n: number }>, view: Transaction) => Promise<T>,
) => Promise<T>;

async function open(): Promise<InUnit> {
  const { barrier } = await openBarrier(createMemoryStorage());
  return async (action) => {
    const unit = barrier.begin();
    const view = unit.view('root', 'test/');
    const result = await action(new ShortLived(view, 'code/', 300), view);
    await unit.commit();
    return result;
  };
}

suite('short-lived records', () => {
  test('are there until their time is over, to the millisecond', async () => {
    const inUnit = await open();
    const startMs = 59_999;
    await inUnit((codes) => codes.put('a', { n: 1 }, startMs));
    const at = (ms: number): Promise<unknown> => inUnit((codes) => codes.get('a', ms));
    assert.deepEqual(await at(startMs), { n: 1 });
    assert.deepEqual(await at(startMs + 5 * MINUTE_MS - 1), { n: 1 });
    assert.equal(await at(startMs + 5 * MINUTE_MS), undefined);
  });

  test('are taken once', async () => {
    const inUnit = await open();
    await inUnit((codes) => codes.put('a', { n: 1 }, 0));
    assert.deepEqual(await inUnit((codes) => codes.take('a', 1)), { n: 1 });
    assert.equal(await inUnit((codes) => codes.take('a', 1)), undefined);
  });

  test('leave nothing behind', async () => {
    const inUnit = await open();
    for (let n = 0; n < 20; n++) await inUnit((codes) => codes.put(`a${n}`, { n }, n * MINUTE_MS));
    for (let n = 0; n < 20; n++)
      await inUnit((codes) => codes.put(`b${n}`, { n }, (60 + n) * MINUTE_MS));
    const minutes = await inUnit((_codes, view) => view.list('code/'));
    assert.equal(minutes.filter((minute) => Number(minute.slice(0, -1)) < 60).length, 0);
  });
});
