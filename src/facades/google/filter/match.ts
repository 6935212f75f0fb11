/** Whether a resource fits a filter. */
import { parseTime } from '../../../base/time-format.ts';
import { camelCase } from '../wire/schema.ts';
import { StatusError } from '../wire/status.ts';
import type { FieldSpec, Message, MessageSpec } from '../wire/schema.ts';
import type { Comparator, Filter } from './parse.ts';

interface Found {
  readonly type: FieldSpec['type'] | 'key';
  readonly values: readonly unknown[];
}

const NOTHING_FOUND: Found = { type: 'string', values: [] };

function ofMap(
  field: FieldSpec,
  map: ReadonlyMap<string, unknown>,
  rest: readonly string[],
): Found {
  // `labels:env` asks for the key; `labels.env` for its value, and keys may hold dots.
  if (rest.length === 0) return { type: 'key', values: [...map.keys()] };
  const value = map.get(rest.join('.'));
  return value === undefined ? NOTHING_FOUND : { type: field.type, values: [value] };
}

function lookUp(spec: MessageSpec, message: Message, path: readonly string[]): Found {
  const [head = '', ...rest] = path;
  const name = Object.hasOwn(spec, head) ? head : camelCase(head);
  const field = Object.hasOwn(spec, name) ? spec[name] : undefined;
  if (field === undefined)
    throw new StatusError('INVALID_ARGUMENT', 'Invalid filter: unknown field.');
  const value = message[name];
  if (value === undefined) return { ...NOTHING_FOUND, type: field.type };
  if (field.map === true) return ofMap(field, value as ReadonlyMap<string, unknown>, rest);
  const values = field.repeated === true ? (value as readonly unknown[]) : [value];
  if (field.type !== 'message' || rest.length === 0) return { type: field.type, values };
  const inner = field.message?.() ?? {};
  const found = values.map((one) => lookUp(inner, one as Message, rest));
  return { type: found[0]?.type ?? 'string', values: found.flatMap((one) => one.values) };
}

const NUMERIC: ReadonlySet<Found['type']> = new Set(['timestamp', 'duration', 'int32', 'int64']);
const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;

/** Numbers of every kind as numbers, so that they compare; texts without regard to case. */
function comparable(type: Found['type'], value: unknown): string | number {
  return NUMERIC.has(type) ? Number(value) : String(value).toLowerCase();
}

/** The filter's text, read as the field's type. */
function wanted(type: Found['type'], text: string): string | number {
  if (type === 'timestamp') {
    const ms = parseTime(DATE_ONLY.test(text) ? `${text}T00:00:00Z` : text);
    if (ms === undefined) throw new StatusError('INVALID_ARGUMENT', 'Invalid filter: not a time.');
    return ms;
  }
  return NUMERIC.has(type) ? Number(text.replace(/s$/, '')) : text.toLowerCase();
}

type Comparable = string | number;

const COMPARE: Readonly<Record<Comparator, (a: Comparable, b: Comparable) => boolean>> = {
  ':': (a, b) => (typeof a === 'string' ? a.includes(String(b)) : a === b),
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

function fits(filter: Extract<Filter, { kind: 'is' }>, { type, values }: Found): boolean {
  const { value, comparator } = filter;
  if (value === '*' && comparator === ':') return values.length > 0;
  if (type === 'key') return values.includes(value);
  const compare = COMPARE[comparator];
  const right = wanted(type, value);
  const one = (left: unknown): boolean => compare(comparable(type, left), right);
  return comparator === '!=' ? values.every(one) : values.some(one);
}

/** @throws {StatusError} the filter names a field that there is not, or compares it with what it cannot be */
export function matches(filter: Filter, spec: MessageSpec, message: Message): boolean {
  switch (filter.kind) {
    case 'all':
      return filter.of.every((one) => matches(one, spec, message));
    case 'any':
      return filter.of.some((one) => matches(one, spec, message));
    case 'not':
      return !matches(filter.of, spec, message);
    case 'is':
      return fits(filter, lookUp(spec, message, filter.field));
    default:
      return false;
  }
}
