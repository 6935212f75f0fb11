/** Turns: in the order of asking, one at a time for each key, and nothing is kept when nobody waits. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ManualClock } from '../../base/clock-fixture.ts';
import { TURN_WAIT_MS_MAX, Turns } from './turns.ts';

suite('turns', () => {
  test('come in order, one at a time', async () => {
    const turns = new Turns(new ManualClock());
    const seen: string[] = [];
    const work = async (name: string): Promise<void> => {
      const end = await turns.take('key');
      seen.push(`${name} begins`);
      await Promise.resolve();
      seen.push(`${name} ends`);
      end();
    };
    await Promise.all(['a', 'b', 'c'].map(work));
    assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  test('of other keys are not waited for', async () => {
    const turns = new Turns(new ManualClock());
    await turns.take('one');
    (await turns.take('two'))();
  });

  test('are not waited for without end', async () => {
    const clock = new ManualClock();
    const turns = new Turns(clock);
    await turns.take('key');
    const second = turns.take('key');
    clock.advance(TURN_WAIT_MS_MAX);
    (await second)();
  });

  test('can be taken again when nobody waits', async () => {
    const turns = new Turns(new ManualClock());
    for (let round = 0; round < 3; round++) (await turns.take('key'))();
  });
});
