/** The key=value arguments. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePairs, type ValueSources } from './key-values.ts';

function sources(input: string, files: Readonly<Record<string, string>> = {}): ValueSources {
  return {
    readInput: async () => input,
    readFile: async (path) => files[path] ?? assert.fail(`reads ${path}`),
  };
}

async function parse(pairs: string[], from: ValueSources = sources('')): Promise<unknown> {
  return JSON.parse(JSON.stringify(await parsePairs(pairs, from))) as unknown;
}

test('pairs split at the first equals sign', async () => {
  assert.deepEqual(await parse(['a=b=c', 'd=', '']), { a: 'b=c', d: '' });
});

test('values are read from files and standard input, or keep their at sign', async () => {
  const from = sources('in\n', { f: 'file\n' });
  assert.deepEqual(await parse(['a=@f', 'b=-', 'c=\\@f', 'd=\\x'], from), {
    a: 'file\n',
    b: 'in\n',
    c: '@f',
    d: '\\x',
  });
});

test('whole objects are merged with pairs', async () => {
  const from = sources('{"b":{"c":[1]}}', { 'x.json': '{"a":1,"n":12345678901234567890}' });
  const merged = await parsePairs(['@x.json', '-', 'd=e'], from);
  assert.equal(JSON.stringify(merged), '{"a":1,"n":12345678901234567890,"b":{"c":[1]},"d":"e"}');
});

test('a repeated key makes a list', async () => {
  assert.deepEqual(await parse(['a=1', 'a=2', 'a=3']), { a: ['1', '2', '3'] });
});

test('keys that JavaScript treats specially are plain keys', async () => {
  const object = await parsePairs(['__proto__=x', 'constructor=y'], sources(''));
  assert.equal(JSON.stringify(object), '{"__proto__":"x","constructor":"y"}');
});

test('mistakes name their pair', async () => {
  const wrong: [string[], RegExp][] = [
    [['ab'], /"ab": format must be key=value/],
    [['a=-', 'b=-'], /"b=-": stdin already consumed/],
    [['-'], /"-": EOF/],
  ];
  for (const [pairs, message] of wrong) await assert.rejects(parse(pairs), message);
  await assert.rejects(parse(['-'], sources('[1]')), /not a JSON object/);
  await assert.rejects(parse(['-'], sources('{bad')), /not valid JSON/);
});
