/** YAML files: documents as JSON values, numbers as they were written. */
import { isJsonObject, parseJson } from '../../../../client/json.ts';
import type { JsonValue } from '../../../../client/json.ts';
import { assertDepth, DOCUMENTS_MAX, InputError } from './input.ts';

/** How often aliases may repeat what they stand for: more is a bomb. */
const ALIASES_MAX = 1_000;

/** @throws {InputError} with a line, never with its text */
export async function parseYaml(text: string): Promise<JsonValue[]> {
  const { parseAllDocuments } = await import('yaml');
  const documents = parseAllDocuments(text, {
    schema: 'core',
    intAsBigInt: true,
    uniqueKeys: true,
    prettyErrors: false,
    logLevel: 'silent',
  });
  if (!Array.isArray(documents)) return [];
  if (documents.length > DOCUMENTS_MAX)
    throw new InputError(`more than ${DOCUMENTS_MAX} documents`);
  return documents.map((document, index) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const line = text.slice(0, error.pos[0]).split('\n').length;
      throw new InputError(`line ${line} is no YAML (${error.code})`);
    }
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: ALIASES_MAX });
    } catch {
      throw new InputError(`document ${index + 1} repeats itself too often`);
    }
    const json = asJson(value, 1);
    assertDepth(json);
    return json;
  });
}

function asJson(value: unknown, depth: number): JsonValue {
  // What holds itself has no end.
  assertDepth(null, depth);
  if (typeof value === 'bigint') return parseJson(value.toString());
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new InputError('a number is infinite, or none');
  }
  if (Array.isArray(value)) return value.map((one: unknown) => asJson(one, depth + 1));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([name, one]): [string, JsonValue] => [
      name,
      asJson(one, depth + 1),
    ]);
    const object = Object.fromEntries(entries);
    if (!isJsonObject(object)) throw new InputError('a map cannot be read');
    return object;
  }
  return value === undefined ? null : (value as string | number | boolean | null);
}
