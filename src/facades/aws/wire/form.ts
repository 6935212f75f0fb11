/** Bodies of the query protocol: `Action=GetCallerIdentity&Version=2011-06-15`. */
import { AwsError } from '../errors.ts';

const PARAMETERS_MAX = 200;

function decodedForm(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new AwsError('MalformedQueryString', 'The query string is malformed.');
  }
}

/** @throws {AwsError} it cannot be decoded, or names something twice */
export function parseForm(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decodedForm(equals < 0 ? part : part.slice(0, equals));
    if (found.has(name) || found.size >= PARAMETERS_MAX) {
      throw new AwsError('MalformedQueryString', 'The query string is malformed.');
    }
    found.set(name, equals < 0 ? '' : decodedForm(part.slice(equals + 1)));
  }
  return found;
}
