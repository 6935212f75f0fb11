/** Files that an import reads: how large they may be, and what is in them. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isJsonObject, parseJson } from '../../../../client/json.ts';
import type { JsonValue } from '../../../../client/json.ts';
import { CommandFailure, EXIT_LOCAL, type Invocation } from '../../../command.ts';
import { shown } from '../names.ts';

/** Largest file, in bytes. */
export const FILE_BYTES_MAX: number = 64 * 1024 * 1024;
/** How deep values may lie in each other. */
export const DEPTH_MAX = 64;
/** Documents in one file. */
export const DOCUMENTS_MAX = 100_000;

/** What a file says is wrong about itself. Never repeats its content. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** A regular file, no longer than it may be. Links are followed only where the user has named one. */
export async function readBytes(path: string, followLinks = true): Promise<Buffer> {
  const flags =
    constants.O_RDONLY | (followLinks ? 0 : constants.O_NOFOLLOW) | constants.O_NONBLOCK;
  const file = await open(path, flags);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new InputError('it is no regular file');
    if (stat.size > FILE_BYTES_MAX)
      throw new InputError(`it is larger than ${FILE_BYTES_MAX} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** The text of a file that the user has named; `-` is standard input. */
export async function readNamed(invocation: Invocation, path: string): Promise<string> {
  if (path === '-') return withoutMark(await invocation.terminal.readInput());
  try {
    return withoutMark(textOf(await readBytes(path)));
  } catch (cause) {
    throw new CommandFailure(EXIT_LOCAL, `${shown(path)} cannot be read: ${causeOf(cause)}`);
  }
}

/** @throws {InputError} */
export function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw new InputError('it is no UTF-8 text');
  return text;
}

/** Some editors begin a text with a byte order mark. */
function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

export function causeOf(cause: unknown): string {
  if (cause instanceof InputError) return cause.message;
  if (cause instanceof Error && 'code' in cause) {
    const code = String(cause.code);
    return code === 'ENOENT'
      ? 'no such file or directory'
      : code === 'ELOOP'
        ? 'it is a link'
        : code;
  }
  return 'it is not what it should be';
}

/** The documents of a text: one, or several behind each other, as a program prints them that is called again and again. */
export function parseJsonDocuments(text: string): JsonValue[] {
  const documents: JsonValue[] = [];
  for (const part of splitDocuments(text)) {
    if (documents.length >= DOCUMENTS_MAX)
      throw new InputError(`more than ${DOCUMENTS_MAX} documents`);
    try {
      documents.push(parseJson(part));
    } catch {
      throw new InputError(`document ${documents.length + 1} is no JSON`);
    }
  }
  return documents;
}

/** Cuts where the outermost bracket closes. What is no bracket outside goes to the parser as it is. */
function* splitDocuments(text: string): Generator<string> {
  let depth = 0;
  let start = 0;
  let inText = false;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (inText) {
      if (char === '\\') index += 1;
      else if (char === '"') inText = false;
    } else if (char === '"') inText = true;
    else if (char === '{' || char === '[') {
      depth += 1;
      if (depth > DEPTH_MAX) throw new InputError(`more than ${DEPTH_MAX} levels`);
    } else if (char === '}' || char === ']') {
      depth -= 1;
      if (depth > 0) continue;
      yield text.slice(start, index + 1);
      start = index + 1;
      depth = 0;
    }
  }
  if (text.slice(start).trim() !== '') yield text.slice(start);
}

/** @throws {InputError} something lies too deep */
export function assertDepth(value: JsonValue, depth = 1): void {
  if (depth > DEPTH_MAX) throw new InputError(`more than ${DEPTH_MAX} levels`);
  const inner = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
  for (const one of inner) assertDepth(one, depth + 1);
}
