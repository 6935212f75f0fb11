/** Custom metadata: a few short texts per secret, within the limits that Vault's clients know. */
import { MismatchError, toText } from '../../../base/coerce.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { invalidRequest } from '../../../model/errors.ts';

const NAMES_MAX = 64;
const NAME_BYTES_MAX = 128;
const TEXT_BYTES_MAX = 512;

type CustomMetadata = Readonly<Record<string, string>>;

/** What Go calls printable: letters, marks, numbers, punctuation, symbols and the plain space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;

function fails(reason: string): never {
  throw invalidRequest(`custom_metadata validation failed: ${reason}`);
}

function assertText(what: string, text: string, bytesMax: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes === 0 || bytes > bytesMax) {
    fails(`length of a ${what} is ${bytes} but must be 0 < length <= ${bytesMax}`);
  }
  if (!PRINTABLE.test(text)) fails(`a ${what} contains unprintable characters`);
}

function assertCount(count: number): void {
  if (count > NAMES_MAX) fails(`at most ${NAMES_MAX} keys are allowed, provided ${count}`);
}

function textOf(value: JsonValue): string {
  try {
    return toText(value);
  } catch (error) {
    if (error instanceof MismatchError) return fails(`a value is no text: ${error.message}`);
    throw error;
  }
}

/** @throws {RequestError} naming the rule that is broken, not the text */
export function readCustomMetadata(raw: JsonObject): CustomMetadata {
  const entries = Object.entries(raw);
  assertCount(entries.length);
  return Object.fromEntries(
    entries.map(([name, value]) => {
      const text = textOf(value);
      assertText('key', name, NAME_BYTES_MAX);
      assertText('value', text, TEXT_BYTES_MAX);
      return [name, text];
    }),
  );
}

/**
 * `current` with the sent members merged in; a member that is null goes, and null as a whole clears everything.
 * @param raw what was sent, undefined = nothing
 * @param members the same, read as a map
 * @throws {RequestError}
 */
export function patchCustomMetadata(
  current: CustomMetadata,
  raw: JsonValue | undefined,
  members: JsonObject | undefined,
): CustomMetadata {
  if (raw === undefined || members === undefined) return current;
  if (raw === null) return {};
  const merged = new Map(Object.entries(current));
  const kept = Object.entries(members).filter(([name, value]) => {
    if (value === null) merged.delete(name);
    // A write takes a number for its text; a merge changes documents, in which they are not the same.
    else if (typeof value !== 'string') fails('a value is no text');
    return value !== null;
  });
  for (const [name, text] of Object.entries(readCustomMetadata(Object.fromEntries(kept)))) {
    merged.set(name, text);
  }
  assertCount(merged.size);
  return Object.fromEntries(merged);
}
