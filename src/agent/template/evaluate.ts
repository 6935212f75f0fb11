/** Renders a parsed template. Functions may be asynchronous, since some of them ask the server. */
import { TemplateError } from './lex.ts';
import type { Branch, Node, Operand, Pipe, Template } from './parse.ts';
import {
  isList,
  isMap,
  isTrue,
  memberOf,
  printed,
  sortedKeys,
  typeOf,
  type Value,
} from './values.ts';

export type TemplateFunction = (...values: Value[]) => Value | Promise<Value>;

export interface Rendering {
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  /** A key that a map has not is an error instead of `<no value>`. */
  readonly missingKeyFails: boolean;
}

/** Most characters that one template may produce. */
export const OUTPUT_CHARS_MAX: number = 16 * 1024 * 1024;
/** Most nodes that one rendering visits: a loop over loops ends. */
const STEPS_MAX = 2_000_000;
/** Deepest chain of templates that call templates. */
const CALLS_MAX = 64;

interface Variable {
  readonly name: string;
  value: Value;
}

/** Innermost last; assignments reach through the list that holds the variable. */
type Scope = readonly Variable[];
type Flow = 'on' | 'break' | 'continue';

/** @throws {TemplateError}, and whatever a function throws */
export async function render(
  template: Template,
  rendering: Rendering,
  dot: Value,
): Promise<string> {
  const renderer = new Renderer(template, rendering);
  await renderer.nodes(template.body, dot, [{ name: '$', value: dot }], 0);
  return renderer.output();
}

class Renderer {
  readonly #template: Template;
  readonly #rendering: Rendering;
  readonly #parts: string[] = [];
  #length = 0;
  #steps = 0;

  constructor(template: Template, rendering: Rendering) {
    this.#template = template;
    this.#rendering = rendering;
  }

  output(): string {
    return this.#parts.join('');
  }

  async nodes(nodes: readonly Node[], dot: Value, outer: Scope, calls: number): Promise<Flow> {
    let scope = outer;
    for (const node of nodes) {
      if (++this.#steps > STEPS_MAX)
        throw new TemplateError('the template does not come to an end');
      switch (node.kind) {
        case 'text':
          this.#write(node.text);
          break;
        case 'break':
        case 'continue':
          return node.kind;
        case 'print':
          scope = await this.#at(node.line, () => this.#print(node.pipe, dot, scope));
          break;
        case 'call':
          await this.#at(node.line, () => this.#call(node, dot, scope, calls));
          break;
        default: {
          const flow = await this.#branch(node, dot, scope, calls);
          if (flow !== 'on') return flow;
        }
      }
    }
    return 'on';
  }

  /** Names the line in what goes wrong in it. */
  async #at<Result>(line: number, action: () => Promise<Result>): Promise<Result> {
    try {
      return await action();
    } catch (cause) {
      if (!(cause instanceof TemplateError) || cause.message.startsWith('line ')) throw cause;
      throw new TemplateError(`line ${line}: ${cause.message}`, { cause });
    }
  }

  #write(text: string): void {
    this.#length += text.length;
    if (this.#length > OUTPUT_CHARS_MAX) throw new TemplateError('the output is too long');
    this.#parts.push(text);
  }

