/** printf: the verbs of Go's fmt that configuration files use. */
import { isRawNumber } from '../../../client/json.ts';
import { isList, isMap, numberOf, plain, printed, Struct, type Value } from '../values.ts';

const VERB = /%([-+# 0]{0,5})(\d{1,4})?(?:\.(\d{1,3}))?([a-zA-Z%])/g;

/** @throws {TemplateError} when a number is wanted and none is there */
export function formatted(format: string, values: readonly Value[]): string {
  let next = 0;
  const text = format.replaceAll(
    VERB,
    (
      _whole,
      flags: string,
      width: string | undefined,
      precision: string | undefined,
      verb: string,
    ) => {
      if (verb === '%') return '%';
      if (next >= values.length) return `%!${verb}(MISSING)`;
      const value = values[next++];
      const shown = shownBy(verb, value, flags, precision);
      return padded(shown, flags, Number(width ?? 0), typeof value === 'number');
    },
  );
  if (next >= values.length) return text;
  const extra = values.slice(next).map((value) => `${goType(value)}=${printed(value)}`);
  return `${text}%!(EXTRA ${extra.join(', ')})`;
}

function padded(text: string, flags: string, width: number, numeric: boolean): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0') || !numeric) return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

function shownBy(verb: string, value: Value, flags: string, precision: string | undefined): string {
  const digits = precision === undefined ? undefined : Number(precision);
  switch (verb) {
    case 'v':
      return flags.includes('#') ? JSON.stringify(plain(value)) : printed(value);
    case 's':
      return typeof value === 'string' ? value.slice(0, digits) : printed(value);
    case 'q':
      return JSON.stringify(printed(value));
    case 't':
      return typeof value === 'boolean' ? String(value) : wrong(verb, value);
    case 'T':
      return goType(value);
    case 'd':
      return signed(value, verb, flags, (number) => Math.trunc(number).toFixed(0));
    case 'b':
      return signed(value, verb, flags, (number) => number.toString(2));
    case 'o':
      return signed(value, verb, flags, (number) => number.toString(8));
    case 'c':
      return isNumber(value) ? String.fromCodePoint(numberOf(value, '%c')) : wrong(verb, value);
    case 'x':
    case 'X': {
      const hex =
        typeof value === 'string'
          ? Buffer.from(value).toString('hex')
          : signed(value, verb, flags, (number) => number.toString(16));
      return verb === 'X' ? hex.toUpperCase() : hex;
    }
    case 'f':
    case 'F':
      return signed(value, verb, flags, (number) => number.toFixed(digits ?? 6));
    case 'e':
      return signed(value, verb, flags, (number) =>
        number.toExponential(digits ?? 6).replace(/e([+-])(\d)$/, 'e$10$2'),
      );
    case 'g':
      return signed(value, verb, flags, (number) =>
        digits === undefined ? String(number) : String(Number(number.toPrecision(digits || 1))),
      );
    default:
      return wrong(verb, value);
  }
}

function isNumber(value: Value): boolean {
  return typeof value === 'number' || isRawNumber(value);
}

function signed(
  value: Value,
  verb: string,
  flags: string,
  show: (number: number) => string,
): string {
  if (!isNumber(value)) return wrong(verb, value);
  const number = numberOf(value, `%${verb}`);
  const text = show(number);
  return flags.includes('+') && number >= 0 ? `+${text}` : text;
}

/** What Go prints in place of a value that the verb is not for. */
function wrong(verb: string, value: Value): string {
  return `%!${verb}(${goType(value)}=${printed(value)})`;
}

function goType(value: Value): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  if (isRawNumber(value)) return 'json.Number';
  if (typeof value === 'boolean') return 'bool';
  if (isList(value)) return '[]interface {}';
  if (isMap(value)) return 'map[string]interface {}';
  return value instanceof Struct ? 'struct' : 'string';
}
