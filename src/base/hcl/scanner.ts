/**
 * Splits HCL 1 text into tokens, in one pass. The lexical rules are those of HCL 1 as policies and server configurations use
 * it: `#`, `//` and block comments, quoted strings with C escapes in which `${…}` is left alone, heredocs, identifiers with
 * dots and dashes, decimal, octal, hexadecimal and floating numbers.
 */
import { HclError } from './ast.ts';
import type { Comment, Position } from './ast.ts';
import {
  digitValue,
  isDecimal,
  isIdentifierPart,
  isLetter,
  isLetterOrDigit,
} from './characters.ts';
import { closesHeredoc, joinLines, unindent } from './heredoc.ts';

export type TokenKind =
  | 'EOF'
  | 'IDENT'
  | 'STRING'
  | 'HEREDOC'
  | 'NUMBER'
  | 'FLOAT'
  | 'BOOL'
  | 'LBRACE'
  | 'RBRACE'
  | 'LBRACK'
  | 'RBRACK'
  | 'COMMA'
  | 'ASSIGN'
  | 'PERIOD'
  | 'ADD'
  | 'SUB';

export interface Token {
  readonly kind: TokenKind;
  readonly position: Position;
  /** As written; for strings and heredocs the value. */
  readonly text: string;
  readonly endLine: number;
}

const PUNCTUATION: ReadonlyMap<string, TokenKind> = new Map([
  ['{', 'LBRACE'],
  ['}', 'RBRACE'],
  ['[', 'LBRACK'],
  [']', 'RBRACK'],
  [',', 'COMMA'],
  ['=', 'ASSIGN'],
  ['.', 'PERIOD'],
  ['+', 'ADD'],
  ['-', 'SUB'],
]);

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['a', '\u0007'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ['"', '"'],
]);

/** Escapes that take digits: how many, and in which base. */
const DIGIT_ESCAPES: ReadonlyMap<string, { readonly digits: number; readonly base: number }> =
  new Map([
    ['x', { digits: 2, base: 16 }],
    ['u', { digits: 4, base: 16 }],
    ['U', { digits: 8, base: 16 }],
  ]);
const OCTAL = { digits: 3, base: 8 };

export class Scanner {
  readonly #text: string;
  #at = 0;
  // Lines and columns are counted up to #counted only: offsets are asked for in rising order, so that all stays linear.
  #counted = 0;
  #line = 1;
  #column = 1;

  constructor(text: string) {
    // The reference also works on line feeds alone; columns do not change, the carriage return ends its line.
    this.#text = text.replaceAll('\r\n', '\n');
  }

