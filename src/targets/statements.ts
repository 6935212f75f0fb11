/** The statements of a role: how they are written down, split, and filled with the name and password of an account. */

import type { Credential } from './database.ts';

/** How a database quotes. */
export interface Dialect {
  /** A backslash escapes inside literals. */
  readonly backslash: boolean;
}

/** Longest statement after filling, in characters. */
const STATEMENT_LENGTH_MAX = 65_536;

/**
 * A role's statements as single texts: each may be SQL, a JSON list of SQL, or either of them in base64. Empty ones are no
 * statements.
 */
export function spelledOut(statements: readonly string[]): readonly string[] {
  return statements
    .flatMap(
      (text) =>
        listed(text.trim()) ??
        listed(fromBase64(text.trim())) ?? [fromBase64(text.trim()) ?? text.trim()],
    )
    .map((text) => text.trim())
    .filter((text) => text !== '');
}

function listed(text: string | undefined): string[] | undefined {
  if (text === undefined || !text.startsWith('[')) return undefined;
  try {
    const list = JSON.parse(text) as unknown;
    if (!Array.isArray(list)) return undefined;
    return list.every((item) => typeof item === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

/** SQL has blanks, which base64 has not. */
function fromBase64(text: string): string | undefined {
  if (text.length < 8 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    return undefined;
  const decoded = Buffer.from(text, 'base64').toString();
  return decoded.isWellFormed() && /^[\x20-\x7e\s]+$/.test(decoded) ? decoded : undefined;
}

interface Span {
  /** The quote that the span lies in, or '' outside of any. */
  readonly quote: string;
  readonly text: string;
}

/** Cuts SQL at its quotes and comments, so that what is inside can be told from what is outside. */
function spansOf(sql: string, dialect: Dialect): Span[] {
  const spans: Span[] = [];
  let start = 0;
  let at = 0;
  const cut = (end: number, quote: string): void => {
    if (end > start) spans.push({ quote, text: sql.slice(start, end) });
    start = end;
  };
  while (at < sql.length) {
    const quote = openingAt(sql, at);
    if (quote === undefined) {
      at++;
      continue;
    }
    cut(at, '');
    at = endOfQuote(sql, at, quote, dialect);
    cut(at, quote);
  }
  cut(sql.length, '');
  return spans;
}

/** `'`, `"`, a backtick, `$tag$`, a line comment or a block comment. */
function openingAt(sql: string, at: number): string | undefined {
  const char = sql[at];
  if (char === "'" || char === '"' || char === '`') return char;
  if (char === '-' && sql[at + 1] === '-') return '--';
  if (char === '/' && sql[at + 1] === '*') return '/*';
  if (char !== '$') return undefined;
  const close = sql.indexOf('$', at + 1);
  if (close < 0 || close - at > 64) return undefined;
  const tag = sql.slice(at, close + 1);
  return /^\$(?:[A-Za-z_]\w*)?\$$/.test(tag) ? tag : undefined;
}

function endOfQuote(sql: string, start: number, quote: string, dialect: Dialect): number {
  if (quote === '--') {
    const end = sql.indexOf('\n', start);
    return end < 0 ? sql.length : end + 1;
  }
  if (quote === '/*') {
    const end = sql.indexOf('*/', start + 2);
    return end < 0 ? sql.length : end + 2;
  }
  if (quote.startsWith('$')) {
    const end = sql.indexOf(quote, start + quote.length);
    return end < 0 ? sql.length : end + quote.length;
  }
  for (let at = start + 1; at < sql.length; at++) {
    if (dialect.backslash && sql[at] === '\\' && quote !== '`') at++;
    else if (sql[at] === quote) return at + 1;
  }
  return sql.length;
}

/** `END` as a word of its own ends a body whose semicolons are no ends of statements. */
const BODY_END = /\bEND\b/i;

/** Splits SQL at the semicolons outside of quotes; a text with a body in it stays whole. */
export function splitStatements(sql: string, dialect: Dialect): string[] {
  const spans = spansOf(sql, dialect);
  if (spans.some(({ quote, text }) => quote === '' && BODY_END.test(text))) return [sql];
  const statements: string[] = [];
  let current = '';
  for (const { quote, text } of spans) {
    if (quote === '--' || quote === '/*') {
      current += ' ';
      continue;
    }
    if (quote !== '') {
      current += text;
      continue;
    }
    const [first = '', ...rest] = text.split(';');
    current += first;
    for (const part of rest) {
      statements.push(current);
      current = part;
    }
  }
  return [...statements, current].map((text) => text.trim()).filter((text) => text !== '');
}

/** `2026-11-22 05:31:31+0000`, as the documented statements put it between quotes. */
export function expirationText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')}+0000`;
}

export type Fillings = Readonly<Record<string, string>>;

/** What the statements of a role may ask for of a credential. */
export function credentialFillings(credential: Credential): Fillings {
  if (credential.kind === 'password') return { password: credential.password };
  if (credential.kind === 'rsa_private_key') return { public_key: credential.publicKeyPem };
  return { subject: credential.subject };
}

const PLACE = /\{\{([a-z_]+)\}\}/g;

/**
 * Puts values into the places of a statement. Inside quotes they are written so that they cannot end the quote: a user name
 * or password with a quote in it stays one.
 */
export function filled(sql: string, values: Fillings, dialect: Dialect): string {
  const text = spansOf(sql, dialect)
    .map((span) => fillSpan(span, values, dialect))
    .join('');
  if (text.length > STATEMENT_LENGTH_MAX) throw new RangeError('the statement is too long');
  return text;
}

function fillSpan({ quote, text }: Span, values: Fillings, dialect: Dialect): string {
  return text.replace(PLACE, (place, name: string) => {
    if (!Object.hasOwn(values, name)) return place;
    const value = values[name] ?? '';
    if (quote.startsWith('$')) return escaped(value, "'", dialect).replaceAll(quote, '');
    if (quote === "'" || quote === '"' || quote === '`') return escaped(value, quote, dialect);
    if (quote === '--' || quote === '/*') return '';
    return value;
  });
}

function escaped(value: string, quote: string, dialect: Dialect): string {
  const plain = dialect.backslash && quote !== '`' ? value.replaceAll('\\', '\\\\') : value;
  return plain.replaceAll(quote, quote + quote);
}
