/**
 * Names of policies: trimmed, lower-cased, and never anything that could be read as a path to somewhere else
 * (CVE-2026-115365) or mistaken for `root` (CVE-2024-9180, CVE-2025-5999).
 */

export const ROOT_POLICY_NAME = 'root';
export const DEFAULT_POLICY_NAME = 'default';
/** Longest name, in bytes of UTF-8. */
export const POLICY_NAME_BYTES_MAX = 512;

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/u;

/** The name under which everything knows the policy. */
export function canonicalPolicyName(name: string): string {
  return name.trim().toLowerCase();
}

/**
 * What is wrong with a canonical name, undefined when nothing is. Slashes group policies (`team/reader`), as in the
 * reference; empty parts, `..`, backslashes and control characters are refused.
 */
export function policyNameProblem(name: string): string | undefined {
  if (name === '') return 'policy name must not be empty';
  if (Buffer.byteLength(name) > POLICY_NAME_BYTES_MAX) {
    return `policy name is longer than ${POLICY_NAME_BYTES_MAX} bytes`;
  }
  if (CONTROL.test(name)) return 'policy name has a character that is not allowed';
  if (name.includes('..') || name.split('/').some((part) => part === '' || part === '.')) {
    return 'policy name must not have empty or relative parts';
  }
  if (name !== ROOT_POLICY_NAME && looksLikeRoot(name)) return 'policy name looks like root';
  return undefined;
}

/** True for `root` in any spelling that folds to it: case, white space, full-width letters. */
export function looksLikeRoot(name: string): boolean {
  return canonicalPolicyName(name.normalize('NFKC')) === ROOT_POLICY_NAME;
}

/**
 * A set of policy names as tokens and identities keep it: canonical, each once, sorted, empty ones dropped. `root` swallows
 * all others. `default` is added when asked, never beside root.
 */
export function canonicalPolicySet(
  names: readonly string[],
  options: { readonly addDefault: boolean },
): readonly string[] {
  const set = new Set(names.map(canonicalPolicyName));
  set.delete('');
  if (set.has(ROOT_POLICY_NAME)) return [ROOT_POLICY_NAME];
  if (options.addDefault) set.add(DEFAULT_POLICY_NAME);
  return [...set].sort();
}
