/**
 * Finds the path declaration that serves a request path. Patterns (see src/model/backend.ts) are compiled once per backend
 * into segment tests; user input never meets a regular expression, and a match costs one pass over the path's bytes.
 */
import type { Backend, Path } from '../../model/backend.ts';

/** Values of the pattern's named segments, in the order of the pattern; null prototype. */
export type PathParams = Readonly<Record<string, string>>;

export interface PathMatch<S> {
  readonly path: Path<S>;
  readonly params: PathParams;
  /** Names of segments that the pattern makes optional and the request left out: they are named in the path or not at all. */
  readonly absent: readonly string[];
}

export type PathMatcher<S> = (pathBelowMount: string) => PathMatch<S> | undefined;

type Token =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'name' | 'any' | 'uuid' | 'hex'; readonly param: string }
  | { readonly kind: 'rest'; readonly param: string; readonly some: boolean };

interface Route<S> {
  readonly path: Path<S>;
  readonly tokens: readonly Token[];
  /** What must follow a rest parameter: `/tune` in `mounts/{path...}/tune`. */
  readonly tail: string;
  /** Whether the request path must, may or must not end in a slash after the last token. */
  readonly slash: 'required' | 'optional' | 'forbidden';
  /** Names in the optional parts that this route goes without. */
  readonly absent: readonly string[];
}

/** Thrown while a backend is set up, never for a request: a pattern does not follow the grammar. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
  constructor(pattern: string, reason: string) {
    super(`path pattern ${JSON.stringify(pattern)}: ${reason}`);
  }
}

/**
 * Splits `a[/{x}][/{y}]` into the patterns that it stands for, the longest (greediest) first, as a chain of optional
 * groups in a regular expression would try them.
 */
export function expandPattern(pattern: string): readonly string[] {
  const open = pattern.indexOf('[');
  if (open < 0) {
    if (pattern.includes(']')) throw new PatternError(pattern, 'unbalanced ]');
    return [pattern];
  }
  const close = pattern.indexOf(']', open);
  if (close < 0) throw new PatternError(pattern, 'unbalanced [');
  const group = pattern.slice(open + 1, close);
  if (group.includes('[')) throw new PatternError(pattern, 'optional parts do not nest');
  const head = pattern.slice(0, open);
  const tails = expandPattern(pattern.slice(close + 1));
  return [...tails.map((tail) => head + group + tail), ...tails.map((tail) => head + tail)];
}

const PARAM_NAME = /^[a-z][A-Za-z0-9_]*$/;

function parseToken(pattern: string, segment: string): Token {
  if (!segment.startsWith('{')) {
    if (segment.includes('{') || segment.includes('}')) {
      throw new PatternError(pattern, 'a parameter is a whole segment');
    }
    return { kind: 'literal', text: segment };
  }
  if (!segment.endsWith('}')) throw new PatternError(pattern, 'a parameter is a whole segment');
  const body = segment.slice(1, -1);
  const some = body.endsWith('..+');
  const [name = '', form = 'name'] = body.split(':');
  const kind = some || body.endsWith('...') ? 'rest' : form;
  if (kind !== 'rest' && kind !== 'any' && kind !== 'uuid' && kind !== 'hex' && kind !== 'name') {
    throw new PatternError(pattern, 'a parameter is of no known form');
  }
  const param = kind === 'rest' ? body.slice(0, -3) : name;
  if (!PARAM_NAME.test(param)) throw new PatternError(pattern, 'a parameter needs a name');
  return kind === 'rest' ? { kind, param, some } : { kind, param };
}

function compileRoute<S>(path: Path<S>, pattern: string): Route<S> {
  const endsInSlash = pattern.endsWith('/');
  const body = endsInSlash ? pattern.slice(0, -1) : pattern;
  const tokens = body === '' ? [] : body.split('/').map((segment) => parseToken(pattern, segment));
  const rest = tokens.findIndex((token) => token.kind === 'rest');
  if (
    rest >= 0 &&
    (endsInSlash || tokens.slice(rest + 1).some((token) => token.kind !== 'literal'))
  ) {
    throw new PatternError(pattern, 'only literal segments may follow a rest parameter');
  }
  // The edge appends a slash to every list and scan, help and some clients leave it out: such a path answers to both.
  const lists = path.operations.list !== undefined || path.operations.scan !== undefined;
  const slash = lists ? 'optional' : endsInSlash ? 'required' : 'forbidden';
  const tail =
    rest < 0
      ? ''
      : tokens
          .slice(rest + 1)
          .map((token) => (token.kind === 'literal' ? `/${token.text}` : ''))
          .join('');
  const absent = paramNames(path.pattern).filter(
    (name) => !tokens.some((token) => token.kind !== 'literal' && token.param === name),
  );
  return { path, tokens, slash, tail, absent };
}

/** Names of all segments, those of optional parts as well. */
function paramNames(pattern: string): readonly string[] {
  const segments = pattern.split(/[[\]/]/).filter((segment) => segment.startsWith('{'));
  return segments.flatMap((segment) => {
    const token = parseToken(pattern, segment);
    return token.kind === 'literal' ? [] : [token.param];
  });
}

function isWordByte(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x5f
  );
}

