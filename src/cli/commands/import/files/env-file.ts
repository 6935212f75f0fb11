/**
 * `.env` files, in the grammar that their readers agree on: `NAME=value` and `export NAME=value`, `#` comments, values in single
 * quotes or backticks as they are, in double quotes with `\n`, `\r`, `\t`, `\\`, `\"` and `\$`, both over several lines. `$NAME` in a value stays
 * as it is: what it would mean depends on where the file is read.
 */
import { InputError } from './input.ts';

/** Variables of one file. */
const VARIABLES_MAX = 100_000;
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '\\': '\\',
  '"': '"',
  $: '$',
};
const QUOTES = new Set(['"', "'", '`']);

/** A name that stands twice has its last value, as in every reader. @throws {InputError} with the number of the line */
export function parseEnv(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  const lines = text.replaceAll('\r\n', '\n').replaceAll('\r', '\n');
  let at = 0;
  let line = 1;
  while (at < lines.length) {
    const end = endOfLine(lines, at);
    const whole = lines.slice(at, end).trim();
    if (whole === '' || whole.startsWith('#')) {
      at = end + 1;
      line += 1;
      continue;
    }
    const equals = lines.indexOf('=', at);
    if (equals < 0 || equals > end) throw new InputError(`line ${line} is no NAME=value`);
    const name = nameOf(lines.slice(at, equals), line);
    const found = valueAt(lines, equals + 1, line);
    if (variables.size >= VARIABLES_MAX)
      throw new InputError(`more than ${VARIABLES_MAX} variables`);
    variables.set(name, found.value);
    line += found.lines;
    at = found.next;
  }
  return variables;
}

function nameOf(text: string, line: number): string {
  const name = text.trim().replace(/^export[ \t]+/, '');
  if (!NAME.test(name)) throw new InputError(`line ${line} has no name of a variable`);
  return name;
}

interface Found {
  readonly value: string;
  /** Where the next line begins, and how many were passed. */
  readonly next: number;
  readonly lines: number;
}

function valueAt(text: string, from: number, line: number): Found {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at += 1;
  const quote = text[at] ?? '';
  if (QUOTES.has(quote)) return quotedAt(text, at, quote, line);
  const end = endOfLine(text, at);
  // A comment begins behind a space: `a#b` is a value.
  const raw = text.slice(at, end);
  const comment = raw.startsWith('#') ? 0 : raw.search(/[ \t]#/);
  const value = (comment < 0 ? raw : raw.slice(0, comment)).trim();
  return { value, next: end + 1, lines: 1 };
}

function quotedAt(text: string, start: number, quote: string, line: number): Found {
  let value = '';
  let lines = 1;
  let at = start + 1;
  for (; at < text.length && text[at] !== quote; at += 1) {
    const char = text[at] ?? '';
    if (char === '\n') lines += 1;
    const escaped = quote === '"' && char === '\\' ? ESCAPES[text[at + 1] ?? ''] : undefined;
    if (escaped !== undefined) at += 1;
    value += escaped ?? char;
  }
  if (at >= text.length) throw new InputError(`the quotes of line ${line} are not closed`);
  const end = endOfLine(text, at);
  const rest = text.slice(at + 1, end).trim();
  if (rest !== '' && !rest.startsWith('#')) {
    throw new InputError(`line ${line + lines - 1} goes on behind its quotes`);
  }
  return { value, next: end + 1, lines };
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
