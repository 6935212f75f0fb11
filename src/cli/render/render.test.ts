/** How values, tables and documents look. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { parseDurationMs } from '../../client/environment.ts';
import { parseJson, type JsonValue } from '../../client/json.ts';
import { formatColumns, formatHeading, formatTable, wrapText } from './columns.ts';
import { jsonText, sortDeep, yamlText } from './documents.ts';
import { goTime } from './secret.ts';
import { longDuration, looksLikeDuration, plainText, quotedList, shortDuration } from './values.ts';

test('columns are aligned, blanks are named, the last one is not padded', () => {
  const rows = [
    ['a', 'bb'],
    ['ccc', ''],
    ['∞', ' d '],
  ];
  assert.equal(formatColumns(rows), 'a      bb\nccc    n/a\n∞      d');
});

test('a table underlines its titles', () => {
  assert.equal(formatTable(['Key', 'Value'], [['k', 'v']]), 'Key    Value\n---    -----\nk      v');
});

test('headings are as wide as what they head', () => {
  assert.equal(formatHeading('Data', 13), '==== Data ====');
  assert.equal(formatHeading('Secret Path', 3), '== Secret Path ==');
});

test('prose breaks at spaces', () => {
  const wrapped = wrapText('word '.repeat(40), 2);
  for (const line of wrapped.split('\n')) assert.ok(line.length <= 78 && line.startsWith('  word'));
});

test('values look as Go prints them', () => {
  const known: [string, string][] = [
    ['null', '<nil>'],
    ['"x y"', 'x y'],
    ['[1,"a",null,[true]]', '[1 a <nil> [true]]'],
    ['{"b":1,"a":{"z":[]}}', 'map[a:map[z:[]] b:1]'],
    ['{}', 'map[]'],
    ['12345678901234567890', '12345678901234567890'],
    ['1.0', '1.0'],
  ];
  for (const [json, text] of known) assert.equal(plainText(parseJson(json)), text);
  assert.equal(quotedList(['a', 'b"c']), '["a" "b\\"c"]');
});

test('durations look as Go prints them, with and without trailing zeros', () => {
  const known: [number, string, string][] = [
    [0, '0s', '0s'],
    [60, '1m0s', '1m'],
    [3_600, '1h0m0s', '1h'],
    [3_661, '1h1m1s', '1h1m1s'],
    [3_601, '1h0m1s', '1h1s'],
    [5_400, '1h30m0s', '1h30m'],
    [2_764_800, '768h0m0s', '768h'],
  ];
  for (const [seconds, long, short] of known) {
    assert.equal(longDuration(seconds * 1_000), long);
    assert.equal(shortDuration(seconds), short);
  }
});

test('a printed duration reads back as itself', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), (milliseconds) => {
      const back = parseDurationMs(longDuration(milliseconds)) ?? Number.NaN;
      assert.ok(Math.abs(back - milliseconds) < 0.001);
    }),
  );
});

test('fields that hold seconds are known by their names', () => {
  for (const key of ['ttl', 'token_ttl', 'lease_duration', 'period', 'ttl_max'])
    assert.ok(looksLikeDuration(key), key);
  for (const key of ['battle', 'ttls', 'max_versions', 'periods'])
    assert.ok(!looksLikeDuration(key), key);
});

test('times look as Go prints them', () => {
  assert.equal(goTime('2026-01-02T03:04:05.678Z'), '2026-01-02 03:04:05.678 +0000 UTC');
  assert.equal(goTime('2026-01-02T03:04:05+02:00'), '2026-01-02 03:04:05 +0200 +0200');
  assert.equal(goTime('yesterday'), 'yesterday');
});

test('JSON escapes what HTML would read, and reads back as itself', () => {
  assert.equal(jsonText({ 2: {}, 10: [] }), '{\n  "10": [],\n  "2": {}\n}');
  assert.equal(jsonText({ a: '<&>' }), '{\n  "a": "\\u003c\\u0026\\u003e"\n}');
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = jsonText(sortDeep(value as JsonValue));
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('YAML reads back as itself, also where a word looks like something else', async () => {
  const tricky: JsonValue = {
    n: 'no',
    yes: 'y',
    number: '1',
    octal: '010',
    empty: '',
    time: '2026-01-02',
    list: ['~', 'null', ': ', '- x', '#'],
    text: 'a\nb\n',
    spaced: ' x ',
    big: parseJson('12345678901234567890'),
  };
  const text = await yamlText(tricky);
  const plain = parse(text, { version: '1.1', intAsBigInt: false }) as {
    list: unknown;
    big: unknown;
  };
  const { big, ...rest } = plain;
  assert.equal(Number(big), Number('12345678901234567890'));
  assert.deepEqual({ ...rest }, JSON.parse(JSON.stringify({ ...tricky, big: undefined })));
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.string()), async (object) => {
      const back = parse(await yamlText(object), { version: '1.1' }) as unknown;
      assert.deepEqual({ ...(back as object) }, { ...object });
    }),
    { numRuns: 50 },
  );
});
