/** The values of templates: what counts as empty, how they are printed and compared, as Go's text/template does it. */
import { isRawNumber, type RawNumber } from '../../client/json.ts';
import { TemplateError } from './lex.ts';

export type Value =
  | string
  | number
  | boolean
  | null
  | undefined
  | RawNumber
  | readonly Value[]
  | ValueMap
  | Struct;

export type ValueMap = { readonly [key: string]: Value };

/** Something with fixed fields, such as a secret: a field it has not is a mistake, and it is never empty. */
export class Struct {
  readonly fields: ReadonlyMap<string, Value>;

  constructor(fields: Readonly<Record<string, Value>>) {
    this.fields = new Map(Object.entries(fields));
  }
}

/** What Go prints for a key that a map has not. */
export const NO_VALUE = '<no value>';

export function isMap(value: Value): value is ValueMap {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Struct) &&
    !isRawNumber(value)
  );
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Keys in the order in which Go ranges over a map. */
export function sortedKeys(map: ValueMap): string[] {
  return Object.keys(map).sort();
}

/** The member `name` of a map or struct; undefined when a map has none. @throws {TemplateError} */
export function memberOf(value: Value, name: string): Value {
  if (value instanceof Struct) {
    if (!value.fields.has(name)) throw new TemplateError(`there is no field ${name}`);
    return value.fields.get(name);
  }
  if (isMap(value)) return Object.hasOwn(value, name) ? value[name] : undefined;
  if (value === undefined || value === null) {
    throw new TemplateError(`nothing has a field ${name}: what stands before it is missing`);
  }
  throw new TemplateError(`a ${typeOf(value)} has no field ${name}`);
}

export function isTrue(value: Value): boolean {
  if (value === undefined || value === null) return false;
  if (isRawNumber(value)) return Number(value.rawJSON) !== 0;
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return value instanceof Struct || Boolean(value);
}

export function typeOf(value: Value): string {
  if (value === undefined || value === null) return 'nil';
  if (isRawNumber(value)) return 'number';
  if (isList(value)) return 'list';
  if (value instanceof Struct) return 'struct';
  return isMap(value) ? 'map' : typeof value;
}

/** How an action prints it: Go's fmt.Sprint. */
export function printed(value: Value): string {
  if (value === undefined) return NO_VALUE;
  if (value === null) return '<nil>';
  if (typeof value === 'number') return printedNumber(value);
  if (isRawNumber(value)) return value.rawJSON;
  if (isList(value)) return `[${value.map(inner).join(' ')}]`;
  if (value instanceof Struct) return `{${[...value.fields.values()].map(inner).join(' ')}}`;
  if (isMap(value)) {
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${inner(value[key])}`)
      .join(' ')}]`;
  }
  return String(value);
}

function inner(value: Value): string {
  return value === undefined ? '<nil>' : printed(value);
}

/** Beyond this Go's %v takes to exponents. */
const PLAIN_MAX = 1e21;

export function printedNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < PLAIN_MAX) return String(value);
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

export function numberOf(value: Value, what: string): number {
  const number =
    typeof value === 'number'
      ? value
      : isRawNumber(value)
        ? Number(value.rawJSON)
        : typeof value === 'string' && /^[+-]?(?:\d|\.\d)[\d.eE+-]{0,40}$/.test(value)
          ? Number(value)
          : Number.NaN;
  if (Number.isNaN(number))
    throw new TemplateError(`${what} wants a number, not a ${typeOf(value)}`);
  return number;
}

export function textOf(value: Value, what: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || isRawNumber(value)) {
    return printed(value);
  }
  throw new TemplateError(`${what} wants a text, not a ${typeOf(value)}`);
}

export function listOf(value: Value, what: string): readonly Value[] {
  if (isList(value)) return value;
  if (value === undefined || value === null) return [];
  throw new TemplateError(`${what} wants a list, not a ${typeOf(value)}`);
}

/** -1, 0 or 1. @throws {TemplateError} when the two cannot be compared */
export function compare(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  const isNumber = (value: Value): boolean => typeof value === 'number' || isRawNumber(value);
  if (!isNumber(a) || !isNumber(b)) {
    throw new TemplateError(`a ${typeOf(a)} and a ${typeOf(b)} cannot be compared`);
  }
  return Math.sign(numberOf(a, 'a comparison') - numberOf(b, 'a comparison'));
}

export function equal(a: Value, b: Value): boolean {
  if (a === undefined || a === null || b === undefined || b === null) {
    return (a ?? undefined) === (b ?? undefined);
  }
  if (typeof a === 'boolean' && typeof b === 'boolean') return a === b;
  return compare(a, b) === 0;
}

/** Plain data again, for encoding: a struct becomes a map, what is missing becomes null. */
export function plain(value: Value): unknown {
  if (value === undefined || value === null) return null;
  if (isRawNumber(value)) return value;
  if (isList(value)) return value.map(plain);
  const entries =
    value instanceof Struct
      ? [...value.fields]
      : isMap(value)
        ? sortedKeys(value).map((key) => [key, value[key]] as const)
        : undefined;
  if (entries === undefined) return value;
  const object = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of entries) object[key] = plain(member);
  return object;
}
