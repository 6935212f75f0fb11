/** What the expressions of a template work on, and the functions that every template has. */
import { TemplateError } from './tokens.ts';

export type TemplateValue = string | number | boolean;
/** A null-prototype record or one of own names: fields are looked up by the template. */
export type TemplateData = Readonly<Record<string, TemplateValue>>;
export type TemplateFunction = (args: readonly TemplateValue[]) => TemplateValue;
export type TemplateFunctions = Readonly<Record<string, TemplateFunction>>;

export function printed(value: TemplateValue): string {
  return String(value);
}

export function isTrue(value: TemplateValue): boolean {
  return value !== '' && value !== 0 && value !== false;
}

/** Wraps a function of as many arguments as `kinds`, each of that type. */
export function checked(
  kinds: readonly ('string' | 'number')[],
  call: (...args: never[]) => TemplateValue,
): TemplateFunction {
  return (args) => {
    if (args.length !== kinds.length) throw new TemplateError('wrong number of args');
    args.forEach((arg, index) => {
      if (typeof arg !== kinds[index]) throw new TemplateError('wrong type for value');
    });
    return call(...(args as never[]));
  };
}

const VERB = /%(-?)(0?)(\d{0,3})([a-zA-Z%])/g;

/** The verbs of fmt that make sense of text, whole numbers and truth values. */
function sprintf([format, ...args]: readonly TemplateValue[]): string {
  if (typeof format !== 'string') throw new TemplateError('wrong type for value');
  let next = 0;
  return format.replace(VERB, (_all, left: string, zero: string, width: string, verb: string) => {
    if (verb === '%') return '%';
    const value = args[next++];
    if (value === undefined) return `%!${verb}(MISSING)`;
    const text = formatted(verb, value);
    const columns = Number(width);
    if (left === '-') return text.padEnd(columns);
    return text.padStart(columns, zero === '0' ? '0' : ' ');
  });
}

function formatted(verb: string, value: TemplateValue): string {
  if (verb === 's' || verb === 'v' || verb === 'd' || verb === 't') return printed(value);
  if (verb === 'q') return JSON.stringify(printed(value));
  if (verb === 'x' || verb === 'X') {
    const text =
      typeof value === 'number' ? value.toString(16) : Buffer.from(printed(value)).toString('hex');
    return verb === 'X' ? text.toUpperCase() : text;
  }
  throw new TemplateError('this verb of printf is not supported');
}

function compare(test: (order: number) => boolean): TemplateFunction {
  return ([a, b, ...rest]) => {
    if (a === undefined || b === undefined || rest.length > 0) {
      throw new TemplateError('wrong number of args');
    }
    if (typeof a !== typeof b) throw new TemplateError('incompatible types for comparison');
    return test(a < b ? -1 : a > b ? 1 : 0);
  };
}

function some(args: readonly TemplateValue[]): readonly [TemplateValue, ...TemplateValue[]] {
  const [first, ...rest] = args;
  if (first === undefined) throw new TemplateError('wrong number of args');
  return [first, ...rest];
}

export const builtinFunctions: TemplateFunctions = Object.freeze({
  __proto__: null,
  printf: sprintf,
  print: (args: readonly TemplateValue[]) => args.map(printed).join(''),
  println: (args: readonly TemplateValue[]) => `${args.map(printed).join(' ')}\n`,
  len: checked(['string'], (text: string) => Buffer.byteLength(text)),
  not: ([value, ...rest]: readonly TemplateValue[]) => {
    if (value === undefined || rest.length > 0) throw new TemplateError('wrong number of args');
    return !isTrue(value);
  },
  and: (args: readonly TemplateValue[]) =>
    args.find((arg) => !isTrue(arg)) ?? some(args.slice(-1))[0],
  or: (args: readonly TemplateValue[]) => args.find(isTrue) ?? some(args.slice(-1))[0],
  eq: (args: readonly TemplateValue[]) => {
    const [first, second, ...rest] = some(args);
    if (second === undefined) throw new TemplateError('missing argument for comparison');
    return [second, ...rest].includes(first);
  },
  ne: compare((order) => order !== 0),
  lt: compare((order) => order < 0),
  le: compare((order) => order <= 0),
  gt: compare((order) => order > 0),
  ge: compare((order) => order >= 0),
} as unknown as TemplateFunctions);
