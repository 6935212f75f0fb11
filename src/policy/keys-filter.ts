/**
 * `list_scan_response_keys_filter_path`: the path by which each key of a listing is judged, so that a caller sees only what
 * it may read. A small part of Go's text/template, as far as paths need it: `{{ .path }}`, `{{ .key }}`, and pipes into
 * `replace "from" "to"`, `lowercase`, `uppercase`, `truncate n`.
 */

/** Longest template, in characters. */
const TEMPLATE_LENGTH_MAX = 1024;
/** Longest path that a step may give, in characters; a longer one is cut, and then grants nothing. */
const FILLED_LENGTH_MAX = 4096;

export interface KeysFilter {
  /** The path to judge: `path` is the listed path below its namespace, ending in '/'. */
  pathFor(path: string, key: string): string;
}

type Step = (text: string) => string;
type Part = string | { readonly field: 'path' | 'key'; readonly steps: readonly Step[] };

/** @throws {SyntaxError} */
export function compileKeysFilter(template: string): KeysFilter {
  if (template.length > TEMPLATE_LENGTH_MAX) throw new SyntaxError('template is too long');
  const parts: Part[] = [];
  let at = 0;
  for (;;) {
    const open = template.indexOf('{{', at);
    if (open < 0) break;
    const close = template.indexOf('}}', open);
    if (close < 0) throw new SyntaxError('unclosed action');
    parts.push(template.slice(at, open), parseAction(template.slice(open + 2, close)));
    at = close + 2;
  }
  parts.push(template.slice(at));
  if (!parts.some((part) => typeof part === 'object' && part.field === 'key')) {
    throw new SyntaxError('the path is the same for different keys');
  }
  return {
    pathFor: (path, key) =>
      parts.map((part) => (typeof part === 'string' ? part : run(part, path, key))).join(''),
  };
}

function run(part: Exclude<Part, string>, path: string, key: string): string {
  const start = part.field === 'path' ? path : key;
  return part.steps.reduce((text, step) => step(text).slice(0, FILLED_LENGTH_MAX), start);
}

function parseAction(source: string): Part {
  const pipe = splitWords(source);
  const [first, ...steps] = pipe;
  const field = first?.length === 1 ? first[0] : undefined;
  if (field !== '.path' && field !== '.key') {
    throw new SyntaxError('an action begins with .path or .key');
  }
  return { field: field === '.path' ? 'path' : 'key', steps: steps.map(toStep) };
}

function toStep(words: readonly string[]): Step {
  const [name, first, second, ...others] = words;
  if (name === 'lowercase' && first === undefined) return (text) => text.toLowerCase();
  if (name === 'uppercase' && first === undefined) return (text) => text.toUpperCase();
  if (
    name === 'truncate' &&
    first !== undefined &&
    second === undefined &&
    /^[1-9]\d{0,4}$/.test(first)
  ) {
    return (text) => text.slice(0, Number(first));
  }
  if (name === 'replace' && first !== undefined && second !== undefined && others.length === 0) {
    return (text) => text.replaceAll(first, () => second);
  }
  throw new SyntaxError('unknown function or wrong arguments');
}

/** Words of each command of a pipe; a word may be in double quotes or backticks. */
function splitWords(source: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  for (let at = 0; at < source.length;) {
    const char = source[at] ?? '';
    if (/\s/.test(char)) {
      at++;
    } else if (char === '|') {
      commands.push([]);
      at++;
    } else {
      const quoted = char === '"' || char === '`';
      let end = at + 1;
      while (
        end < source.length &&
        (quoted ? source[end] !== char : !/[\s|]/.test(source[end] ?? ''))
      ) {
        end++;
      }
      if (quoted && end >= source.length) throw new SyntaxError('unterminated string');
      const word = quoted ? source.slice(at + 1, end++) : source.slice(at, end);
      if (char === '"' && word.includes('\\')) throw new SyntaxError('escapes are not supported');
      commands.at(-1)?.push(word);
      at = end;
    }
  }
  return commands;
}
