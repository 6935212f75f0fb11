/** JSON and YAML as the reference prints them: two spaces, sorted keys, `<`, `>` and `&` escaped. */
import { isJsonObject, isRawNumber, type JsonValue } from '../../client/json.ts';
import { sortedKeys } from './values.ts';

/** Indented JSON. Objects keep their order here; whoever prints a map sorts it with {@link sortDeep} first. */
export function jsonText(value: JsonValue): string {
  return writeJson(value, '').replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** JSON.stringify would put keys like "10" in the order of their numbers, whatever order they were given in. */
function writeJson(value: JsonValue, indent: string): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => inner + writeJson(item, inner));
    return items.length === 0 ? '[]' : `[\n${items.join(',\n')}\n${indent}]`;
  }
  if (!isJsonObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value);
  // Only maps have numbers for keys, and maps are sorted as texts.
  const ordered = keys.some((key) => /^\d+$/.test(key)) ? sortedKeys(value) : keys;
  const members = ordered.map(
    (key) => `${inner}${JSON.stringify(key)}: ${writeJson(value[key] ?? null, inner)}`,
  );
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`;
}

export async function yamlText(value: JsonValue): Promise<string> {
  const { stringify } = await import('yaml');
  const text = stringify(plainNumbers(value), {
    version: '1.1',
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
    nullStr: 'null',
  });
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** The same value with the keys of every object in order. */
export function sortDeep(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortDeep);
  if (!isJsonObject(value)) return value;
  const sorted: { [key: string]: JsonValue } = Object.create(null) as { [key: string]: JsonValue };
  for (const key of sortedKeys(value)) sorted[key] = sortDeep(value[key] ?? null);
  return sorted;
}

function plainNumbers(value: JsonValue): unknown {
  if (isRawNumber(value)) {
    return /^-?\d+$/.test(value.rawJSON) ? BigInt(value.rawJSON) : Number(value.rawJSON);
  }
  if (Array.isArray(value)) return value.map(plainNumbers);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainNumbers(item)]));
}