/** Vault's generic name: ASCII letters, digits and `_`, with `.` and `-` allowed inside. */
export function isGenericName(text: string, start = 0, end: number = text.length): boolean {
  if (end <= start) return false;
  if (!isWordByte(text.charCodeAt(start)) || !isWordByte(text.charCodeAt(end - 1))) return false;
  for (let index = start + 1; index < end - 1; index++) {
    const code = text.charCodeAt(index);
    if (!isWordByte(code) && code !== 0x2e && code !== 0x2d) return false;
  }
  return true;
}

const UUID_LENGTH = 36;
const UUID_DASHES: ReadonlySet<number> = new Set([8, 13, 18, 23]);

/** Letters and digits in groups of 8, 4, 4, 4 and 12. */
function hasUuidForm(text: string, start: number, end: number): boolean {
  if (end - start !== UUID_LENGTH) return false;
  for (let at = 0; at < UUID_LENGTH; at++) {
    const code = text.charCodeAt(start + at);
    const fits = UUID_DASHES.has(at) ? code === 0x2d : isWordByte(code) && code !== 0x5f;
    if (!fits) return false;
  }
  return true;
}

const HEX: ReadonlySet<string> = new Set('0123456789abcdefABCDEF:-');

/** Hexadecimal digits, and the marks that stand between them in serial numbers. */
function isHex(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!HEX.has(text.charAt(at))) return false;
  return true;
}

function matchRoute<S>(route: Route<S>, text: string): PathParams | undefined {
  const params = Object.create(null) as Record<string, string>;
  let start = 0;
  for (const token of route.tokens) {
    if (token.kind === 'rest') {
      // `data/{path...}` needs its slash: a bare `data` is another path. A lone `{path...}` matches the empty path too.
      if (start > text.length) return undefined;
      const end = text.length - route.tail.length;
      if ((route.tail !== '' || token.some) && end <= start) return undefined;
      if (!text.endsWith(route.tail)) return undefined;
      params[token.param] = text.slice(start, end);
      return params;
    }
    if (start >= text.length) return undefined;
    const slash = text.indexOf('/', start);
    const end = slash < 0 ? text.length : slash;
    if (token.kind === 'literal') {
      if (end - start !== token.text.length || !text.startsWith(token.text, start))
        return undefined;
    } else {
      if (end === start) return undefined;
      if (token.kind === 'name' && !isGenericName(text, start, end)) return undefined;
      if (token.kind === 'uuid' && !hasUuidForm(text, start, end)) return undefined;
      if (token.kind === 'hex' && !isHex(text, start, end)) return undefined;
      params[token.param] = text.slice(start, end);
    }
    start = end + 1;
  }
  // `start` is one past the slash after the last segment, or one past the end when there was none.
  if (start === text.length && start > 0) return route.slash === 'forbidden' ? undefined : params;
  if (start === text.length + 1) return route.slash === 'required' ? undefined : params;
  return text === '' && route.tokens.length === 0 ? params : undefined;
}

/** Compiles patterns; {@link PathMatcher} returns the first declared path that fits. @throws {PatternError} */
export function compilePaths<S>(paths: readonly Path<S>[]): PathMatcher<S> {
  const byFirstSegment = new Map<string, Route<S>[]>();
  const open: Route<S>[] = [];
  const routes = paths.flatMap((path) =>
    expandPattern(path.pattern).map((pattern) => compileRoute(path, pattern)),
  );
  // A bucket holds, in declared order, its own routes and those that begin with a parameter, so one scan decides.
  for (const route of routes) {
    const first = route.tokens[0];
    if (first?.kind === 'literal') {
      const bucket = byFirstSegment.get(first.text);
      if (bucket === undefined) byFirstSegment.set(first.text, [...open, route]);
      else bucket.push(route);
    } else {
      open.push(route);
      for (const bucket of byFirstSegment.values()) bucket.push(route);
    }
  }
  return (pathBelowMount) => {
    const slash = pathBelowMount.indexOf('/');
    const first = slash < 0 ? pathBelowMount : pathBelowMount.slice(0, slash);
    for (const route of byFirstSegment.get(first) ?? open) {
      const params = matchRoute(route, pathBelowMount);
      if (params !== undefined) return { path: route.path, params, absent: route.absent };
    }
    return undefined;
  };
}

/** Whether what a path declares of itself (that it needs no token, or `sudo`) holds as it is named here. */
export function appliesTo(declared: boolean | 'folder' | undefined, path: string): boolean {
  return declared === 'folder' ? path.endsWith('/') : declared === true;
}

/** Whether a path is one of the places that a backend names (`openPlaces`, `sudoPlaces`). */
export function isAmong(places: readonly string[] | undefined, path: string): boolean {
  return places?.some((place) => isAt(place.split('/'), path.split('/'))) === true;
}

function isAt(place: readonly string[], path: readonly string[]): boolean {
  const below = place.at(-1) === '';
  if (below ? path.length < place.length : path.length !== place.length) return false;
  const named = below ? place.slice(0, -1) : place;
  return named.every((segment, at) => segment === '+' || segment === path[at]);
}

const matchers = new WeakMap<object, PathMatcher<never>>();

/** Finds the path of `backend` that serves `pathBelowMount`; compiles the backend's table at first use. */
export function matchPath<S>(
  backend: Backend<S>,
  pathBelowMount: string,
): PathMatch<S> | undefined {
  let matcher = matchers.get(backend) as PathMatcher<S> | undefined;
  if (matcher === undefined) {
    matcher = compilePaths(backend.paths);
    matchers.set(backend, matcher);
  }
  return matcher(pathBelowMount);
}
