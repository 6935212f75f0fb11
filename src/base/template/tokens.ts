/** Splits a Go template (text/template) into text and the words of its actions. */

export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

export type Word =
  | { readonly kind: 'string' | 'field' | 'name' | 'mark'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number };

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly words: readonly Word[] };

/** Longest template, in characters. */
export const TEMPLATE_LENGTH_MAX = 8192;

const OPEN = '{{';
const CLOSE = '}}';

/** @throws {TemplateError} */
export function piecesOf(template: string): Piece[] {
  if (template.length > TEMPLATE_LENGTH_MAX) throw new TemplateError('the template is too long');
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  while (at < template.length) {
    const open = template.indexOf(OPEN, at);
    let text = template.slice(at, open < 0 ? undefined : open);
    if (trimNext) text = text.trimStart();
    trimNext = false;
    if (open < 0) {
      pieces.push({ kind: 'text', text });
      break;
    }
    let start = open + OPEN.length;
    if (template[start] === '-' && isSpace(template[start + 1])) {
      text = text.trimEnd();
      start += 2;
    }
    if (text !== '') pieces.push({ kind: 'text', text });
    const action = template.startsWith('/*', start)
      ? comment(template, start)
      : wordsFrom(template, start);
    trimNext = action.trims;
    at = action.end;
    if (action.words.length > 0) pieces.push({ kind: 'action', words: action.words });
  }
  return pieces;
}

interface Scanned {
  readonly words: readonly Word[];
  readonly end: number;
  readonly trims: boolean;
}

function comment(template: string, start: number): Scanned {
  const end = template.indexOf('*/', start);
  if (end < 0) throw new TemplateError('unclosed comment');
  let at = end + 2;
  const trims = isSpace(template[at]) && template[at + 1] === '-';
  if (trims) at += 2;
  if (!template.startsWith(CLOSE, at))
    throw new TemplateError('comment ends before closing delimiter');
  return { words: [], end: at + CLOSE.length, trims };
}

function wordsFrom(template: string, start: number): Scanned {
  const words: Word[] = [];
  let at = start;
  for (;;) {
    const char = template[at];
    if (char === undefined) throw new TemplateError('unclosed action');
    if (template.startsWith(CLOSE, at)) {
      if (words.length === 0) throw new TemplateError('missing value for command');
      return { words, end: at + CLOSE.length, trims: false };
    }
    if (isSpace(char)) {
      if (template[at + 1] === '-' && template.startsWith(CLOSE, at + 2)) {
        return { words, end: at + 2 + CLOSE.length, trims: true };
      }
      at++;
    } else if (char === '"') {
      const end = endOfQuoted(template, at);
      words.push({ kind: 'string', text: unquote(template.slice(at, end)) });
      at = end;
    } else if (char === '`') {
      const end = template.indexOf('`', at + 1);
      if (end < 0) throw new TemplateError('unterminated raw quoted string');
      words.push({ kind: 'string', text: template.slice(at + 1, end) });
      at = end + 1;
    } else if (char === '(' || char === ')' || char === '|') {
      words.push({ kind: 'mark', text: char });
      at++;
    } else {
      const end = endOfWord(template, at);
      words.push(wordOf(template.slice(at, end)));
      at = end;
    }
  }
}

function isSpace(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\n' || char === '\r';
}

function endOfQuoted(template: string, start: number): number {
  for (let at = start + 1; at < template.length; at++) {
    if (template[at] === '\\') at++;
    else if (template[at] === '"') return at + 1;
    else if (template[at] === '\n') break;
  }
  throw new TemplateError('unterminated quoted string');
}

/** Go's escapes are those of JSON, but for a few that nobody needs in a name. */
function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    throw new TemplateError('unknown escape in a quoted string');
  }
}

const WORD_END = new Set(['(', ')', '|', '"', '`', '}', '{']);

function endOfWord(template: string, start: number): number {
  let at = start;
  while (at < template.length && !isSpace(template[at]) && !WORD_END.has(template[at] ?? '')) at++;
  if (at === start) throw new TemplateError('unexpected character in an action');
  return at;
}

function wordOf(text: string): Word {
  if (/^-?\d{1,15}$/.test(text)) return { kind: 'number', value: Number(text) };
  if (/^(?:\.|(?:\.[A-Za-z_]\w*)+)$/.test(text)) return { kind: 'field', text };
  if (/^[A-Za-z_]\w*$/.test(text)) return { kind: 'name', text };
  throw new TemplateError('unexpected word in an action');
}
