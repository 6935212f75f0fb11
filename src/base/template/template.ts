/**
 * The subset of Go's text/template that names of accounts are made with: text, fields, pipelines, calls, brackets, if/else. A
 * template is compiled once; what its functions are is the caller's.
 */
import { TemplateError, piecesOf } from './tokens.ts';
import type { Piece, Word } from './tokens.ts';
import { builtinFunctions, isTrue, printed } from './values.ts';
import type { TemplateData, TemplateFunctions, TemplateValue } from './values.ts';

export { TemplateError } from './tokens.ts';
export type { TemplateData, TemplateFunction, TemplateFunctions, TemplateValue } from './values.ts';

export interface Template {
  /** @throws {TemplateError} a function does not like its arguments, a field is not there, or the result is too long */
  execute(data: TemplateData, functions: TemplateFunctions): string;
}

/** Longest result, in characters. */
export const RESULT_LENGTH_MAX = 8192;
const DEPTH_MAX = 32;

type Term =
  | { readonly kind: 'value'; readonly value: TemplateValue }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe };

/** Commands, each of which gets the result of the one before it as its last argument. */
type Pipe = readonly (readonly Term[])[];

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipe: Pipe }
  | {
      readonly kind: 'if';
      readonly branches: readonly {
        readonly pipe: Pipe | undefined;
        readonly nodes: readonly Node[];
      }[];
    };

/**
 * Compiles a template.
 * @param names functions that will be there beside the built-in ones
 * @throws {TemplateError}
 */
export function compileTemplate(template: string, names: readonly string[]): Template {
  const known = new Set([...Object.keys(builtinFunctions), ...names]);
  const pieces = piecesOf(template);
  const parser = new Parser(pieces, known);
  const nodes = parser.nodes(0);
  parser.assertEnd();
  return {
    execute(data, functions) {
      const text = render(nodes, { data, functions: { ...builtinFunctions, ...functions } });
      if (text.length > RESULT_LENGTH_MAX) throw new TemplateError('the result is too long');
      return text;
    },
  };
}

class Parser {
  readonly #pieces: readonly Piece[];
  readonly #known: ReadonlySet<string>;
  #at = 0;

  constructor(pieces: readonly Piece[], known: ReadonlySet<string>) {
    this.#pieces = pieces;
    this.#known = known;
  }

  assertEnd(): void {
    if (this.#at < this.#pieces.length) throw new TemplateError('unexpected {{end}} or {{else}}');
  }

  /** Up to the end of the template, or to an `end` or `else`, which is left to the caller. */
  nodes(depth: number): readonly Node[] {
    if (depth > DEPTH_MAX) throw new TemplateError('the template is nested too deeply');
    const nodes: Node[] = [];
    for (;;) {
      const piece = this.#pieces[this.#at];
      if (piece === undefined) return nodes;
      if (piece.kind === 'text') {
        nodes.push(piece);
        this.#at++;
        continue;
      }
      const keyword = keywordOf(piece.words);
      if (keyword === 'end' || keyword === 'else') return nodes;
      this.#at++;
      nodes.push(
        keyword === 'if'
          ? this.#conditional(piece.words, depth)
          : { kind: 'print', pipe: this.#pipeOf(piece.words) },
      );
    }
  }

  #conditional(words: readonly Word[], depth: number): Node {
    const branches: { pipe: Pipe | undefined; nodes: readonly Node[] }[] = [];
    let pipe: Pipe | undefined = this.#pipeOf(words.slice(1));
    for (;;) {
      const nodes = this.nodes(depth + 1);
      branches.push({ pipe, nodes });
      const piece = this.#pieces[this.#at++];
      if (piece?.kind !== 'action')
        throw new TemplateError('unexpected EOF: an {{if}} has no {{end}}');
      if (keywordOf(piece.words) === 'end') return { kind: 'if', branches };
      if (pipe === undefined) throw new TemplateError('{{else}} after {{else}}');
      const rest = piece.words.slice(1);
      pipe = rest.length === 0 ? undefined : this.#pipeOf(rest.slice(1));
      if (rest.length > 0 && keywordOf(rest) !== 'if')
        throw new TemplateError('unexpected word after else');
    }
  }

  #pipeOf(words: readonly Word[]): Pipe {
    const reader = { words, at: 0 };
    const pipe = this.#pipe(reader, 0);
    if (reader.at < words.length) throw new TemplateError('unexpected ) in an action');
    return pipe;
  }

