/** The order of storage keys (by their UTF-8 bytes) and the arithmetic on it that folder listings need. */

const SURROGATE_FIRST = 0xd800;
const SURROGATE_LAST = 0xdfff;
const CODE_POINT_LAST = 0x10ffff;

/**
 * Compares two well-formed strings by their UTF-8 bytes: negative, zero or positive. UTF-8 orders like code points;
 * JavaScript's `<` orders UTF-16 units, which puts surrogate pairs (U+10000 and up) before U+E000–U+FFFF.
 */
export function compareKeys(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** A UTF-16 unit's place in code point order: surrogates, which stand for U+10000 and up, move behind U+FFFF. */
function rank(unit: number): number {
  return unit >= SURROGATE_FIRST && unit <= SURROGATE_LAST ? unit + 0x10000 : unit;
}

/** The smallest key that is greater than every key that begins with `prefix`; `undefined` when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const next = (last.codePointAt(0) ?? 0) + 1;
    if (next > CODE_POINT_LAST) continue;
    return (
      points.join('') + String.fromCodePoint(next === SURROGATE_FIRST ? SURROGATE_LAST + 1 : next)
    );
  }
  return undefined;
}

/** Where a listing of `prefix` resumes: at keys greater than `key`, or also at `key` itself when `inclusive`. */
export interface Position {
  readonly key: string;
  readonly inclusive: boolean;
}

/** The place from which the names after `name` are found; a folder is left behind with everything in it. */
export function positionAfter(prefix: string, name: string): Position {
  const slash = name.indexOf('/');
  // `0` follows `/`, so `folder0` is the first key that can follow all of `folder/…`.
  if (slash >= 0) return { key: `${prefix}${name.slice(0, slash)}0`, inclusive: true };
  return { key: prefix + name, inclusive: false };
}

/** The name under which `key` appears in a listing of `prefix`: a record's name, or a folder's with its slash. */
export function childName(key: string, prefix: string): string {
  const slash = key.indexOf('/', prefix.length);
  return slash < 0 ? key.slice(prefix.length) : key.slice(prefix.length, slash + 1);
}
