/** Field parsing: the reference's leniency, its refusals, and silence about values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseJson } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { RequestError } from '../../model/errors.ts';
import type { Field, FieldKind } from '../../model/field.ts';
import { fieldWarnings, parseFields } from './fields.ts';

function field(kind: FieldKind, more: Partial<Field> = {}): Field {
  return { kind, description: 'd', ...more };
}

function read(kind: FieldKind, raw: JsonValue): unknown {
  return parseFields({ f: field(kind) }, {}, { f: raw }).values['f'];
}

function refuses(kind: FieldKind, raw: JsonValue): void {
  assert.throws(
    () => read(kind, raw),
    (error) =>
      error instanceof RequestError &&
      error.code === 'invalid_request' &&
      error.message.startsWith('Field validation failed: error converting input for field "f": '),
    `${kind} ${JSON.stringify(raw)}`,
  );
}

const json = (text: string): JsonValue => parseJson(text);

/** What the reference makes of each value (recorded, or read off its conversion rules). */
const ACCEPTED: readonly [FieldKind, JsonValue, unknown][] = [
  ['string', 'a', 'a'],
  ['string', 1, '1'],
  ['string', json('5.0'), '5.0'],
  ['string', json('12345678901234567890'), '12345678901234567890'],
  ['string', true, '1'],
  ['string', null, ''],
  ['lower_string', 'ABc', 'abc'],
  ['bool', true, true],
  ['bool', 'true', true],
  ['bool', 'T', true],
  ['bool', 1, true],
  ['bool', 0, false],
  ['bool', 'f', false],
  ['bool', '', false],
  ['bool', null, false],
  ['int', 5, 5],
  ['int', '5', 5],
  ['int', '-5', -5],
  ['int', '0x10', 16],
  ['int', '010', 8],
  ['int', '', 0],
  ['int', true, 1],
  ['int', null, 0],
  ['float', '1.5', 1.5],
  ['float', json('1e3'), 1000],
  ['duration_seconds', 60, 60],
  ['duration_seconds', '60', 60],
  ['duration_seconds', '1h', 3600],
  ['duration_seconds', '1.5h', 5400],
  ['duration_seconds', '1d', 86_400],
  ['duration_seconds', '1500ms', 1],
  ['duration_seconds', '', 0],
  ['duration_seconds', null, undefined],
  ['signed_duration_seconds', '-1s', -1],
  ['signed_duration_seconds', -1, -1],
  ['comma_string_list', 'a,b ,c', ['a', 'b', 'c']],
  ['comma_string_list', ['a,b'], ['a,b']],
  ['comma_string_list', [1, 2], ['1', '2']],
  ['comma_string_list', '', []],
  ['comma_string_list', null, []],
  ['comma_string_list', 5, ['5']],
  ['string_list', 'a,b', ['a,b']],
  ['string_list', [' a '], ['a']],
  ['string_list', {}, []],
  ['comma_int_list', '1,2', [1, 2]],
  ['comma_int_list', [1, '2'], [1, 2]],
  ['comma_int_list', 3, [3]],
  ['comma_int_list', '', []],
  ['list', 'a', ['a']],
  ['list', null, []],
  ['map', { a: 1 }, { a: 1 }],
  ['map', [], {}],
  ['map', null, {}],
  ['string_map', ['a=b=c', 'd='], { a: 'b=c', d: '' }],
  ['string_map', 'a=b', { a: 'b' }],
  ['string_map', { a: 1, b: true, c: null }, { a: '1', b: '1', c: '' }],
  ['time', '1970-01-01T00:00:01Z', 1000],
  ['time', '2026-11-22T07:31:31.5+02:00', Date.UTC(2026, 10, 22, 5, 31, 31, 500)],
  ['time', 7, 7000],
  ['time', '7', 7000],
  ['any', { a: [1] }, { a: [1] }],
];

