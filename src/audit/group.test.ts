/** Records that wait for a write: kept in order, and owed replies do not change with the memory that they waited in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bodies } from './group.ts';

function texts(bodies: Bodies): string[] {
  const all: string[] = [];
  bodies.each((body) => all.push(body.toString('utf8')));
  return all;
}

test('bodies come back in order, whatever their length and alphabet', () => {
  const bodies = new Bodies();
  const added = [
    '{"a":1',
    '',
    `{"grüße":"${'秘'.repeat(100_000)}"`,
    '{"b":"🔐"',
    'x'.repeat(300_000),
  ];
  for (const body of added) bodies.add(body, 'request');
  assert.equal(bodies.count, added.length);
  assert.deepEqual(texts(bodies), added);
});

test('replies are copies: memory that is used again does not change them', () => {
  const bodies = new Bodies();
  bodies.add('{"first"', 'request');
  bodies.add('{"second"', 'response');
  bodies.add('{"third"', 'response');
  const replies = bodies.replies();
  const again = bodies.emptied();
  assert.equal(again.count, 0);
  assert.deepEqual(again.replies(), []);
  again.add('{"xxxxxxxxxxxxxxxxxxxxxxxxxxxx"', 'request');
  assert.deepEqual(replies.map(String), ['{"second"', '{"third"']);
  assert.deepEqual(texts(again), ['{"xxxxxxxxxxxxxxxxxxxxxxxxxxxx"']);
});
