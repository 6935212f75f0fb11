/** Finds the rule that counts for a path: a map for exact paths, a sorted array for prefixes, ranked matchers for `+`. */
import { comparePriority, matchesWildcard } from './pattern.ts';
import type { MergedRule } from './merged-rule.ts';

interface PrefixEntry {
  readonly prefix: string;
  readonly rule: MergedRule;
  /** Index of the longest other prefix that this one begins with, -1 = none. */
  readonly parent: number;
}

export class RuleTable {
  readonly exact: ReadonlyMap<string, MergedRule>;
  /** Sorted by code units. */
  readonly #prefixes: readonly PrefixEntry[];
  /** Highest rank first: the first that matches is the best. */
  readonly #wildcards: readonly MergedRule[];

  constructor(rules: Iterable<MergedRule>) {
    const all = [...rules];
    const ofKind = (kind: string): MergedRule[] => all.filter((rule) => rule.pattern.kind === kind);
    this.exact = new Map(ofKind('exact').map((rule) => [rule.pattern.text, rule]));
    this.#prefixes = linkPrefixes(ofKind('prefix'));
    this.#wildcards = ofKind('wildcard').sort((a, b) => comparePriority(b.pattern, a.pattern));
  }

  /** Every rule but the exact ones that matches `path`, best first. */
  matching(path: string): readonly MergedRule[] {
    const prefixes: MergedRule[] = [];
    for (let at = this.#longestPrefix(path); at >= 0; at = this.#prefixes[at]?.parent ?? -1) {
      const entry = this.#prefixes[at];
      if (entry !== undefined) prefixes.push(entry.rule);
    }
    const wildcards = this.#wildcards.filter((rule) => matchesWildcard(rule.pattern, path));
    return [...prefixes, ...wildcards].sort((a, b) => comparePriority(b.pattern, a.pattern));
  }

  /** The best of {@link matching}. */
  best(path: string): MergedRule | undefined {
    const at = this.#longestPrefix(path);
    const prefix = at < 0 ? undefined : this.#prefixes[at]?.rule;
    for (const rule of this.#wildcards) {
      if (prefix !== undefined && comparePriority(rule.pattern, prefix.pattern) < 0) break;
      if (matchesWildcard(rule.pattern, path)) return rule;
    }
    return prefix;
  }

  /** Prefix rules by prefix. */
  *prefixRules(): Iterable<MergedRule> {
    for (const entry of this.#prefixes) yield entry.rule;
  }

  wildcardRules(): readonly MergedRule[] {
    return this.#wildcards;
  }

  /**
   * Index of the longest prefix of `path`, -1 = none. Every prefix of `path` sorts before it or equals it, and so begins the
   * greatest entry that does not sort after `path`: it is found among that entry and its parents.
   */
  #longestPrefix(path: string): number {
    const entries = this.#prefixes;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = entries[middle];
      if (entry !== undefined && entry.prefix <= path) low = middle + 1;
      else high = middle;
    }
    let at = low - 1;
    for (let entry = entries[at]; entry !== undefined; entry = entries[at]) {
      if (path.startsWith(entry.prefix)) return at;
      at = entry.parent;
    }
    return -1;
  }
}

function linkPrefixes(rules: readonly MergedRule[]): readonly PrefixEntry[] {
  const sorted = [...rules].sort((a, b) => (a.pattern.text < b.pattern.text ? -1 : 1));
  const entries: PrefixEntry[] = [];
  for (const rule of sorted) {
    const prefix = rule.pattern.text;
    let parent = entries.length - 1;
    for (let entry = entries[parent]; entry !== undefined; entry = entries[parent]) {
      if (prefix.startsWith(entry.prefix)) break;
      parent = entry.parent;
    }
    entries.push({ prefix, rule, parent });
  }
  return entries;
}
