/**
 * Paths of rules as matchers. Three kinds: exact; prefix (`secret/*`, the star only at the end); and segment wildcards, in
 * which `+` stands for one whole segment and a closing `*` for any rest. A `*` elsewhere and a `+` inside a segment are
 * ordinary characters.
 */

export type PatternKind = 'exact' | 'prefix' | 'wildcard';

export interface Pattern {
  readonly kind: PatternKind;
  /** As written, namespace included: what `explain` and audit show. */
  readonly source: string;
  /** Without the closing star. Exact and prefix rules are looked up by it. */
  readonly text: string;
  /** The four measures by which two matching patterns are ranked, see {@link comparePriority}. */
  readonly firstWildcard: number;
  readonly openEnded: boolean;
  readonly wildcards: number;
  readonly length: number;
  /** Of a wildcard pattern: what comes before its first `+` segment. */
  readonly head: string;
  readonly segments: readonly string[];
}

/** The pattern of a rule's full path (namespace and rule path joined). */
export function compilePattern(source: string): Pattern {
  const openEnded = source.endsWith('*');
  const text = openEnded ? source.slice(0, -1) : source;
  const hasWildcards = source === '+' || source.startsWith('+/') || source.includes('/+');
  const segments = hasWildcards ? text.split('/') : [];
  const firstPlus = segments.indexOf('+');
  const length = Buffer.byteLength(text);
  return {
    kind: hasWildcards ? 'wildcard' : openEnded ? 'prefix' : 'exact',
    source,
    text,
    firstWildcard: hasWildcards ? Buffer.byteLength(text.slice(0, text.indexOf('+'))) : length,
    openEnded,
    wildcards: segments.filter((segment) => segment === '+').length,
    length,
    head: firstPlus <= 0 ? '' : `${segments.slice(0, firstPlus).join('/')}/`,
    segments,
  };
}

/**
 * Positive when `a` outranks `b`: its first wildcard comes later; it does not end in `*`; it has fewer `+`; it is longer; it
 * sorts later (which only makes the order total).
 */
export function comparePriority(a: Pattern, b: Pattern): number {
  if (a.firstWildcard !== b.firstWildcard) return a.firstWildcard - b.firstWildcard;
  if (a.openEnded !== b.openEnded) return a.openEnded ? -1 : 1;
  if (a.wildcards !== b.wildcards) return b.wildcards - a.wildcards;
  if (a.length !== b.length) return a.length - b.length;
  return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
}

/** Whether a wildcard pattern matches `path`: one pass, nothing allocated. */
export function matchesWildcard(pattern: Pattern, path: string): boolean {
  if (!path.startsWith(pattern.head)) return false;
  const { segments } = pattern;
  const lastIndex = segments.length - 1;
  let start = 0;
  for (let index = 0; index <= lastIndex; index++) {
    if (start < 0) return false;
    const segment = segments[index] ?? '';
    const slash = path.indexOf('/', start);
    if (segment !== '+') {
      if (!path.startsWith(segment, start)) return false;
      if (index === lastIndex && pattern.openEnded) return true;
      const end = slash < 0 ? path.length : slash;
      if (end - start !== segment.length) return false;
    }
    // -1: the path has no further segment.
    start = slash < 0 ? -1 : slash + 1;
  }
  return start < 0;
}
