/** Why a request is allowed or refused: every rule that matches its path, in rank order, with what made one win. */
import type { Acl, AclQuery, Decision } from './acl.ts';
import { findRule } from './acl.ts';
import { capabilityNames } from './capability.ts';
import type { MergedRule, PolicyRef } from './merged-rule.ts';
import type { Pattern } from './pattern.ts';

export interface Candidate {
  /** The rule's path as written, namespace included. */
  readonly rule: string;
  readonly kind: 'exact' | 'prefix' | 'wildcard';
  /** It matches the path only without the closing slash that list and scan put there. */
  readonly withoutSlash: boolean;
  readonly capabilities: readonly string[];
  readonly policies: readonly {
    readonly policy: PolicyRef;
    readonly capabilities: readonly string[];
  }[];
  readonly won: boolean;
  readonly why: string;
}

export interface Explanation {
  readonly decision: Decision;
  /** Best first. */
  readonly candidates: readonly Candidate[];
}

interface Match {
  readonly rule: MergedRule;
  readonly withoutSlash: boolean;
}

/** The decision on the query and the rules that led to it. */
export function explain(acl: Acl, query: AclQuery): Explanation {
  const decision = acl.decide(query);
  if (acl.isRoot) return { decision, candidates: [] };
  const table = acl.tableAt(query.nowMs);
  const path = query.path.replace(/^\/+/, '');
  const listing = query.operation === 'list' || query.operation === 'scan';
  const bare = listing && path.endsWith('/') ? path.slice(0, -1) : undefined;
  const found = new Map<MergedRule, Match>();
  const add = (rule: MergedRule | undefined, withoutSlash: boolean): void => {
    if (rule !== undefined && !found.has(rule)) found.set(rule, { rule, withoutSlash });
  };
  add(table.exact.get(path), false);
  if (bare !== undefined) add(table.exact.get(bare), true);
  for (const rule of table.matching(path)) add(rule, false);
  if (bare !== undefined) for (const rule of table.matching(bare)) add(rule, true);
  const winner = findRule(table, path, listing);
  const matches = [...found.values()];
  const winning = matches.find((match) => match.rule === winner);
  const ordered =
    winning === undefined ? matches : [winning, ...matches.filter((match) => match !== winning)];
  return {
    decision,
    candidates: ordered.map((match) => toCandidate(match, winning)),
  };
}

function toCandidate(match: Match, winning: Match | undefined): Candidate {
  const { rule, withoutSlash } = match;
  const won = match === winning;
  return {
    rule: rule.pattern.source,
    kind: rule.pattern.kind,
    withoutSlash,
    capabilities: capabilityNames(rule.capabilities),
    policies: rule.contributions.map(({ policy, capabilities }) => ({
      policy,
      capabilities: capabilityNames(capabilities),
    })),
    won,
    why: won || winning === undefined ? whyWon(match) : whyLost(match, winning),
  };
}

function whyWon({ rule, withoutSlash }: Match): string {
  const slash = withoutSlash ? ', without the closing slash' : '';
  return rule.pattern.kind === 'exact'
    ? `names the path itself${slash}`
    : `ranks highest of the rules that match${slash}`;
}

function whyLost(match: Match, winning: Match): string {
  const winner = winning.rule.pattern;
  if (winner.kind === 'exact') return 'a rule that names the path itself comes first';
  if (match.withoutSlash && !winning.withoutSlash) {
    return 'matches only without the closing slash';
  }
  if (winning.withoutSlash && !match.withoutSlash) return 'a deny that ranks higher comes first';
  return rankDifference(match.rule.pattern, winner);
}

/** The first measure in which `loser` ranks below `winner`, in the order of comparePriority. */
function rankDifference(loser: Pattern, winner: Pattern): string {
  if (loser.firstWildcard !== winner.firstWildcard) {
    return `its first wildcard comes earlier (${loser.firstWildcard} < ${winner.firstWildcard})`;
  }
  if (loser.openEnded !== winner.openEnded) return 'it ends in *';
  if (loser.wildcards !== winner.wildcards) {
    return `it has more + segments (${loser.wildcards} > ${winner.wildcards})`;
  }
  if (loser.length !== winner.length) {
    return `it is shorter (${loser.length} < ${winner.length})`;
  }
  return 'it sorts before';
}
