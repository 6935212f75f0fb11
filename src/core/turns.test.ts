/** Turns: in the order of asking, one at a time for each key, and nothing is kept when nobody waits. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Turns } from './turns.ts';

suite('turns', () => {
  test('come in order, one at a time', async () => {
    const turns = new Turns();
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
    const turns = new Turns();
    await turns.take('one');
    (await turns.take('two'))();
  });

  test('can be taken again when nobody waits', async () => {
    const turns = new Turns();
    for (let round = 0; round < 3; round++) (await turns.take('key'))();
  });
});
