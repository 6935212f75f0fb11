/** Lossless JSON: numbers keep their text, half surrogates become U+FFFD, hostile names stay ordinary. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  assertJsonLimits,
  isJsonObject,
  isRawNumber,
  isWellFormedJson,
  JsonLimitError,
  parseJson,
  parsePlainJson,
} from './json.ts';

test('numbers come back as they were written', () => {
  const text =
    '{"big":12345678901234567890123,"f":1.10,"e":1e3,"z":-0.0,"i":9007199254740993,"n":-0,"x":[0.1,2.50]}';
  assert.equal(JSON.stringify(parseJson(text)), text);
  assert.ok(isRawNumber(parseJson('5.0')));
  assert.equal(parseJson('5'), 5);
});

test('half a surrogate pair becomes the replacement character, in names too', () => {
  assert.deepEqual(parseJson(String.raw`{"s":"\ud83d\ude00 \ud800","\udc00":[1]}`), {
    s: '\u{1f600} \ufffd',
    '\ufffd': [1],
  });
  assert.equal(parseJson(String.raw`"\\ud800"`), String.raw`\ud800`);
});

test('half a surrogate pair is found wherever it stands, and only it', () => {
  for (const half of ['"\\ud800"', '{"\\uDC00":1}', '[{"a":["x\\udbffy"]}]', '"\\udc00\\ud800"']) {
    assert.equal(isWellFormedJson(half), false, half);
  }
  for (const whole of ['"\\ud83d\\ude00"', '"\\\\ud800"', '"\\u00e9"', '{"a":null,"b":[1,true]}']) {
    assert.equal(isWellFormedJson(whole), true, whole);
  }
});

test('__proto__ is an ordinary name', () => {
  for (const text of ['{"__proto__":{"a":1}}', String.raw`{"__proto__":{"a":1.50},"\ud800":1}`]) {
    const value = parseJson(text);
    assert.ok(isJsonObject(value));
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.ok(Object.hasOwn(value, '__proto__'));
    assert.equal(value['a'], undefined);
  }
});

test('what JSON.stringify writes is read back', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
      const text = JSON.stringify(value);
      assert.equal(JSON.stringify(parseJson(text)), text);
    }),
  );
});

test('JSON that asks for no care is parsed to the same value at once, and any other is left alone', () => {
  const depthMax = 3;
  const check = (text: string): void => {
    const plain = parsePlainJson(text, depthMax);
    if (plain === undefined) return;
    assertJsonLimits(Buffer.from(text), { depthMax, valuesMax: text.length });
    assert.equal(JSON.stringify(plain), JSON.stringify(parseJson(text)));
  };
  for (const text of [
    '{"a":1.0}',
    '[1e3]',
    '-0',
    '{"a":',
    '',
    '["\\ud800"]',
    '[[[[]]]]',
    '[{"a":{"b":{}}}]',
  ]) {
    assert.equal(parsePlainJson(text, depthMax), undefined, text);
  }
  assert.deepEqual(parsePlainJson('[[["1.0",null]]]', depthMax), [[['1.0', null]]]);
  assert.deepEqual(parsePlainJson('{"a":[{"b":17}],"c":"1.0"}', depthMax), {
    a: [{ b: 17 }],
    c: '1.0',
  });
  fc.assert(fc.property(fc.json({ maxDepth: 6 }), check));
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{}",:-0.1e9a '.split('')) }), check),
  );
});

test('limits count nesting and values outside of strings', () => {
  const limits = { depthMax: 2, valuesMax: 4 };
  const check = (text: string): void => assertJsonLimits(Buffer.from(text), limits);
  check(String.raw`{"a":"[[[[{{{{,,,,,\"[[["}`);
  check('[[1,2]]');
  assert.throws(() => check('[[[1]]]'), JsonLimitError);
  assert.throws(() => check('[1,2,3,4,5]'), JsonLimitError);
});
