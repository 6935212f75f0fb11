/** Functions over texts, lists and numbers, by the names that consul-template gave them. */
import { decodeBase64, decodeBase64Url } from '../../../base/base64.ts';
import { parseJson } from '../../../client/json.ts';
import { TemplateError } from '../lex.ts';
import {
  equal,
  isList,
  isMap,
  listOf,
  numberOf,
  printed,
  textOf,
  typeOf,
  type Value,
  type ValueMap,
} from '../values.ts';
import type { TemplateFunction } from '../evaluate.ts';

const text = (name: string, change: (text: string) => Value): TemplateFunction => {
  return (value) => change(textOf(value, name));
};
const texts = (name: string, change: (...values: string[]) => Value): TemplateFunction => {
  return (...values) => change(...values.map((value) => textOf(value, name)));
};
const numbers = (name: string, change: (a: number, b: number) => number): TemplateFunction => {
  // Written for pipes: `1 | add 2`, `10 | subtract 3` is 7.
  return (b, a) => {
    const whole = [a, b].every((value) => Number.isInteger(numberOf(value, name)));
    const result = change(numberOf(a, name), numberOf(b, name));
    return whole ? Math.trunc(result) : result;
  };
};

function dividing(change: (a: number, b: number) => number): typeof change {
  return (a, b) => {
    if (b === 0) throw new TemplateError('division by zero');
    return change(a, b);
  };
}

/** Longest list that `loop` makes. */
const LOOP_MAX = 100_000;

export const TEXT_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  toLower: text('toLower', (value) => value.toLowerCase()),
  toUpper: text('toUpper', (value) => value.toUpperCase()),
  toTitle: text('toTitle', (value) =>
    value.replaceAll(
      /(^|[^\p{L}\p{N}'_])(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  ),
  trimSpace: text('trimSpace', (value) => value.trim()),
  trim: texts('trim', (set = '', value = '') => trimmed(value, new Set(set))),
  trimPrefix: texts('trimPrefix', (prefix = '', value = '') =>
    value.startsWith(prefix) ? value.slice(prefix.length) : value,
  ),
  trimSuffix: texts('trimSuffix', (suffix = '', value = '') =>
    suffix !== '' && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value,
  ),
  replaceAll: texts('replaceAll', (from = '', to = '', value = '') => value.split(from).join(to)),
  split: texts('split', (separator = '', value = '') =>
    value === '' ? [] : value.split(separator),
  ),
  splitToMap: texts('splitToMap', splitToMap),
  join: (separator, list) => listOf(list, 'join').map(printed).join(textOf(separator, 'join')),
  indent: (spaces, value) => {
    const margin = ' '.repeat(Math.max(0, numberOf(spaces, 'indent')));
    return textOf(value, 'indent').replaceAll(/^(?!$)/gm, margin);
  },
  contains: (wanted, list) => holds(list, wanted),
  in: (list, wanted) => holds(list, wanted),
  containsAll: (wanted, list) => listOf(wanted, 'containsAll').every((one) => holds(list, one)),
  containsAny: (wanted, list) => listOf(wanted, 'containsAny').some((one) => holds(list, one)),
  containsNone: (wanted, list) => !listOf(wanted, 'containsNone').some((one) => holds(list, one)),
  containsNotAll: (wanted, list) =>
    !listOf(wanted, 'containsNotAll').every((one) => holds(list, one)),
  loop: (from, to) => {
    const [start, end] = to === undefined ? [0, from] : [numberOf(from, 'loop'), to];
    const count = numberOf(end, 'loop') - start;
    if (count > LOOP_MAX) throw new TemplateError(`loop makes at most ${LOOP_MAX} turns`);
    return Array.from({ length: Math.max(0, count) }, (_, index) => start + index);
  },
  add: numbers('add', (a, b) => a + b),
  subtract: numbers('subtract', (a, b) => a - b),
  multiply: numbers('multiply', (a, b) => a * b),
  divide: numbers(
    'divide',
    dividing((a, b) => a / b),
  ),
  modulo: numbers(
    'modulo',
    dividing((a, b) => a % b),
  ),
  minimum: numbers('minimum', Math.min),
  maximum: numbers('maximum', Math.max),
  parseInt: text('parseInt', (value) => parsed(value, /^[+-]?\d{1,19}$/, Number, 'parseInt')),
  parseUint: text('parseUint', (value) => parsed(value, /^\d{1,20}$/, Number, 'parseUint')),
  parseFloat: text('parseFloat', (value) => numberOf(value === '' ? 0 : value, 'parseFloat')),
  parseBool: text('parseBool', (value) =>
    parsed(value, /^(?:1|0|t|f|true|false)$/i, (known) => /^[1t]/i.test(known), 'parseBool'),
  ),
  parseJSON: text('parseJSON', (value) => {
    try {
      return value === '' ? {} : parseJson(value);
    } catch {
      throw new TemplateError('parseJSON wants JSON');
    }
  }),
  base64Encode: text('base64Encode', (value) => Buffer.from(value).toString('base64')),
  base64Decode: text('base64Decode', (value) => decoded(decodeBase64(value), 'base64Decode')),
  base64URLEncode: text('base64URLEncode', (value) =>
    Buffer.from(value).toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
  ),
  base64URLDecode: text('base64URLDecode', (value) =>
    decoded(decodeBase64Url(value.replace(/=+$/, '')), 'base64URLDecode'),
  ),
  mergeMap: (over, under) => merged(under, over, false),
  mergeMapWithOverride: (over, under) => merged(under, over, true),
};

function trimmed(value: string, set: ReadonlySet<string>): string {
  const characters = Array.from(value);
  const first = characters.findIndex((character) => !set.has(character));
  const last = characters.findLastIndex((character) => !set.has(character));
  return first < 0 ? '' : characters.slice(first, last + 1).join('');
}

function splitToMap(itemSeparator = '', keySeparator = '', value = ''): ValueMap {
  const map = Object.create(null) as Record<string, Value>;
  for (const item of value.split(itemSeparator)) {
    const at = item.indexOf(keySeparator);
    const [key, member] =
      at < 0 ? [item, ''] : [item.slice(0, at), item.slice(at + keySeparator.length)];
    if (key.trim() !== '') map[key.trim()] = member.trim();
  }
  return map;
}

function holds(list: Value, wanted: Value): boolean {
  if (isList(list)) return list.some((item) => equal(item, wanted));
  if (isMap(list)) return Object.hasOwn(list, textOf(wanted, 'contains'));
  if (list === undefined || list === null) return false;
  return textOf(list, 'contains').includes(textOf(wanted, 'contains'));
}

function parsed<Result>(
  value: string,
  form: RegExp,
  read: (text: string) => Result,
  name: string,
): Result {
  if (!form.test(value)) throw new TemplateError(`${name} cannot read what it was given`);
  return read(value);
}

function decoded(bytes: Buffer | undefined, name: string): string {
  if (bytes === undefined) throw new TemplateError(`${name} wants base64`);
  return bytes.toString('utf8');
}

function merged(under: Value, over: Value, overrides: boolean): ValueMap {
  if (!isMap(under) || !isMap(over)) {
    throw new TemplateError(`mergeMap wants two maps, not ${typeOf(under)} and ${typeOf(over)}`);
  }
  const result = Object.create(null) as Record<string, Value>;
  Object.assign(result, under);
  for (const [key, value] of Object.entries(over)) {
    const there = result[key];
    if (isMap(there) && isMap(value)) result[key] = merged(there, value, overrides);
    else if (overrides || there === undefined) result[key] = value;
  }
  return result;
}
