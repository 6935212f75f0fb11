/** The grammar of flags. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlagError, parseFlags, type Flag } from './flags.ts';

const FLAGS: readonly Flag[] = [
  { name: 'field', kind: 'text', usage: '' },
  { name: 'force', aliases: ['f'], kind: 'boolean', usage: '' },
  { name: 'limit', kind: 'integer', usage: '' },
  { name: 'ttl', kind: 'duration', usage: '' },
  { name: 'policy', kind: 'list', usage: '' },
  { name: 'meta', kind: 'map', usage: '' },
];

test('values come after an equals sign or as the next word, with one dash or two', () => {
  for (const argv of [['-field=x'], ['-field', 'x'], ['--field=x'], ['--field', 'x']]) {
    assert.equal(parseFlags(FLAGS, argv).flags.text('field'), 'x');
  }
  assert.equal(parseFlags(FLAGS, ['-field=a=b']).flags.text('field'), 'a=b');
  assert.equal(parseFlags(FLAGS, ['-field', '-force']).flags.text('field'), '-force');
});

test('booleans stand alone or take a value after an equals sign only', () => {
  assert.equal(parseFlags(FLAGS, ['-f']).flags.boolean('force'), true);
  assert.equal(parseFlags(FLAGS, ['-force=false']).flags.boolean('force'), false);
  const { flags, positional } = parseFlags(FLAGS, ['-force', 'false']);
  assert.equal(flags.boolean('force'), true);
  assert.deepEqual(positional, ['false']);
});

test('flags end at the first plain word, at a lone dash and at two dashes', () => {
  assert.deepEqual(parseFlags(FLAGS, ['a', '-force']).positional, ['a', '-force']);
  assert.deepEqual(parseFlags(FLAGS, ['-', '-force']).positional, ['-', '-force']);
  assert.deepEqual(parseFlags(FLAGS, ['--', '-force']).positional, ['-force']);
});

test('the last value counts, lists and maps gather theirs', () => {
  const argv = [
    '-field=a',
    '-field=b',
    '-policy=x',
    '-policy= y ',
    '-meta=k=v',
    '-meta=l=',
    '-ttl=1h',
    '-limit=-3',
  ];
  const { flags } = parseFlags(FLAGS, argv);
  assert.equal(flags.text('field'), 'b');
  assert.deepEqual(flags.list('policy'), ['x', 'y']);
  assert.deepEqual(Array.from(flags.map('meta')), [
    ['k', 'v'],
    ['l', ''],
  ]);
  assert.equal(flags.durationMs('ttl'), 3_600_000);
  assert.equal(flags.integer('limit', 0), -3);
  assert.equal(flags.isSet('force'), false);
});

test('mistakes are told', () => {
  for (const argv of [
    ['-nope'],
    ['-field'],
    ['-force=maybe'],
    ['-limit=many'],
    ['-ttl=soon'],
    ['-meta=x'],
    ['---x'],
    ['-=x'],
  ]) {
    assert.throws(() => parseFlags(FLAGS, argv), FlagError, argv.join(' '));
  }
});

test('asking for an undeclared flag is a programming error', () => {
  assert.throws(() => parseFlags(FLAGS, []).flags.text('nope'), /declares no flag/);
});

test('any text goes through a flag and any words through as arguments', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), (value, words) => {
      const { flags, positional } = parseFlags(FLAGS, [`-field=${value}`, '--', ...words]);
      assert.equal(flags.text('field'), value);
      assert.deepEqual(positional, words);
    }),
  );
});
