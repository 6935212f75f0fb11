/** Parses templates in the language of Go's text/template into trees. */
import { cut, TemplateError, type Delimiters, type Token } from './lex.ts';

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipe: Pipe; readonly line: number }
  | Branch
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly pipe: Pipe | undefined;
      readonly line: number;
    }
  | { readonly kind: 'break' | 'continue'; readonly line: number };

export interface Branch {
  readonly kind: 'if' | 'with' | 'range';
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
  readonly line: number;
}

/** `$a, $b := first | second`: each command gets the result of the one before as its last argument. */
export interface Pipe {
  readonly variables: readonly string[];
  /** `=` instead of `:=`: a variable that is there already. */
  readonly assigns: boolean;
  readonly commands: readonly (readonly Operand[])[];
}

export type Operand =
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'dot'; readonly fields: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly fields: readonly string[] };

export interface Template {
  readonly body: readonly Node[];
  /** Templates defined in it, by name. */
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}

/** Deepest nesting of blocks and parentheses. */
const DEPTH_MAX = 64;

interface Step {
  readonly text?: string;
  readonly tokens?: readonly Token[];
  readonly line: number;
}

/** @throws {TemplateError} */
export function parseTemplate(
  source: string,
  delimiters: Delimiters = { left: '{{', right: '}}' },
): Template {
  const steps = cut(source, delimiters).map((piece): Step =>
    piece.kind === 'text'
      ? { text: piece.text, line: 0 }
      : { tokens: piece.tokens, line: piece.line },
  );
  const parser = new Parser(steps);
  const body = parser.block([], 0).nodes;
  return { body, defined: parser.defined };
}

class Parser {
  readonly #steps: readonly Step[];
  #at = 0;
  #loops = 0;
  readonly defined = new Map<string, readonly Node[]>();

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** Nodes up to one of `ends` (`else`, `end`), whose tokens come back too; the end of all when there are none. */
  block(
    ends: readonly string[],
    depth: number,
  ): { nodes: Node[]; end: Tokens | undefined; line: number } {
    if (depth > DEPTH_MAX) throw new TemplateError('blocks are nested too deeply');
    const nodes: Node[] = [];
    let line = 0;
    while (this.#at < this.#steps.length) {
      const step = this.#steps[this.#at++];
      if (step === undefined) break;
      if (step.tokens === undefined) {
        nodes.push({ kind: 'text', text: step.text ?? '' });
        continue;
      }
      ({ line } = step);
      const tokens = new Tokens(step.tokens, line);
      const keyword = tokens.keyword();
      if (keyword === 'else' || keyword === 'end') {
        if (!ends.includes(keyword)) throw new TemplateError(`line ${line}: unexpected ${keyword}`);
        tokens.take();
        return { nodes, end: tokens, line };
      }
      const node = this.#node(keyword, tokens, depth);
      if (node !== undefined) nodes.push(node);
    }
    if (ends.length > 0) throw new TemplateError(`line ${line}: a block has no end`);
    return { nodes, end: undefined, line };
  }

  #node(keyword: string | undefined, tokens: Tokens, depth: number): Node | undefined {
    const { line } = tokens;
    switch (keyword) {
      case 'if':
      case 'with':
      case 'range':
        tokens.take();
        return this.#branch(keyword, tokens, depth);
      case 'define':
        this.#define(tokens, depth);
        return undefined;
      case 'block': {
        const { name, pipe } = this.#define(tokens, depth);
        return { kind: 'call', name, pipe, line };
      }
      case 'template': {
        tokens.take();
        const name = tokens.name();
        const pipe = tokens.done ? undefined : tokens.pipe();
        tokens.end();
        return { kind: 'call', name, pipe, line };
      }
      case 'break':
      case 'continue':
        tokens.take();
        tokens.end();
        if (this.#loops === 0) throw new TemplateError(`line ${line}: ${keyword} outside a range`);
        return { kind: keyword, line };
      default: {
        const pipe = tokens.pipe();
        tokens.end();
        return { kind: 'print', pipe, line };
      }
    }
  }

  #define(tokens: Tokens, depth: number): { name: string; pipe: Pipe | undefined } {
    tokens.take();
    const name = tokens.name();
    const pipe = tokens.done ? undefined : tokens.pipe();
    tokens.end();
    const { nodes, end } = this.block(['end'], depth + 1);
    end?.end();
    this.defined.set(name, nodes);
    return { name, pipe };
  }

  #branch(kind: Branch['kind'], tokens: Tokens, depth: number): Branch {
    const { line } = tokens;
    const pipe = tokens.pipe();
    tokens.end();
    if (kind === 'range') this.#loops++;
    const body = this.block(['else', 'end'], depth + 1);
    if (kind === 'range') this.#loops--;
    const { end } = body;
    let otherwise: readonly Node[] = [];
    if (end !== undefined && end.wasElse) {
      const more = end.keyword();
      if (more === 'if' || more === 'with') {
        end.take();
        otherwise = [this.#branch(more, end, depth + 1)];
      } else {
        end.end();
        const rest = this.block(['end'], depth + 1);
        rest.end?.end();
        otherwise = rest.nodes;
      }
    } else end?.end();
    return { kind, pipe, body: body.nodes, otherwise, line };
  }
}

