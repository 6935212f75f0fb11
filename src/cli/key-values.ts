/**
 * The `key=value` arguments of write-like commands: `key=@file` and `key=-` read a value, `@file` and `-` read a whole JSON
 * object, `key=\@text` keeps the at sign, and a repeated key makes a list.
 */
import { readFile } from 'node:fs/promises';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '../client/json.ts';
import { CommandFailure, EXIT_LOCAL, type Invocation } from './command.ts';
import { whyNotOpened } from './open-file.ts';
import { plainText } from './render/values.ts';
import { textOfBytes } from './text-input.ts';

/** Where values come from that are not on the command line. */
export interface ValueSources {
  readInput(): Promise<string>;
  readFile(path: string): Promise<string>;
}

class PairError extends Error {
  override readonly name = 'PairError';
}

/** Reads the pairs of an invocation; a bad one ends the command with `context: …`. */
export async function readPairs(
  invocation: Invocation,
  pairs: readonly string[],
  context = 'Failed to parse K=V data',
): Promise<JsonObject> {
  const silent = invocation.flags.boolean('non-interactive');
  try {
    return await parsePairs(pairs, {
      readInput: async () => (silent ? '' : invocation.terminal.readInput()),
      readFile: async (path) => textOfBytes(await readFile(path)),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new CommandFailure(EXIT_LOCAL, `${context}: ${reason}`);
  }
}

/** @throws {Error} naming the pair that cannot be read, but for its value only up to the equals sign. */
export async function parsePairs(
  pairs: readonly string[],
  sources: ValueSources,
): Promise<JsonObject> {
  const result: JsonObject = Object.create(null) as JsonObject;
  let inputUsed = false;
  const readInput = async (): Promise<string> => {
    if (inputUsed) throw new PairError('stdin already consumed');
    inputUsed = true;
    return sources.readInput();
  };
  for (const pair of pairs) {
    if (pair === '') continue;
    try {
      const equals = pair.indexOf('=');
      if (pair === '-') mergeObject(result, await readInput());
      else if (equals === -1 && pair.startsWith('@')) {
        mergeObject(result, await readNamed(sources, pair.slice(1)));
      } else if (equals === -1) throw new PairError('format must be key=value');
      else {
        const value = await readValue(pair.slice(equals + 1), sources, readInput);
        addValue(result, pair.slice(0, equals), value);
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : 'unknown error';
      throw new PairError(`invalid key/value pair ${JSON.stringify(pair)}: ${reason}`);
    }
  }
  return result;
}

async function readValue(
  text: string,
  sources: ValueSources,
  readInput: () => Promise<string>,
): Promise<string> {
  if (text.startsWith('@')) {
    return readNamed(sources, text.slice(1), 'error reading file: ');
  }
  if (text.startsWith('\\@')) return text.slice(1);
  return text === '-' ? readInput() : text;
}

async function readNamed(sources: ValueSources, path: string, context = ''): Promise<string> {
  try {
    return await sources.readFile(path);
  } catch (cause) {
    throw new PairError(`${context}${whyNotOpened(path, cause)}`);
  }
}

function mergeObject(result: JsonObject, text: string): void {
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch {
    throw new PairError(text.trim() === '' ? 'EOF' : 'the input is not valid JSON');
  }
  if (!isJsonObject(value)) throw new PairError('the input is not a JSON object');
  for (const [key, item] of Object.entries(value)) result[key] = item;
}

function addValue(result: JsonObject, key: string, value: string): void {
  const before = result[key];
  if (before === undefined) result[key] = value;
  else result[key] = Array.isArray(before) ? [...before, value] : [before, value];
}

/** Values as strings, for options that are nothing else. */
export function asStrings(object: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key,
      typeof value === 'boolean' ? (value ? '1' : '0') : plainText(value),
    ]),
  );
}

/** Values as query parameters: a list repeats its name. */
export function asQuery(object: JsonObject): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.map(plainText) : [plainText(value)],
    ]),
  );
}
