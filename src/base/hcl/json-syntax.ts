/**
 * Parses the JSON form of HCL to the same tree: every member is an assigned item with one key. Plain RFC 8259 JSON whose
 * root is an object, except that a text which ends before its first value counts as empty, as the reference has it.
 */
import { HCL_LIMITS, HclBudget, HclError } from './ast.ts';
import type {
  HclFile,
  HclLimits,
  HclNode,
  ListElement,
  ListNode,
  ObjectItem,
  ObjectKey,
  ObjectNode,
  Position,
} from './ast.ts';

const NO_COMMENTS = { leadComments: [], lineComment: undefined } as const;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const WORDS = ['true', 'false', 'null'] as const;

class JsonParser {
  readonly #text: string;
  readonly #budget: HclBudget;
  #at = 0;
  #line = 1;
  #column = 1;
  #counted = 0;
  #depth = 0;
  #values = 0;

  constructor(text: string, limits: HclLimits) {
    this.#text = text;
    this.#budget = new HclBudget(limits);
  }

  file(): HclFile {
    const position = this.#position();
    try {
      this.#peek();
      const body = this.#object();
      if (this.#peek() !== undefined) this.#fail('end of the text expected');
      return { syntax: 'json', body };
    } catch (error) {
      const empty = error instanceof HclError && this.#values === 0 && this.#peek() === undefined;
      if (!empty) throw error;
      return {
        syntax: 'json',
        body: { kind: 'object', position, items: [], trailingComments: [] },
      };
    }
  }

  #position(): Position {
    for (; this.#counted < this.#at; this.#counted++) {
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
    throw new HclError(message, this.#position());
  }

  /** The next character that is no white space, undefined at the end. */
  #peek(): string | undefined {
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) break;
    }
    return this.#text[this.#at];
  }

  #expect(char: string): void {
    if (this.#peek() !== char) this.#fail(`${JSON.stringify(char)} expected`);
    this.#at++;
  }

  #enter(open: string): Position {
    const seen = this.#peek();
    const position = this.#position();
    if (seen !== open) this.#fail(`${JSON.stringify(open)} expected`);
    this.#budget.addNode(position);
    this.#budget.assertDepth(++this.#depth, position);
    this.#at++;
    return position;
  }

  #object(): ObjectNode {
    const position = this.#enter('{');
    const items: ObjectItem[] = [];
    for (let more = this.#peek() !== '}'; more;) {
      items.push(this.#member());
      more = this.#peek() === ',';
      if (more) this.#at++;
    }
    this.#expect('}');
    this.#depth--;
    return { kind: 'object', position, items, trailingComments: [] };
  }

  #member(): ObjectItem {
    this.#peek();
    const position = this.#position();
    this.#budget.addNode(position);
    const key: ObjectKey = { name: this.#string(), quoted: true, position };
    this.#expect(':');
    const value = this.#value();
    return { keys: [key], assigned: true, value, endLine: this.#position().line, ...NO_COMMENTS };
  }

  #list(): ListNode {
    const position = this.#enter('[');
    const elements: ListElement[] = [];
    for (let more = this.#peek() !== ']'; more;) {
      elements.push({ value: this.#value(), ...NO_COMMENTS });
      more = this.#peek() === ',';
      if (more) this.#at++;
    }
    this.#expect(']');
    this.#depth--;
    const endLine = this.#position().line;
    return { kind: 'list', position, endLine, elements, trailingComments: [] };
  }

  #value(): HclNode {
    const char = this.#peek();
    const position = this.#position();
    if (char === undefined) this.#fail('a value is expected');
    this.#values++;
    if (char === '{') return this.#object();
    if (char === '[') return this.#list();
    this.#budget.addNode(position);
    if (char === '"') return { kind: 'string', position, value: this.#string(), heredoc: false };
    const word = WORDS.find((candidate) => this.#text.startsWith(candidate, this.#at));
    if (word !== undefined) {
      this.#at += word.length;
      return word === 'null'
        ? { kind: 'null', position }
        : { kind: 'bool', position, value: word === 'true' };
    }
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) this.#fail('a value is expected');
    const text = match[0];
    this.#at += text.length;
    const float = match[1] !== undefined || match[2] !== undefined;
    return { kind: 'number', position, value: Number(text), text, float };
  }

  #string(): string {
    if (this.#peek() !== '"') this.#fail('a string is expected');
    const start = this.#at++;
    for (; this.#text[this.#at] !== '"'; this.#at++) {
      const char = this.#text[this.#at];
      if (char === undefined) this.#fail('string not terminated');
      if (char === '\\') this.#at++;
    }
    this.#at++;
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      return this.#fail('illegal character or escape in a string');
    }
  }
}

/** Parses JSON text whose root is an object. @throws {HclError} */
export function parseJsonSyntax(text: string, limits: HclLimits = HCL_LIMITS): HclFile {
  return new JsonParser(text, limits).file();
}
