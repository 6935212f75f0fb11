/** API paths as people type them. */

/** Without surrounding spaces and slashes. */
export function cleanPath(path: string): string {
  return withoutTrailingSlash(withoutLeadingSlash(path));
}

export function withoutLeadingSlash(path: string): string {
  let text = path.trim();
  while (text.startsWith('/')) text = text.slice(1);
  return text;
}

export function withoutTrailingSlash(path: string): string {
  let text = path.trim();
  while (text.endsWith('/')) text = text.slice(0, -1);
  return text;
}

export function withTrailingSlash(path: string): string {
  const text = path.trim();
  return text === '' || text.endsWith('/') ? text : `${text}/`;
}
