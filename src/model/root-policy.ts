/** The one policy name that no login, entity or group may ever carry (CVE-2024-9180, CVE-2025-5999, CVE-2025-64761). */
import { invalidRequest } from './errors.ts';

const ROOT = 'root';

/** True for `root` in any spelling that something could fold to it: case, white space, full-width letters, in a list. */
export function namesRoot(name: string): boolean {
  return name
    .normalize('NFKC')
    .split(',')
    .some((part) => part.trim().toLowerCase() === ROOT);
}

/** @throws {RequestError} invalid_request when a name is, or folds to, `root` */
export function refuseRoot(names: readonly string[]): void {
  if (names.some(namesRoot)) throw invalidRequest('policies cannot contain root');
}
