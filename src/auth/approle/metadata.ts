/** Metadata of a secret id, which comes as text: a JSON object, the same in base64, or `key=value` pairs. */
import { decodeBase64Text } from '../../base/base64-text.ts';
import { isJsonObject, parseJson } from '../../base/json.ts';
import { invalidRequest } from '../../model/errors.ts';

/** One fewer than an alias may have: the role's name is added at login. */
const PAIRS_MAX = 63;
const KEY_LENGTH_MAX = 128;
const VALUE_LENGTH_MAX = 512;
/** Longest text that is looked at. */
const TEXT_LENGTH_MAX = 128 * 1024;

function fromObject(text: string): Map<string, string> | undefined {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const pairs = new Map<string, string>();
  for (const [key, item] of Object.entries(value as object)) {
    if (typeof item !== 'string') return undefined;
    pairs.set(key, item);
  }
  return pairs;
}

function fromPairs(text: string): Map<string, string> | undefined {
  const pairs = new Map<string, string>();
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const key = pair.slice(0, Math.max(equals, 0)).trim();
    if (key === '') return undefined;
    pairs.set(key, pair.slice(equals + 1).trim());
  }
  return pairs;
}

/** @throws {RequestError} invalid_request */
export function parseMetadata(text: string): Readonly<Record<string, string>> {
  if (text.length > TEXT_LENGTH_MAX) throw invalidRequest('the metadata is too large');
  const trimmed = text.trim();
  if (trimmed === '') return {};
  const decoded = decodeBase64Text(trimmed);
  const pairs =
    fromObject(trimmed) ??
    (decoded === undefined ? undefined : (fromObject(decoded) ?? fromPairs(decoded))) ??
    fromPairs(trimmed);
  if (pairs === undefined) {
    throw invalidRequest(
      'failed to parse metadata: failed to parse the input: invalid <key,value> format',
    );
  }
  const tooLarge =
    pairs.size > PAIRS_MAX ||
    [...pairs].some(
      ([key, value]) => key.length > KEY_LENGTH_MAX || value.length > VALUE_LENGTH_MAX,
    );
  if (tooLarge) {
    throw invalidRequest(
      `the metadata may have ${PAIRS_MAX} pairs of ${KEY_LENGTH_MAX} and ${VALUE_LENGTH_MAX} characters at most`,
    );
  }
  // Entries, so that a key such as __proto__ is a key like any other.
  return Object.fromEntries(pairs);
}
