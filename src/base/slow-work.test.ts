/** Slow work: never on all threads, no kind of it before all others, never without end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  shortWork,
  SlowThreads,
  slowThreads,
  tellPoolThreads,
  WorkQueueFullError,
} from './slow-work.ts';

/** Work that ends when it is told to. */
function held(): { readonly work: () => Promise<void>; readonly end: () => void } {
  let end = (): void => {};
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { work: () => done, end };
}

test('two threads of the pool are never given away', () => {
  assert.deepEqual([1, 3, 4, 10].map(slowThreads), [1, 1, 2, 8]);
});

test('no more runs at once than there are threads, and queues take turns', async () => {
  const threads = new SlowThreads(1);
  const keys = threads.queue(10);
  const logins = threads.queue(10);
  const order: string[] = [];
  const first = held();
  const running = [
    keys.run(first.work),
    ...['key 1', 'key 2', 'key 3'].map((name) => keys.run(async () => void order.push(name))),
    logins.run(async () => void order.push('login')),
  ];
  await Promise.resolve();
  assert.equal(order.length, 0);
  assert.equal(keys.isIdle(), false);
  first.end();
  await Promise.all(running);
  assert.equal(order.length, 4);
  assert.ok(order.indexOf('login') <= 1, `the login waited for all keys: ${order.join()}`);
  assert.equal(keys.isIdle(), true);
});

test('whoever finds the queue full is turned away, and the rest is not disturbed', async () => {
  const queue = new SlowThreads(1).queue(1);
  const first = held();
  const running = [queue.run(first.work), queue.run(async () => {})];
  await assert.rejects(
    queue.run(async () => {}),
    WorkQueueFullError,
  );
  first.end();
  await Promise.all(running);
  await queue.run(async () => {});
});

test('work that fails gives its thread back', async () => {
  const queue = new SlowThreads(1).queue(1);
  await assert.rejects(
    queue.run(async () => {
      throw new Error('no');
    }),
    /no/,
  );
  assert.equal(await queue.run(async () => 7), 7);
});

test('short work leaves one thread of the pool, however much there is of it', async () => {
  tellPoolThreads('3');
  const work = shortWork();
  let busy = 0;
  let most = 0;
  const pieces = Array.from({ length: 1000 }, () =>
    work.run(async () => {
      busy++;
      most = Math.max(most, busy);
      await Promise.resolve();
      busy--;
    }),
  );
  await Promise.all(pieces);
  assert.equal(most, 2);
  tellPoolThreads(undefined);
});