  async #print(pipe: Pipe, dot: Value, scope: Scope): Promise<Scope> {
    const value = await this.#pipe(pipe, dot, scope);
    if (pipe.variables.length === 0) {
      this.#write(printed(value));
      return scope;
    }
    return this.#bind(pipe, [value], scope);
  }

  #bind(pipe: Pipe, values: readonly Value[], scope: Scope): Scope {
    const bound = [...scope];
    for (const [index, name] of pipe.variables.entries()) {
      const value = values[index];
      if (!pipe.assigns) bound.push({ name, value });
      else lookup(scope, name).value = value;
    }
    return bound;
  }

  async #call(
    node: Extract<Node, { kind: 'call' }>,
    dot: Value,
    scope: Scope,
    calls: number,
  ): Promise<void> {
    const body = this.#template.defined.get(node.name);
    if (body === undefined) throw new TemplateError(`there is no template "${node.name}"`);
    if (calls >= CALLS_MAX) throw new TemplateError('templates call each other without end');
    const inner = node.pipe === undefined ? undefined : await this.#pipe(node.pipe, dot, scope);
    await this.nodes(body, inner, [{ name: '$', value: inner }], calls + 1);
  }

  async #branch(node: Branch, dot: Value, scope: Scope, calls: number): Promise<Flow> {
    const value = await this.#at(node.line, () => this.#pipe(node.pipe, dot, scope));
    if (node.kind === 'range') return this.#range(node, value, dot, scope, calls);
    if (!isTrue(value)) return this.nodes(node.otherwise, dot, scope, calls);
    const bound = this.#bind(node.pipe, [value], scope);
    return this.nodes(node.body, node.kind === 'with' ? value : dot, bound, calls);
  }

  async #range(node: Branch, value: Value, dot: Value, scope: Scope, calls: number): Promise<Flow> {
    const items = await this.#at(node.line, async () => itemsOf(value));
    if (items.length === 0) return this.nodes(node.otherwise, dot, scope, calls);
    for (const [key, item] of items) {
      // One variable is the item, two are the key and the item.
      const bound = node.pipe.variables.length === 1 ? [item] : [key, item];
      const inner = this.#bind(node.pipe, bound, scope);
      if ((await this.nodes(node.body, item, inner, calls)) === 'break') break;
    }
    return 'on';
  }

  async #pipe(pipe: Pipe, dot: Value, scope: Scope): Promise<Value> {
    let value: Value;
    for (const [index, command] of pipe.commands.entries()) {
      value = await this.#command(command, index === 0 ? [] : [value], dot, scope);
    }
    return value;
  }

  async #command(
    command: readonly Operand[],
    piped: readonly Value[],
    dot: Value,
    scope: Scope,
  ): Promise<Value> {
    const [first, ...others] = command;
    if (first === undefined) throw new TemplateError('a command is missing');
    if (first.kind !== 'function') {
      if (others.length > 0 || piped.length > 0) {
        throw new TemplateError('arguments were given to something that is no function');
      }
      return this.#operand(first, dot, scope);
    }
    if (first.name === 'and' || first.name === 'or') {
      return this.#shortCut(first.name === 'or', others, piped, dot, scope);
    }
    const values: Value[] = [];
    for (const operand of others) values.push(await this.#operand(operand, dot, scope));
    return this.#function(first.name, [...values, ...piped]);
  }

  /** `and` and `or` evaluate no further than they must. */
  async #shortCut(
    endsAt: boolean,
    operands: readonly Operand[],
    piped: readonly Value[],
    dot: Value,
    scope: Scope,
  ): Promise<Value> {
    let value: Value;
    for (const operand of operands) {
      value = await this.#operand(operand, dot, scope);
      if (isTrue(value) === endsAt) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  async #operand(operand: Operand, dot: Value, scope: Scope): Promise<Value> {
    switch (operand.kind) {
      case 'constant':
        return operand.value;
      case 'function':
        return this.#function(operand.name, []);
      case 'dot':
        return this.#fields(dot, operand.fields);
      case 'variable':
        return this.#fields(lookup(scope, operand.name).value, operand.fields);
      default:
        return this.#fields(await this.#pipe(operand.pipe, dot, scope), operand.fields);
    }
  }

  #fields(start: Value, names: readonly string[]): Value {
    let value = start;
    for (const name of names) {
      value = memberOf(value, name);
      if (value === undefined && this.#rendering.missingKeyFails) {
        throw new TemplateError(`there is no key ${name}`);
      }
    }
    return value;
  }

  async #function(name: string, values: Value[]): Promise<Value> {
    const call = this.#rendering.functions.get(name);
    if (call === undefined) throw new TemplateError(`there is no function ${name}`);
    return call(...values);
  }
}

function lookup(scope: Scope, name: string): Variable {
  const found = scope.findLast((variable) => variable.name === name);
  if (found === undefined) throw new TemplateError(`there is no variable ${name}`);
  return found;
}

/** Most turns of `range` over a bare number. */
const COUNT_MAX = 1_000_000;

function itemsOf(value: Value): readonly (readonly [Value, Value])[] {
  if (value === undefined || value === null) return [];
  if (isList(value)) return value.map((item, index) => [index, item] as const);
  if (isMap(value)) return sortedKeys(value).map((key) => [key, value[key]] as const);
  if (typeof value === 'number' && Number.isInteger(value) && value <= COUNT_MAX) {
    return Array.from({ length: Math.max(0, value) }, (_, index) => [index, index] as const);
  }
  throw new TemplateError(`range cannot go over a ${typeOf(value)}`);
}