  #pipe(reader: { readonly words: readonly Word[]; at: number }, depth: number): Pipe {
    if (depth > DEPTH_MAX) throw new TemplateError('the template is nested too deeply');
    const commands: Term[][] = [];
    let command: Term[] = [];
    for (;;) {
      const word = reader.words[reader.at];
      if (word === undefined || isMark(word, ')')) break;
      reader.at++;
      if (isMark(word, '|')) {
        if (command.length === 0) throw new TemplateError('missing value for command');
        commands.push(command);
        command = [];
      } else if (isMark(word, '(')) {
        const pipe = this.#pipe(reader, depth + 1);
        if (reader.words[reader.at] === undefined) throw new TemplateError('unclosed left paren');
        reader.at++;
        command.push({ kind: 'pipe', pipe });
      } else {
        command.push(this.#term(word));
      }
    }
    if (command.length === 0) throw new TemplateError('missing value for command');
    return [...commands, command];
  }

  #term(word: Word): Term {
    if (word.kind === 'number') return { kind: 'value', value: word.value };
    if (word.kind === 'string') return { kind: 'value', value: word.text };
    if (word.kind === 'field') return { kind: 'field', path: word.text.split('.').filter(Boolean) };
    if (word.text === 'true' || word.text === 'false')
      return { kind: 'value', value: word.text === 'true' };
    if (!this.#known.has(word.text)) throw new TemplateError('a function is not defined');
    return { kind: 'name', name: word.text };
  }
}

function isMark(word: Word, text: string): boolean {
  return word.kind === 'mark' && word.text === text;
}

const KEYWORDS = new Set(['if', 'else', 'end']);
const UNSUPPORTED = new Set(['range', 'with', 'template', 'define', 'block', 'break', 'continue']);

function keywordOf([first]: readonly Word[]): string | undefined {
  if (first?.kind !== 'name') return undefined;
  if (UNSUPPORTED.has(first.text))
    throw new TemplateError('this action is not supported in a name');
  return KEYWORDS.has(first.text) ? first.text : undefined;
}

interface Scope {
  readonly data: TemplateData;
  readonly functions: TemplateFunctions;
}

function render(nodes: readonly Node[], scope: Scope): string {
  let text = '';
  for (const node of nodes) {
    if (node.kind === 'text') text += node.text;
    else if (node.kind === 'print') text += printed(evaluate(node.pipe, scope));
    else {
      const taken = node.branches.find(
        ({ pipe }) => pipe === undefined || isTrue(evaluate(pipe, scope)),
      );
      if (taken !== undefined) text += render(taken.nodes, scope);
    }
    if (text.length > RESULT_LENGTH_MAX) throw new TemplateError('the result is too long');
  }
  return text;
}

function evaluate(pipe: Pipe, scope: Scope): TemplateValue {
  let value: TemplateValue | undefined;
  for (const command of pipe) {
    const piped: readonly TemplateValue[] = value === undefined ? [] : [value];
    const [first, ...rest] = command;
    if (first?.kind === 'name') {
      const call = scope.functions[first.name];
      if (call === undefined) throw new TemplateError('a function is not defined');
      value = call([...rest.map((term) => valueOf(term, scope)), ...piped]);
    } else {
      if (first === undefined || rest.length + piped.length > 0) {
        throw new TemplateError("can't give argument to non-function");
      }
      value = valueOf(first, scope);
    }
  }
  return value ?? '';
}

function valueOf(term: Term, scope: Scope): TemplateValue {
  if (term.kind === 'value') return term.value;
  if (term.kind === 'pipe') return evaluate(term.pipe, scope);
  if (term.kind === 'name') return evaluate([[term]], scope);
  const [name, ...deeper] = term.path;
  const own = name !== undefined && deeper.length === 0 && Object.hasOwn(scope.data, name);
  const value = own ? scope.data[name] : undefined;
  if (value === undefined) throw new TemplateError('a field does not exist');
  return value;
}
