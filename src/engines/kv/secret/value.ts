/** The value of a version as the KV API shows and takes it: a JSON object. */
import { isJsonObject, parseJson } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import type { NewVersion, Version } from './secret.ts';

/** Name under which a value that is no JSON object appears. */
const VALUE_NAME = 'value';

/** The bytes that are stored for an object written through the KV API: its compact JSON text, numbers as they came. */
export function encodeObject(object: Readonly<JsonObject>): Buffer {
  return Buffer.from(JSON.stringify(object));
}

function tryParse(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** A JSON object as it is; any other text as `{"value": text}`, bytes as `{"value": base64}`. */
export function decodeObject(version: Pick<Version, 'form'>, value: Buffer): JsonObject {
  if (version.form === 'binary') return { [VALUE_NAME]: value.toString('base64') };
  const text = value.toString();
  const parsed = tryParse(text);
  if (isJsonObject(parsed)) return parsed;
  return { [VALUE_NAME]: text };
}

/**
 * Stores a patched object in the form that it came in: a plain text that was shown as `{"value": …}` stays a plain text for
 * the other APIs, as long as the object still has that shape.
 */
export function encodePatched(
  before: Version,
  value: Buffer,
  patched: JsonObject,
): { readonly value: Buffer } & Pick<NewVersion, 'form' | 'contentType'> {
  const contentType = before.contentType === undefined ? {} : { contentType: before.contentType };
  const only = patched[VALUE_NAME];
  const isPlain = typeof only === 'string' && Object.keys(patched).length === 1;
  if (isPlain && before.form === 'binary') {
    return { value: Buffer.from(only, 'base64'), form: 'binary', ...contentType };
  }
  if (isPlain && before.form === 'text' && !isJsonObject(tryParse(value.toString()))) {
    return { value: Buffer.from(only), form: 'text', ...contentType };
  }
  return { value: encodeObject(patched) };
}
