/**
 * The request target of Azure's APIs in one canonical form. Clients percent-encode names of parameters (`api%2Dversion`), end
 * paths with a slash for "the newest version", begin one with two, and end another in a bare `?`.
 */
import { AzureError } from './errors.ts';

export interface Target {
  /** Decoded segments without empty ones; a name is never empty. */
  readonly segments: readonly string[];
  /** Decoded parameters; names in lower case, the first of several values. */
  readonly query: ReadonlyMap<string, string>;
}

const TARGET_LENGTH_MAX = 8192;
const PARAMETERS_MAX = 64;
const SEGMENTS_MAX = 12;
/** Nothing that a name, version or tenant of this API may hold is outside this. */
const SEGMENT = /^[\w.\-~@:$!()*,;=+ ]{1,256}$/;

function wrong(): AzureError {
  return new AzureError(400, 'BadParameter', 'The request target is not valid.');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong();
  }
}

/** @throws {AzureError} */
export function parseTarget(target: string): Target {
  if (!target.startsWith('/') || target.length > TARGET_LENGTH_MAX) throw wrong();
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.length > SEGMENTS_MAX) throw wrong();
  const decoded = segments.map((segment) => {
    const text = decode(segment);
    if (!SEGMENT.test(text) || text === '.' || text === '..') throw wrong();
    return text;
  });
  return {
    segments: decoded,
    query: parseQuery(question < 0 ? '' : target.slice(question + 1)),
  };
}

function parseQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  const pairs = text.split('&', PARAMETERS_MAX + 1);
  if (pairs.length > PARAMETERS_MAX) throw wrong();
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals)).toLowerCase();
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1).replaceAll('+', ' '));
    if (!query.has(name)) query.set(name, value);
  }
  return query;
}

/** `application/x-www-form-urlencoded` fields; names as sent. @throws {AzureError} */
export function parseForm(text: string): ReadonlyMap<string, string> {
  const form = new Map<string, string>();
  const pairs = text.split('&', PARAMETERS_MAX + 1);
  if (pairs.length > PARAMETERS_MAX) throw wrong();
  for (const pair of pairs) {
    if (pair === '') continue;
    const [name = '', ...rest] = pair.replaceAll('+', ' ').split('=');
    const key = decode(name);
    if (!form.has(key)) form.set(key, decode(rest.join('=')));
  }
  return form;
}
