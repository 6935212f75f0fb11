/**
 * The filter language of lists (AIP-160, the part that Secret Manager documents): `name:db`, `labels.env=prod`,
 * `create_time<2026-01-01`, `replication.automatic:*`, AND, OR, NOT, parentheses; what stands side by side is joined by AND.
 * As there, OR binds closer than AND. No patterns but the star for "is there".
 */
import { StatusError } from '../wire/status.ts';

export type Comparator = ':' | '=' | '!=' | '<' | '<=' | '>' | '>=';

export type Filter =
  | { readonly kind: 'all'; readonly of: readonly Filter[] }
  | { readonly kind: 'any'; readonly of: readonly Filter[] }
  | { readonly kind: 'not'; readonly of: Filter }
  | {
      readonly kind: 'is';
      /** Path of the field; a lone word has the path `name`. */
      readonly field: readonly string[];
      readonly comparator: Comparator;
      readonly value: string;
    };

/** Longest filter, and most parts of one. */
const FILTER_LENGTH_MAX = 4096;
const PARTS_MAX = 200;
const DEPTH_MAX = 20;

interface Token {
  readonly kind: 'text' | 'quoted' | 'comparator' | '(' | ')' | '-';
  readonly text: string;
}

const COMPARATORS: readonly Comparator[] = ['!=', '<=', '>=', ':', '=', '<', '>'];
const RESERVED: ReadonlySet<string> = new Set(['AND', 'OR', 'NOT']);
const SPACE = ' \t\r\n';
const STOP = `${SPACE}()"':=<>!`;

function wrong(why: string): StatusError {
  return new StatusError('INVALID_ARGUMENT', `Invalid filter: ${why}.`);
}

function quotedEnd(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return at;
  }
  throw wrong('a quotation is not closed');
}

/** Inside a value, colons and dashes are ordinary (times, paths). */
function wordEnd(text: string, start: number, isValue: boolean): number {
  let at = start;
  while (at < text.length) {
    const character = text[at] ?? '';
    if (isValue ? `${SPACE}()`.includes(character) : STOP.includes(character)) break;
    at++;
  }
  return at;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text[at] ?? '';
    const comparator = COMPARATORS.find((one) => text.startsWith(one, at));
    const before = found.at(-1)?.kind;
    if (SPACE.includes(character)) at++;
    else if (character === '"' || character === "'") {
      const end = quotedEnd(text, at);
      found.push({ kind: 'quoted', text: text.slice(at + 1, end).replaceAll(/\\(.)/g, '$1') });
      at = end + 1;
    } else if (character === '(' || character === ')') {
      found.push({ kind: character, text: character });
      at++;
    } else if (character === '-' && before !== 'comparator') {
      found.push({ kind: '-', text: character });
      at++;
    } else if (comparator !== undefined && before !== 'comparator') {
      found.push({ kind: 'comparator', text: comparator });
      at += comparator.length;
    } else {
      const end = wordEnd(text, at, before === 'comparator');
      if (end === at) throw wrong('a character is out of place');
      found.push({ kind: 'text', text: text.slice(at, end) });
      at = end;
    }
    if (found.length > PARTS_MAX) throw wrong('it has too many parts');
  }
  return found;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(list: readonly Token[]) {
    this.#tokens = list;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #takesWord(word: string): boolean {
    const next = this.#peek();
    if (next?.kind !== 'text' || next.text !== word) return false;
    this.#at++;
    return true;
  }

  whole(): Filter {
    const filter = this.#all();
    if (this.#at < this.#tokens.length) throw wrong('a part is out of place');
    return filter;
  }

  #all(): Filter {
    const parts: Filter[] = [this.#any()];
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next.kind === ')') break;
      this.#takesWord('AND');
      parts.push(this.#any());
    }
    const [first] = parts;
    return parts.length === 1 && first !== undefined ? first : { kind: 'all', of: parts };
  }

  #any(): Filter {
    const parts: Filter[] = [this.#term()];
    while (this.#takesWord('OR')) parts.push(this.#term());
    const [first] = parts;
    return parts.length === 1 && first !== undefined ? first : { kind: 'any', of: parts };
  }

  #term(): Filter {
    const next = this.#peek();
    if (next?.kind === '-') {
      this.#at++;
      return { kind: 'not', of: this.#term() };
    }
    if (this.#takesWord('NOT')) return { kind: 'not', of: this.#term() };
    if (next?.kind === '(') {
      this.#at++;
      if (++this.#depth > DEPTH_MAX) throw wrong('it is nested too deep');
      const inner = this.#all();
      if (this.#peek()?.kind !== ')') throw wrong('a parenthesis is not closed');
      this.#at++;
      this.#depth--;
      return inner;
    }
    return this.#restriction();
  }

  #restriction(): Filter {
    const field = this.#word();
    const comparator = this.#peek();
    if (comparator?.kind !== 'comparator') {
      return { kind: 'is', field: ['name'], comparator: ':', value: field.text };
    }
    this.#at++;
    if (field.kind !== 'text') throw wrong('a field is missing');
    const value = this.#word();
    return {
      kind: 'is',
      field: field.text.split('.'),
      comparator: comparator.text as Comparator,
      value: value.text,
    };
  }

  #word(): Token {
    const next = this.#peek();
    if (next?.kind !== 'text' && next?.kind !== 'quoted') throw wrong('a word is missing');
    if (next.kind === 'text' && RESERVED.has(next.text)) throw wrong('a word is missing');
    this.#at++;
    return next;
  }
}

/** Undefined for an empty filter: everything matches. @throws {StatusError} */
export function parseFilter(text: string): Filter | undefined {
  if (text.length > FILTER_LENGTH_MAX) throw wrong('it is too long');
  const list = tokens(text);
  return list.length === 0 ? undefined : new Parser(list).whole();
}
