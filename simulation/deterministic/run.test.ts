/** The simulation itself: a seed repeats what it did, peace comes, and what is broken is found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTROLS } from './controls.ts';
import { makeImage } from './image.ts';
import { runSeed } from './run.ts';

const SEEDS = 12;

test('a seed does the same each time, another seed something else', async () => {
  const [first, second] = [await makeImage(), await makeImage()];
  const digests = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { digest, problems } = await runSeed({ seed, image: first });
    assert.deepEqual(problems, []);
    assert.equal((await runSeed({ seed, image: second })).digest, digest);
    digests.add(digest);
  }
  assert.equal(digests.size, SEEDS);
});

test('a server that answers before its records are durable is found', async () => {
  const control = CONTROLS.find(({ name }) => name.startsWith('records count'));
  assert.ok(control);
  const { sabotage, caught } = control;
  const outcome = await runSeed({ seed: 1, image: await makeImage(), sabotage, until: caught });
  assert.match(outcome.problems.join(), caught);
});