const KEYWORDS = new Set([
  'if',
  'else',
  'end',
  'with',
  'range',
  'define',
  'block',
  'template',
  'break',
  'continue',
]);
const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['nil', null],
]);

/** The tokens of one action, read from the left. */
class Tokens {
  readonly #tokens: readonly Token[];
  readonly line: number;
  #at = 0;

  constructor(tokens: readonly Token[], line: number) {
    this.#tokens = tokens;
    this.line = line;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** The action began with `else`. */
  get wasElse(): boolean {
    return this.#tokens[0]?.value === 'else' && this.#tokens[0].kind === 'word';
  }

  keyword(): string | undefined {
    const token = this.#peek();
    return token?.kind === 'word' && KEYWORDS.has(token.value) ? token.value : undefined;
  }

  take(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw this.#wrong('more is expected');
    return token;
  }

  name(): string {
    const token = this.take();
    if (token.kind !== 'text') throw this.#wrong('a template’s name is a text');
    return token.value;
  }

  end(): void {
    if (!this.done) throw this.#wrong(`unexpected ${this.#peek()?.kind ?? 'end'}`);
  }

  pipe(depth = 0): Pipe {
    if (depth > DEPTH_MAX) throw this.#wrong('parentheses are nested too deeply');
    const { variables, assigns } = this.#declaration();
    const commands: Operand[][] = [];
    do {
      const command = this.#command(depth);
      if (command.length === 0) throw this.#wrong('a command is missing');
      commands.push(command);
    } while (this.#takeSign('|'));
    return { variables, assigns, commands };
  }

  #declaration(): { variables: string[]; assigns: boolean } {
    const none = { variables: [], assigns: false };
    const [first, second, third, fourth] = this.#tokens.slice(this.#at, this.#at + 4);
    if (first?.kind !== 'variable' || second?.kind !== 'sign') return none;
    if (second.value === ':=' || second.value === '=') {
      this.#at += 2;
      return { variables: [first.value], assigns: second.value === '=' };
    }
    const two = second.value === ',' && third?.kind === 'variable' && fourth?.kind === 'sign';
    if (!two || (fourth.value !== ':=' && fourth.value !== '=')) return none;
    this.#at += 4;
    return { variables: [first.value, third.value], assigns: fourth.value === '=' };
  }

  #command(depth: number): Operand[] {
    const operands: Operand[] = [];
    for (;;) {
      const token = this.#peek();
      if (token === undefined) return operands;
      if (token.kind === 'sign' && (token.value === '|' || token.value === ')')) return operands;
      operands.push(this.#operand(depth));
    }
  }

  #operand(depth: number): Operand {
    const token = this.take();
    switch (token.kind) {
      case 'text':
        return { kind: 'constant', value: token.value };
      case 'number':
        return { kind: 'constant', value: Number(token.value) };
      case 'word': {
        const constant = CONSTANTS.get(token.value);
        if (constant !== undefined) return { kind: 'constant', value: constant };
        if (KEYWORDS.has(token.value)) throw this.#wrong(`unexpected ${token.value}`);
        return { kind: 'function', name: token.value };
      }
      case 'field':
        return { kind: 'dot', fields: [token.value, ...this.#fields()] };
      case 'variable':
        return { kind: 'variable', name: token.value, fields: this.#fields() };
      default:
        if (token.value === '.') return { kind: 'dot', fields: [] };
        if (token.value !== '(') throw this.#wrong(`unexpected ${token.value}`);
    }
    const pipe = this.pipe(depth + 1);
    if (!this.#takeSign(')')) throw this.#wrong('a parenthesis is not closed');
    return { kind: 'pipe', pipe, fields: this.#fields() };
  }

  /** `.a.b` directly behind an operand. */
  #fields(): string[] {
    const fields: string[] = [];
    for (let token = this.#peek(); token?.kind === 'field' && !token.apart; token = this.#peek()) {
      fields.push(token.value);
      this.#at++;
    }
    return fields;
  }

  #takeSign(sign: string): boolean {
    const token = this.#peek();
    if (token?.kind !== 'sign' || token.value !== sign) return false;
    this.#at++;
    return true;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #wrong(problem: string): TemplateError {
    return new TemplateError(`line ${this.line}: ${problem}`);
  }
}
