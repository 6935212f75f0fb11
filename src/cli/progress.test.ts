/** Progress of long work: a bar for a person, lines for a log. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportSteps } from './progress.ts';
import { stubTerminal } from './scripts/stub.ts';

test('on a terminal a bar is redrawn now and then, and taken away in the end', () => {
  const terminal = stubTerminal({ tty: true });
  let now = 0;
  const steps = reportSteps(terminal, () => now);
  steps.show('copying', 0, 1000);
  for (let done = 1; done <= 1000; done += 1) {
    now += 10;
    steps.show('copying', done, 1000);
  }
  steps.end();
  steps.end();
  const drawn = terminal.complaints().split('\r').slice(1);
  assert.ok(drawn.length > 40 && drawn.length < 60, String(drawn.length));
  assert.equal(drawn[0], `\u001b[K[${'.'.repeat(30)}] copying 0 of 1000 (0%)`);
  assert.ok(
    drawn.includes(
      `\u001b[K[${'#'.repeat(15)}${'.'.repeat(15)}] copying 500 of 1000 (50%, 100/s, 5 s left)`,
    ),
  );
  assert.equal(drawn.at(-2), `\u001b[K[${'#'.repeat(30)}] copying 1000 of 1000 (100%, 100/s)`);
  assert.equal(drawn.at(-1), '\u001b[K');
});

test('without one there is a line every five seconds, and none for what is short', () => {
  const terminal = stubTerminal();
  let now = 0;
  const steps = reportSteps(terminal, () => now);
  for (let done = 0; done < 5; done += 1) steps.show('short', done, 5);
  for (let done = 0; done <= 120; done += 1) {
    steps.show('copying', done * 10, 1200);
    now += 100;
  }
  steps.show('watching', 0, undefined);
  steps.end();
  assert.equal(
    terminal.complaints(),
    'copying 0 of 1200 (0%)\ncopying 500 of 1200 (41%, 100/s, 7 s left)\ncopying 1000 of 1200 (83%, 100/s, 2 s left)\nwatching\n',
  );
});
