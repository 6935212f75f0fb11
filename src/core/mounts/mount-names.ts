/** Which paths a mount may have. */
import { invalidRequest } from '../../model/errors.ts';
import type { MountTable } from './mount-entry.ts';
import type { Routing } from './mount-table.ts';

const PROTECTED = ['audit/', 'auth/', 'sys/', 'cubbyhole/', 'identity/'];
/** Longest path of a mount. */
const PATH_LENGTH_MAX = 512;

/** `a//b` and the like are refused by the edge; here the path gets its trailing slash. */
export function mountPath(text: string): string {
  return text.endsWith('/') ? text : `${text}/`;
}

/** @throws {RequestError} invalid_request */
export function checkMountPath(table: MountTable, path: string): void {
  if (path === '/') throw invalidRequest('mount path must be specified');
  if (path.length > PATH_LENGTH_MAX) throw invalidRequest('mount path is too long');
  if (path.startsWith('/') || path.includes('//'))
    throw invalidRequest('mount path has an empty segment');
  if (/\s\/$/.test(path)) throw invalidRequest('path cannot contain trailing whitespace');
  if (path.split('/').includes('..')) throw invalidRequest('path cannot contain parent references');
  const bare = path.slice(0, -1);
  if (bare.startsWith(' ') || bare.endsWith(' '))
    throw invalidRequest('path cannot contain trailing whitespace');
  if (table === 'auth') return;
  if (PROTECTED.some((prefix) => path.startsWith(prefix)))
    throw invalidRequest(`cannot mount "${path}"`);
}

/**
 * The mount or namespace that a new mount would collide with: one at the same path, above it or below it.
 * Paths include the namespace.
 */
export function conflictingPath(
  routing: Routing,
  namespacePath: string,
  path: string,
): string | undefined {
  const full = namespacePath + path;
  for (
    let end = full.indexOf('/', namespacePath.length);
    end >= 0;
    end = full.indexOf('/', end + 1)
  ) {
    const above = routing.mounts.get(full.slice(0, end + 1));
    if (above !== undefined) return above.entry.path;
    if (routing.namespaces.has(full.slice(0, end + 1)) && end > namespacePath.length) return path;
  }
  for (const mount of routing.mounts.values()) {
    if (mount.fullPath.startsWith(full)) return mount.entry.path;
    const { movingTo } = mount.entry;
    if (
      movingTo?.startsWith(full) === true ||
      (movingTo !== undefined && full.startsWith(movingTo))
    )
      return mount.entry.path;
  }
  return undefined;
}
