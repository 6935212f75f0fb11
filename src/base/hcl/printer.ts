/**
 * Prints a tree as canonical HCL: two spaces per level, `=` aligned within a run of one-line attributes, one blank line
 * between blocks, comments kept where they stood. Printing what was parsed from a printed text changes nothing.
 */
import type { Comment, HclNode, ListNode, ObjectItem, ObjectKey, ObjectNode } from './ast.ts';
import { isIdentifier } from './characters.ts';
import { parseHcl } from './parse.ts';

const INDENT = '  ';
const HEREDOC_MARK = 'EOT';

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\u0007', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
]);

/** A quoted HCL string whose value is `text`. */
export function quoteHcl(text: string): string {
  let quoted = '"';
  // Once one `${` cannot be written as it is, none is: looking for every end again would not be linear.
  let interpolate = true;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    const code = text.charCodeAt(at);
    const escape = ESCAPES.get(char);
    if (escape !== undefined) quoted += escape;
    else if (code < 0x20 || code === 0x7f) quoted += `\\u${code.toString(16).padStart(4, '0')}`;
    else if (char === '$' && text[at + 1] === '{') {
      const end = interpolate ? plainInterpolationEnd(text, at) : -1;
      quoted += end < 0 ? '\\u0024' : text.slice(at, end);
      if (end >= 0) at = end - 1;
      else interpolate = false;
    } else quoted += char;
  }
  return `${quoted}"`;
}

/** Where the `${…}` at `start` ends, if it can be written as it is; else -1. */
function plainInterpolationEnd(text: string, start: number): number {
  let braces = 0;
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at] ?? '';
    if (ESCAPES.has(char) || text.charCodeAt(at) < 0x20) return -1;
    if (char === '{') braces++;
    if (char === '}' && --braces === 0) return at + 1;
  }
  return -1;
}

function printKey(key: ObjectKey): string {
  return key.quoted || !isIdentifier(key.name) ? quoteHcl(key.name) : key.name;
}

class Printer {
  readonly #lines: string[] = [];

  text(body: ObjectNode): string {
    this.#body(body, '');
    return this.#lines.length === 0 ? '' : `${this.#lines.join('\n')}\n`;
  }

  #comments(comments: readonly Comment[], indent: string, previousEnd: number | undefined): number {
    let end = previousEnd;
    for (const comment of comments) {
      if (end !== undefined && comment.position.line > end + 1) this.#lines.push('');
      this.#lines.push(indent + comment.text);
      end = comment.endLine;
    }
    return end ?? 0;
  }

  #body(body: ObjectNode, indent: string): void {
    let end: number | undefined;
    let previous: ObjectItem | undefined;
    for (let index = 0; index < body.items.length;) {
      const run = runOfAttributes(body.items, index);
      const width = Math.max(...run.map((item) => printKey(item.keys[0]).length));
      for (const item of run) {
        const firstLine = item.leadComments[0]?.position.line ?? item.keys[0].position.line;
        const blocksMeet = previous !== undefined && !(item.assigned && previous.assigned);
        if (end !== undefined && (blocksMeet || firstLine > end + 1)) this.#lines.push('');
        const commentsEnd = this.#comments(item.leadComments, indent, undefined);
        const detached =
          item.leadComments.length > 0 && item.keys[0].position.line > commentsEnd + 1;
        if (detached) this.#lines.push('');
        this.#item(item, indent, run.length > 1 ? width : 0);
        end = item.lineComment?.endLine ?? item.endLine;
        previous = item;
      }
      index += run.length;
    }
    this.#comments(body.trailingComments, indent, end);
  }

  #item(item: ObjectItem, indent: string, keyWidth: number): void {
    const keys = item.keys.map(printKey).join(' ');
    const head = item.assigned ? `${keys.padEnd(keyWidth)} = ` : `${keys} `;
    this.#value(item.value, indent, indent + head);
    this.#append(item.lineComment);
  }

  /** Adds to the line that was printed last. */
  #append(comment: Comment | undefined): void {
    if (comment !== undefined) this.#lines.push(`${this.#lines.pop() ?? ''} ${comment.text}`);
  }

  #value(node: HclNode, indent: string, head: string): void {
    const line = oneLine(node);
    if (line !== undefined) {
      this.#lines.push(head + line);
    } else if (node.kind === 'object') {
      this.#lines.push(`${head}{`);
      this.#body(node, indent + INDENT);
      this.#lines.push(`${indent}}`);
    } else if (node.kind === 'list') {
      this.#list(node, indent, head);
    } else if (node.kind === 'string') {
      this.#lines.push(`${head}<<${HEREDOC_MARK}`, ...node.value.slice(0, -1).split('\n'));
      this.#lines.push(HEREDOC_MARK);
    }
  }

  #list(list: ListNode, indent: string, head: string): void {
    const inner = indent + INDENT;
    this.#lines.push(`${head}[`);
    for (const element of list.elements) {
      this.#comments(element.leadComments, inner, undefined);
      this.#value(withoutHeredoc(element.value), inner, inner);
      this.#lines.push(`${this.#lines.pop() ?? ''},`);
      this.#append(element.lineComment);
    }
    this.#comments(list.trailingComments, inner, undefined);
    this.#lines.push(`${indent}]`);
  }
}