const REFUSED: readonly [FieldKind, JsonValue][] = [
  ['string', ['a']],
  ['string', { a: 1 }],
  ['bool', 'yes'],
  ['bool', 'maybe'],
  ['bool', 2],
  ['bool', []],
  ['int', json('5.0')],
  ['int', '5.5'],
  ['int', '09'],
  ['int', 'x'],
  ['int', json('9223372036854775808')],
  ['int', [1]],
  ['float', 'NaN'],
  ['float', '1e999'],
  ['duration_seconds', 60.7],
  ['duration_seconds', '60.5'],
  ['duration_seconds', true],
  ['duration_seconds', []],
  ['duration_seconds', '-1'],
  ['duration_seconds', '1w'],
  ['duration_seconds', '9999999999h'],
  ['comma_string_list', { a: 1 }],
  ['comma_int_list', '1,x'],
  ['comma_int_list', '1, 2'],
  ['map', 'x'],
  ['map', [1]],
  ['string_map', 'v'],
  ['string_map', ['a']],
  ['string_map', ['=a']],
  ['string_map', { a: [1] }],
  ['time', ''],
  ['time', 'yesterday'],
  ['time', '2026-02-30T00:00:00Z'],
];

test('values are read as the reference reads them', () => {
  for (const [kind, raw, value] of ACCEPTED) {
    const got = read(kind, raw);
    const plain = kind === 'string_map' ? { ...(got as object) } : got;
    assert.deepEqual(plain, value, `${kind} ${JSON.stringify(raw)}`);
  }
});

test('values of the wrong kind are refused', () => {
  for (const [kind, raw] of REFUSED) refuses(kind, raw);
});

test('the path wins over the body, and the body over defaults; both are reported', () => {
  const fields = {
    name: field('string'),
    ttl: field('duration_seconds', { default: 30 }),
    note: field('string', { query: true }),
  };
  const data: JsonObject = { name: 'body', zeta: 1, alpha: 2, __proto__: 3 };
  const parsed = parseFields(fields, { name: 'path' }, data, { query: { note: 'q', name: 'q' } });
  assert.deepEqual({ ...parsed.values }, { name: 'path', ttl: 30, note: 'q' });
  assert.deepEqual(parsed.ignored, ['alpha', 'zeta']);
  assert.deepEqual(fieldWarnings(parsed), [
    'Endpoint ignored these unrecognized parameters: [alpha zeta]',
    "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [name]",
  ]);
  assert.deepEqual(fieldWarnings(parseFields(fields, {}, { ttl: '5m' })), []);
  const left = parseFields(fields, {}, { name: 'body', ttl: 1 }, { absent: ['name'] });
  assert.deepEqual({ ...left.values }, { ttl: 1 }, 'what the path left out is not in the body');
  assert.deepEqual(left.replaced, ['name']);
});

test('inherited names are neither fields nor values', () => {
  const parsed = parseFields({ toString: field('string') }, Object.create(null), {});
  assert.equal('toString' in parsed.values, false);
  const hostile = JSON.parse('{"__proto__":{"a":1},"constructor":1}') as JsonObject;
  assert.deepEqual(parseFields({}, {}, hostile).ignored, ['__proto__', 'constructor']);
});

test('required fields are asked for on writes only', () => {
  const fields = { name: field('string', { required: true }) };
  assert.throws(
    () => parseFields(fields, {}, {}, { write: true }),
    /missing required field "name"/,
  );
  assert.deepEqual({ ...parseFields(fields, {}, {}).values }, {});
});

test('a value outside the allowed ones is refused without repeating it', () => {
  const fields = { type: field('string', { allowedValues: ['service', 'batch'] }) };
  assert.equal(parseFields(fields, {}, { type: 'batch' }).values['type'], 'batch');
  assert.throws(
    () => parseFields(fields, {}, { type: 'hunter2' }),
    (error) => error instanceof RequestError && !error.message.includes('hunter2'),
  );
});

const KINDS: readonly FieldKind[] = [...new Set(ACCEPTED.map(([kind]) => kind))];

test('no error repeats what was sent', () => {
  const secret = fc.string({
    unit: fc.constantFrom('Q', 'Z', 'X', 'J'),
    minLength: 8,
    maxLength: 12,
  });
  const value = secret.chain((text) =>
    fc.constantFrom<JsonValue>(
      text,
      [text],
      { [text]: text },
      [{ a: text }],
      `${text}=`,
      `1,${text}`,
    ),
  );
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), value, (kind, raw) => {
      try {
        read(kind, raw);
      } catch (error) {
        assert.ok(error instanceof RequestError);
        assert.doesNotMatch(`${error.message} ${error.detail ?? ''}`, /[QZXJ]{4}/);
      }
    }),
  );
});

test('any JSON is read or refused, never a crash', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), fc.jsonValue(), (kind, raw) => {
      try {
        read(kind, raw as JsonValue);
      } catch (error) {
        assert.ok(error instanceof RequestError);
      }
    }),
  );
});
