/** Names that come from another server or a file: what may be a path here, and how any of them is shown. */

/** Longest path of a secret, in bytes, as the server takes it. */
export const PATH_BYTES_MAX = 1_500;
const SHOWN_MAX = 200;

/** Control characters, and those that change the direction of text or show nothing. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/gu;
const CONTROL = /\p{Cc}/u;

/** Text from elsewhere in which nothing can move the cursor of a terminal, or hide. */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(INVISIBLE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The same as a part of a line. */
export function shown(text: string): string {
  const line = escaped(text);
  return line.length > SHOWN_MAX ? `${line.slice(0, SHOWN_MAX)}…` : line;
}

/** Why `path` cannot be a path here; undefined when it can. Each of its segments is checked: none may lead elsewhere. */
export function faultOfPath(path: string): string | undefined {
  if (path === '') return 'it is empty';
  if (!path.isWellFormed()) return 'it is not well-formed Unicode';
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) return `it is longer than ${PATH_BYTES_MAX} bytes`;
  if (CONTROL.test(path)) return 'it has control characters';
  for (const segment of path.split('/')) {
    if (segment === '') return 'it has an empty segment';
    if (segment === '.' || segment === '..') return 'it has a segment that leads elsewhere';
  }
  return undefined;
}
