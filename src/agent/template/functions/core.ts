/** The functions that Go's text/template has by itself. */
import { TemplateError } from '../lex.ts';
import {
  compare,
  equal,
  isList,
  isMap,
  isTrue,
  memberOf,
  printed,
  textOf,
  typeOf,
  type Value,
} from '../values.ts';
import { formatted } from './format.ts';
import type { TemplateFunction } from '../evaluate.ts';

export const CORE_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  not: (value) => !isTrue(value),
  eq: (first, ...others) => others.some((other) => equal(first, other)),
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  len: lengthOf,
  index: (value, ...keys) => keys.reduce<Value>(indexed, value),
  slice: sliced,
  print: (...values) => sprint(values),
  println: (...values) => `${values.map(printed).join(' ')}\n`,
  printf: (format, ...values) => formatted(textOf(format, 'printf'), values),
  html: (...values) => escapeWith(HTML_ESCAPES, values),
  js: (...values) => escapeWith(JS_ESCAPES, values),
  urlquery: (...values) => encodeURIComponent(sprint(values)).replaceAll('%20', '+'),
};

/** Go puts a space between two values of which neither is a text. */
function sprint(values: readonly Value[]): string {
  let text = '';
  for (const [index, value] of values.entries()) {
    const before = values[index - 1];
    const apart = index > 0 && typeof value !== 'string' && typeof before !== 'string';
    text += (apart ? ' ' : '') + printed(value);
  }
  return text;
}

function lengthOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (isList(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  throw new TemplateError(`a ${typeOf(value)} has no length`);
}

function indexed(value: Value, key: Value): Value {
  if (isList(value) || typeof value === 'string') {
    if (typeof key !== 'number' || !Number.isInteger(key)) {
      throw new TemplateError('the index of a list is a whole number');
    }
    const length = lengthOf(value);
    if (key < 0 || key >= length) throw new TemplateError(`index ${key} is outside of ${length}`);
    return typeof value === 'string' ? Buffer.from(value)[key] : value[key];
  }
  return memberOf(value, textOf(key, 'index'));
}

function sliced(value: Value, from: Value = 0, to?: Value): Value {
  const length = lengthOf(value);
  const start = Number(from);
  const end = to === undefined ? length : Number(to);
  if (!(start >= 0 && start <= end && end <= length)) {
    throw new TemplateError(`slice ${start}:${end} is outside of ${length}`);
  }
  if (isList(value)) return value.slice(start, end);
  if (typeof value !== 'string') throw new TemplateError(`a ${typeOf(value)} cannot be cut`);
  return Buffer.from(value).subarray(start, end).toString('utf8');
}

const HTML_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&#34;'],
  ["'", '&#39;'],
]);
const JS_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['"', '\\"'],
  ['<', '\\u003C'],
  ['>', '\\u003E'],
  ['&', '\\u0026'],
  ['=', '\\u003D'],
]);

function escapeWith(escapes: ReadonlyMap<string, string>, values: readonly Value[]): string {
  return Array.from(sprint(values), (character) => escapes.get(character) ?? character).join('');
}