/** Items from `start` that stand line under line and are one line each: their `=` are aligned. At least one item. */
function runOfAttributes(items: readonly ObjectItem[], start: number): readonly ObjectItem[] {
  let end = start;
  for (; end < items.length; end++) {
    const item = items[end];
    if (item === undefined || !isOneLineAttribute(item)) break;
    const previous = items[end - 1];
    if (end > start && previous !== undefined) {
      const previousEnd = previous.lineComment?.endLine ?? previous.endLine;
      if (item.leadComments.length > 0 || item.keys[0].position.line > previousEnd + 1) break;
    }
  }
  return items.slice(start, Math.max(end, start + 1));
}

function isOneLineAttribute(item: ObjectItem): boolean {
  return item.assigned && oneLine(item.value) !== undefined;
}

/** A heredoc ends with its line, so that no comma could follow it. */
function withoutHeredoc(node: HclNode): HclNode {
  return node.kind === 'string' && node.heredoc ? { ...node, heredoc: false } : node;
}

/** A heredoc's value can be written as one again: whole lines, none of which is the closing mark. */
function isHeredocText(value: string): boolean {
  if (!value.endsWith('\n') || /[\r\0]/.test(value)) return false;
  return !value.split('\n').some((line) => line.trim() === HEREDOC_MARK);
}

/** The node on one line, undefined when it needs more. */
function oneLine(node: HclNode): string | undefined {
  switch (node.kind) {
    case 'string':
      return node.heredoc && isHeredocText(node.value) ? undefined : quoteHcl(node.value);
    case 'number':
      return node.text;
    case 'bool':
      return String(node.value);
    case 'null':
      return '""';
    case 'object':
      return node.items.length === 0 && node.trailingComments.length === 0 ? '{}' : undefined;
    default:
      return oneLineList(node);
  }
}

function oneLineList(list: ListNode): string | undefined {
  if (list.endLine !== list.position.line || list.trailingComments.length > 0) return undefined;
  const parts: string[] = [];
  for (const element of list.elements) {
    if (element.leadComments.length > 0 || element.lineComment !== undefined) return undefined;
    const part = oneLine(withoutHeredoc(element.value));
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return `[${parts.join(', ')}]`;
}

/** Prints the tree as HCL, whichever syntax it came from. */
export function printHcl(body: ObjectNode): string {
  return new Printer().text(body);
}

/**
 * The canonical form of an HCL text, for `policy fmt`. A JSON text comes back as indented JSON.
 * @throws {HclError}
 */
export function formatHcl(text: string): string {
  const file = parseHcl(text);
  return file.syntax === 'hcl' ? printHcl(file.body) : `${printJson(file.body, '')}\n`;
}

function printJson(node: HclNode, indent: string): string {
  const inner = indent + INDENT;
  const wrap = (open: string, parts: readonly string[], close: string): string =>
    parts.length === 0
      ? open + close
      : `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
  switch (node.kind) {
    case 'object':
      return wrap(
        '{',
        node.items.map(
          (item) => `${JSON.stringify(item.keys[0].name)}: ${printJson(item.value, inner)}`,
        ),
        '}',
      );
    case 'list':
      return wrap(
        '[',
        node.elements.map((element) => printJson(element.value, inner)),
        ']',
      );
    case 'string':
      return JSON.stringify(node.value);
    case 'number':
      return node.text;
    case 'bool':
      return String(node.value);
    default:
      return 'null';
  }
}
