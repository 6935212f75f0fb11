/** Query strings and form bodies (`application/x-www-form-urlencoded`), read as Go's net/url reads them. */
import type { JsonObject } from '../../base/json.ts';
import { invalidRequest } from '../../model/errors.ts';

/** More parameters than any request of the API has. */
export const PARAMETERS_MAX = 1000;

/** Values by name, in order of appearance. */
export type Parameters = ReadonlyMap<string, readonly string[]>;

export const NO_PARAMETERS: Parameters = new Map();

/** Percent-decoding where `+` is a space; undefined for broken encoding. Bytes that are not UTF-8 become U+FFFD. */
function decodeComponent(text: string): string | undefined {
  if (!text.includes('%')) return text.includes('+') ? text.replaceAll('+', ' ') : text;
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    if (/%(?![0-9a-fA-F]{2})/.test(spaced)) return undefined;
    const bytes = spaced.replace(/%([0-9a-fA-F]{2})/g, (_match, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return Buffer.from(bytes, 'latin1').toString('utf8');
  }
}

/**
 * Parses `a=1&b=2&a=3`. A pair with broken percent-encoding or a `;` is left out, as Go does.
 * @throws {RequestError} 400 when there are more than {@link PARAMETERS_MAX}
 */
export function parseParameters(text: string): Parameters {
  if (text === '') return NO_PARAMETERS;
  const parameters = new Map<string, string[]>();
  const pairs = text.split('&', PARAMETERS_MAX + 1);
  if (pairs.length > PARAMETERS_MAX) throw invalidRequest('too many parameters');
  for (const pair of pairs) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const name = decodeComponent(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decodeComponent(pair.slice(equals + 1));
    if (name === undefined || value === undefined) continue;
    const values = parameters.get(name);
    if (values === undefined) parameters.set(name, [value]);
    else values.push(value);
  }
  return parameters;
}

/** Parameters as request data: one value is text, several are a list. */
export function queryData(parameters: Parameters, consumed: ReadonlySet<string>): JsonObject {
  const data = Object.create(null) as JsonObject;
  for (const [name, values] of parameters) {
    if (consumed.has(name)) continue;
    data[name] = values.length === 1 ? (values[0] ?? '') : [...values];
  }
  return data;
}

/** Fields of a form as request data: several values of a name are joined by commas. */
export function formData(parameters: Parameters): JsonObject {
  const data = Object.create(null) as JsonObject;
  for (const [name, values] of parameters) data[name] = values.join(',');
  return data;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

/** Go's strconv.ParseBool; undefined for any other text. */
export function parseBool(text: string): boolean | undefined {
  return BOOLEANS.get(text);
}
