/** RFC 7396: the vectors of its appendix A, and properties. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../../../base/json.ts';
import type { JsonValue } from '../../../base/json.ts';
import { mergePatch, PATCH_DEPTH_MAX } from './merge-patch.ts';

/** Original, patch, result. */
const VECTORS: readonly [string, string, string][] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', 'null', 'null'],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>;

test('the vectors of RFC 7396', () => {
  for (const [target, patch, result] of VECTORS) {
    const merged = mergePatch(parseJson(target), parseJson(patch));
    assert.equal(JSON.stringify(merged), result, `${target} + ${patch}`);
  }
});

test('arguments stay as they were, and the same patch again changes nothing', () => {
  fc.assert(
    fc.property(json, json, (target, patch) => {
      const before = JSON.stringify([target, patch]);
      const once = mergePatch(target, patch);
      assert.equal(JSON.stringify([target, patch]), before);
      assert.equal(JSON.stringify(mergePatch(once, patch)), JSON.stringify(once));
    }),
  );
});

test('numbers keep their text and __proto__ is a name', () => {
  const merged = mergePatch(
    parseJson('{"n":1.10,"keep":9007199254740993}'),
    parseJson('{"n":2.50,"__proto__":{"polluted":1}}'),
  );
  assert.equal(
    JSON.stringify(merged),
    '{"n":2.50,"keep":9007199254740993,"__proto__":{"polluted":1}}',
  );
  assert.equal((Object.prototype as Record<string, unknown>)['polluted'], undefined);
});

test('a bottomless patch is refused', () => {
  const levels = PATCH_DEPTH_MAX + 2;
  const deep = JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`) as JsonValue;
  assert.throws(() => mergePatch({}, deep), RangeError);
});
