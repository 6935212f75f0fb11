/** Cuts a template into text and actions, and an action into tokens (the lexical grammar of Go's text/template). */

/** A template that cannot be read or rendered. The message names the line and never a secret's value. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

export interface Delimiters {
  readonly left: string;
  readonly right: string;
}

export interface Token {
  readonly kind: 'word' | 'field' | 'variable' | 'text' | 'number' | 'sign';
  /** The name, the unquoted text, the digits or the sign itself. */
  readonly value: string;
  /** Whether blank space stands before it: `.a .b` are two operands, `.a.b` is one. */
  readonly apart: boolean;
}

/** Text as it is, or the tokens of one action. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly line: number };

/** Largest template read. */
export const TEMPLATE_CHARS_MAX: number = 4 * 1024 * 1024;

const SPACE = new Set([' ', '\t', '\r', '\n']);
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['\\', '\\'],
  ['"', '"'],
  ["'", "'"],
  ['a', '\u0007'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
]);
/** Digits of `\xHH`, `\uHHHH` and `\UHHHHHHHH`. */
const CODE_DIGITS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

/** @throws {TemplateError} */
export function cut(source: string, { left, right }: Delimiters): Piece[] {
  if (source.length > TEMPLATE_CHARS_MAX) throw new TemplateError('the template is too long');
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  let line = 1;
  const text = (until: number, trimEnd: boolean): void => {
    let part = source.slice(at, until);
    line += part.split('\n').length - 1;
    if (trimNext) part = part.trimStart();
    if (trimEnd) part = part.trimEnd();
    if (part !== '') pieces.push({ kind: 'text', text: part });
  };
  for (;;) {
    const open = source.indexOf(left, at);
    if (open < 0) break;
    let from = open + left.length;
    const trimsBefore = source[from] === '-' && SPACE.has(source[from + 1] ?? '');
    text(open, trimsBefore);
    if (trimsBefore) from += 2;
    const comment = /^\s*\/\*/.exec(source.slice(from, from + COMMENT_START_MAX));
    const action =
      comment === null
        ? readAction(source, from, right, line)
        : skipComment(source, from + comment[0].length, right, line);
    if (action.tokens !== undefined) {
      pieces.push({ kind: 'action', tokens: action.tokens, line });
    }
    line += source.slice(open, action.end).split('\n').length - 1;
    at = action.end;
    trimNext = action.trims;
  }
  text(source.length, false);
  return pieces;
}

/** How much blank space may stand before a comment. */
const COMMENT_START_MAX = 32;

interface Action {
  readonly tokens: readonly Token[] | undefined;
  readonly end: number;
  /** It ends in ` -}}`: the blank space behind it is left out. */
  readonly trims: boolean;
}

function skipComment(source: string, from: number, right: string, line: number): Action {
  const close = source.indexOf('*/', from);
  if (close < 0) throw new TemplateError(`line ${line}: a comment is not closed`);
  const end = endOfAction(source, skipSpace(source, close + 2), right);
  if (end === undefined) {
    throw new TemplateError(`line ${line}: a comment must be an action of its own`);
  }
  return { tokens: undefined, ...end };
}

function skipSpace(source: string, from: number): number {
  let at = from;
  while (SPACE.has(source[at] ?? '')) at++;
  return at;
}

function endOfAction(
  source: string,
  at: number,
  right: string,
): { end: number; trims: boolean } | undefined {
  if (source.startsWith(right, at)) return { end: at + right.length, trims: false };
  const trims = source[at] === '-' && SPACE.has(source[at - 1] ?? '');
  if (trims && source.startsWith(right, at + 1)) return { end: at + 1 + right.length, trims };
  return undefined;
}

function readAction(source: string, from: number, right: string, line: number): Action {
  const tokens: Token[] = [];
  let at = from;
  for (;;) {
    const next = skipSpace(source, at);
    const apart = next > at || tokens.length === 0;
    at = next;
    const end = endOfAction(source, at, right);
    if (end !== undefined) return { tokens, ...end };
    if (at >= source.length) throw new TemplateError(`line ${line}: an action is not closed`);
    const { token, length } = readToken(source, at, apart, line);
    tokens.push(token);
    at += length;
  }
}

const WORD = /[A-Za-z_]\w*/y;
const FIELD = /\.(?:[A-Za-z_]\w*)/y;
const VARIABLE = /\$\w*/y;
const NUMBER =
  /[+-]?(?:0[xX][\da-fA-F]{1,16}|(?:\d{1,32}(?:\.\d{0,32})?|\.\d{1,32})(?:[eE][+-]?\d{1,4})?)/y;

function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

function readToken(
  source: string,
  at: number,
  apart: boolean,
  line: number,
): { token: Token; length: number } {
  const make = (kind: Token['kind'], value: string, length = value.length) => ({
    token: { kind, value, apart },
    length,
  });
  const character = source[at] ?? '';
  if (character === '"') return readQuoted(source, at, apart, line);
  if (character === '`') {
    const close = source.indexOf('`', at + 1);
    if (close < 0) throw new TemplateError(`line ${line}: a raw text is not closed`);
    return make('text', source.slice(at + 1, close), close + 1 - at);
  }
  const variable = match(VARIABLE, source, at);
  if (variable !== undefined) return make('variable', variable);
  const number = match(NUMBER, source, at);
  if (number !== undefined) return make('number', number);
  const field = match(FIELD, source, at);
  if (field !== undefined) return make('field', field.slice(1), field.length);
  const word = match(WORD, source, at);
  if (word !== undefined) return make('word', word);
  if (source.startsWith(':=', at)) return make('sign', ':=');
  if ('.|(),='.includes(character)) return make('sign', character);
  throw new TemplateError(`line ${line}: unexpected character in an action`);
}

function readQuoted(
  source: string,
  start: number,
  apart: boolean,
  line: number,
): { token: Token; length: number } {
  let value = '';
  for (let at = start + 1; at < source.length && source[at] !== '\n'; at++) {
    const character = source[at] ?? '';
    if (character === '"') {
      return { token: { kind: 'text', value, apart }, length: at + 1 - start };
    }
    if (character !== '\\') {
      value += character;
      continue;
    }
    at++;
    const escape = source[at] ?? '';
    const digits = CODE_DIGITS.get(escape);
    const code = digits === undefined ? '' : source.slice(at + 1, at + 1 + digits);
    const simple = ESCAPES.get(escape);
    if (simple !== undefined) value += simple;
    else if (digits !== undefined && code.length === digits && /^[\da-fA-F]+$/.test(code)) {
      const point = Number.parseInt(code, 16);
      if (point > 0x10_ff_ff) break;
      value += String.fromCodePoint(point);
      at += digits;
    } else break;
  }
  throw new TemplateError(`line ${line}: a text is not closed, or has an unknown escape`);
}