  /** The next token; comments before it go to `comments`. @throws {HclError} */
  next(comments: (comment: Comment) => void): Token {
    for (;;) {
      this.#skipWhitespace();
      const char = this.#text[this.#at];
      if (char !== '#' && char !== '/') return this.#token(char);
      comments(this.#comment(char));
    }
  }

  #skipWhitespace(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) return;
    }
  }

  #positionOf(offset: number): Position {
    for (; this.#counted < offset; this.#counted++) {
      const code = this.#text.charCodeAt(this.#counted);
      if (code === 0x0a) {
        this.#line++;
        this.#column = 1;
      } else if (code < 0xdc00 || code > 0xdfff) {
        this.#column++;
      }
    }
    return { line: this.#line, column: this.#column };
  }

  #fail(message: string): never {
    throw new HclError(message, this.#positionOf(Math.min(this.#at, this.#text.length)));
  }

  /** The code point at the current place, undefined at the end. */
  #char(): string | undefined {
    const code = this.#text.codePointAt(this.#at);
    return code === undefined ? undefined : String.fromCodePoint(code);
  }

  #finish(kind: TokenKind, position: Position, text: string): Token {
    // The last character, not the one after it: a heredoc ends with its line.
    return { kind, position, text, endLine: this.#positionOf(this.#at - 1).line };
  }

  #token(char: string | undefined): Token {
    const start = this.#at;
    const position = this.#positionOf(start);
    if (char === undefined) return { kind: 'EOF', position, text: '', endLine: position.line };
    if (char === '"') {
      this.#at++;
      const value = this.#string();
      return this.#finish('STRING', position, value);
    }
    if (char === '<') return this.#finish('HEREDOC', position, this.#heredoc());
    const following = this.#text[start + 1];
    if (isDecimal(char) || ((char === '-' || char === '.') && isDecimal(following))) {
      const kind = this.#number();
      return this.#finish(kind, position, this.#text.slice(start, this.#at));
    }
    const punctuation = PUNCTUATION.get(char);
    if (punctuation !== undefined) {
      this.#at++;
      return this.#finish(punctuation, position, char);
    }
    return this.#identifier(position);
  }

  #identifier(position: Position): Token {
    const start = this.#at;
    let char = this.#char();
    if (char === '\0') this.#fail('unexpected null character (0x00)');
    if (char === undefined || !isLetter(char)) this.#fail('illegal char');
    while (char !== undefined && isIdentifierPart(char)) {
      this.#at += char.length;
      char = this.#char();
    }
    const text = this.#text.slice(start, this.#at);
    return this.#finish(text === 'true' || text === 'false' ? 'BOOL' : 'IDENT', position, text);
  }

  #comment(marker: '#' | '/'): Comment {
    const start = this.#at;
    const position = this.#positionOf(start);
    const second = this.#text[start + 1];
    if (marker === '/' && second === '*') {
      const close = this.#text.indexOf('*/', start + 2);
      if (close < 0) this.#fail('comment not terminated');
      this.#at = close + 2;
      const endLine = this.#positionOf(this.#at).line;
      return { text: this.#text.slice(start, this.#at), position, endLine };
    }
    if (marker === '/' && second !== '/') this.#fail("expected '/' for comment");
    const end = this.#text.indexOf('\n', start);
    this.#at = end < 0 ? this.#text.length : end;
    return {
      text: this.#text.slice(start, this.#at).trimEnd(),
      position,
      endLine: position.line,
    };
  }

  #skipDecimals(): number {
    const start = this.#at;
    while (isDecimal(this.#text[this.#at])) this.#at++;
    return this.#at - start;
  }

  #number(): 'NUMBER' | 'FLOAT' {
    if (this.#text[this.#at] === '-') this.#at++;
    const start = this.#at;
    if (this.#text[start] === '0' && /^[xX]$/.test(this.#text[start + 1] ?? '')) {
      this.#at += 2;
      const first = this.#at;
      while (digitValue(this.#text[this.#at]) < 16) this.#at++;
      if (this.#at === first) this.#fail('illegal hexadecimal number');
      return 'NUMBER';
    }
    this.#skipDecimals();
    let float = false;
    if (this.#text[this.#at] === '.') {
      float = true;
      this.#at++;
      this.#skipDecimals();
    }
    if (this.#text[this.#at] === 'e' || this.#text[this.#at] === 'E') {
      float = true;
      this.#at++;
      if (this.#text[this.#at] === '-' || this.#text[this.#at] === '+') this.#at++;
      if (this.#skipDecimals() === 0) this.#fail('illegal exponent');
    }
    if (!float && this.#text[start] === '0' && /[89]/.test(this.#text.slice(start, this.#at))) {
      this.#fail('illegal octal number');
    }
    return float ? 'FLOAT' : 'NUMBER';
  }

  /** The value of a string whose opening quote is behind us. */
  #string(): string {
    let value = '';
    let plain = this.#at;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char === '\n') this.#fail('literal not terminated');
      if (char === '"') {
        value += this.#text.slice(plain, this.#at++);
        return value;
      }
      if (char === '\0') this.#fail('unexpected null character (0x00)');
      if (char === '\\') {
        value += this.#text.slice(plain, this.#at);
        this.#at++;
        value += this.#escape();
        plain = this.#at;
      } else if (char === '$' && this.#text[this.#at + 1] === '{') {
        this.#skipInterpolation();
      } else {
        this.#at++;
      }
    }
  }

  /** Moves behind the `}` that closes a `${`; quotes and line ends inside belong to it, escapes stay as they are. */
  #skipInterpolation(): void {
    this.#at += 2;
    for (let braces = 1; braces > 0; this.#at++) {
      const char = this.#text[this.#at];
      if (char === undefined) this.#fail('literal not terminated');
      if (char === '\0') this.#fail('unexpected null character (0x00)');
      if (char === '{') braces++;
      else if (char === '}') braces--;
      else if (char === '\\') {
        this.#at++;
        this.#escape();
        this.#at--;
      }
    }
  }

  /** The character that an escape stands for; its backslash is behind us. */
  #escape(): string {
    const char = this.#text[this.#at] ?? '';
    const simple = SIMPLE_ESCAPES.get(char);
    if (simple !== undefined) {
      this.#at++;
      return simple;
    }
    const rule = char >= '0' && char <= '7' && char !== '' ? OCTAL : DIGIT_ESCAPES.get(char);
    if (rule === undefined) this.#fail('illegal char escape');
    if (rule !== OCTAL) this.#at++;
    let code = 0;
    for (let count = 0; count < rule.digits; count++) {
      const digit = digitValue(this.#text[this.#at]);
      if (digit >= rule.base) this.#fail('illegal char escape');
      code = code * rule.base + digit;
      this.#at++;
    }
    // `\x` and octal escapes name bytes: above ASCII they would be half a character.
    const isByte = rule === OCTAL || rule.digits === 2;
    if (isByte ? code > 0x7f : code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      this.#fail('illegal char escape');
    }
    return String.fromCodePoint(code);
  }

  /** The value of `<<MARK` or `<<-MARK` up to the line that holds the mark alone. */
  #heredoc(): string {
    this.#at++;
    if (this.#text[this.#at] !== '<') this.#fail("heredoc expected second '<', didn't see it");
    this.#at++;
    const indented = this.#text[this.#at] === '-';
    if (indented) this.#at++;
    const markStart = this.#at;
    for (let char = this.#char(); char !== undefined && isLetterOrDigit(char);) {
      this.#at += char.length;
      char = this.#char();
    }
    const mark = this.#text.slice(markStart, this.#at);
    if (this.#at >= this.#text.length) this.#fail('heredoc not terminated');
    if (this.#text[this.#at] !== '\n') this.#fail('invalid characters in heredoc anchor');
    if (mark === '') this.#fail('zero-length heredoc anchor');
    this.#at++;
    const lines: string[] = [];
    for (;;) {
      if (this.#at >= this.#text.length) this.#fail('heredoc not terminated');
      const end = this.#text.indexOf('\n', this.#at);
      const line = this.#text.slice(this.#at, end < 0 ? this.#text.length : end);
      if (line.includes('\0')) this.#fail('unexpected null character (0x00)');
      this.#at = end < 0 ? this.#text.length : end + 1;
      if (closesHeredoc(line, mark)) return indented ? unindent(lines, line) : joinLines(lines);
      lines.push(line);
    }
  }
}
