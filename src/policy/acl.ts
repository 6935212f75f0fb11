/**
 * An access control list: what a set of policies lets one caller do. Pure: built once per token and identity, asked for every
 * request.
 *
 * A request path is judged by exactly one rule. In this order the first that exists counts:
 * 1. the exact rule for the path; for list and scan then the exact rule for the path without its closing slash;
 * 2. of the prefix and `+` rules that match the path, the one with the highest rank (pattern.ts);
 * 3. for list and scan the same without the closing slash.
 * A rule that `adds` counts with the one that would count without it, for its very path.
 * Step 2 before 3 keeps a list grant on `metadata/*` from outrunning a deny on `metadata/private/*` (CVE-2026-12624). A deny
 * that only step 3 finds still wins over a rule of step 2 that it outranks: `deny a/+/x` also covers listing `a/b/x/`.
 */
import type { JsonObject } from '../base/json.ts';
import type { Operation } from '../model/request.ts';
import { neededFactors } from './control-group.ts';
import { NEEDED_CAPABILITY, SUDO, capabilityNames } from './capability.ts';
import type { Capability } from './capability.ts';
import { MergedRule } from './merged-rule.ts';
import type { PolicyRef } from './merged-rule.ts';
import { limitOfPage } from './page-limit.ts';
import { parameterProblem } from './parameters.ts';
import type { ParameterProblem } from './parameters.ts';
import { comparePriority, compilePattern } from './pattern.ts';
import type { PathRule, Policy } from './policy.ts';
import type { ControlGroup } from './policy.ts';
import { RuleTable } from './rule-table.ts';
import { NO_ALLOWANCES, fillTemplate } from './template.ts';
import type { IdentityView, TemplateAllowances } from './template.ts';

export interface AclInput {
  readonly policy: Policy;
  /** Where the policy lives: its rules hold for this namespace and what is below it, as path prefixes. */
  readonly namespaceId: string;
  /** `''` or `a/b/`. */
  readonly namespacePath: string;
  /** The policy as a whole ends then; undefined = never. */
  readonly expiresAtMs?: number | undefined;
  readonly allowances?: TemplateAllowances;
}

export interface AclQuery {
  readonly operation: Operation;
  /** Full canonical path, namespace included; list and scan end in '/'. */
  readonly path: string;
  /** Top-level parameters of body or query; only looked at for read, create, update, patch, list and scan. */
  readonly data?: Readonly<JsonObject>;
  /** Requested wrapping, 0 = none. */
  readonly wrapTtlSeconds?: number;
  readonly nowMs: number;
}

export type DecisionReason =
  | 'root'
  | 'help'
  | 'granted'
  | 'no_rule'
  | 'denied'
  | 'missing_capability'
  | 'wrapping_ttl'
  | 'page_limit'
  | 'control_group'
  | 'environment'
  | ParameterProblem;

export interface Decision {
  readonly allowed: boolean;
  /** The `sudo` capability is there (root has it): needed as well where a path demands it. */
  readonly sudo: boolean;
  readonly isRoot: boolean;
  readonly reason: DecisionReason;
  /** The path of the rule that counted, as written, namespace included; undefined when none matched. */
  readonly rule: string | undefined;
  /** The policies that granted or, by a deny, refused. */
  readonly policies: readonly PolicyRef[];
  /** Put this in place of the request's `limit` parameter; undefined = leave it. */
  readonly limit: number | undefined;
  /** Template of the path that each listed key is to be judged by (keys-filter.ts); '' = no filter. */
  readonly responseKeysFilterPath: string;
  readonly mfaMethods: readonly string[];
  /** With reason `control_group`: the approvals that the request needs. Refused until they are there. */
  readonly controlGroups: readonly ControlGroup[];
}

const NOTHING: readonly never[] = [];
const NO_DATA: Readonly<JsonObject> = Object.freeze({});

const ROOT_DECISION: Decision = {
  allowed: true,
  sudo: true,
  isRoot: true,
  reason: 'root',
  rule: undefined,
  policies: NOTHING,
  limit: undefined,
  responseKeysFilterPath: '',
  mfaMethods: NOTHING,
  controlGroups: NOTHING,
};
const HELP_DECISION: Decision = {
  ...ROOT_DECISION,
  sudo: false,
  isRoot: false,
  reason: 'help',
};
const NO_RULE: Decision = { ...HELP_DECISION, allowed: false, reason: 'no_rule' };

/** A set of policies that cannot be an ACL: `root` beside others. */
export class AclError extends Error {
  override readonly name = 'AclError';
}

export class Acl {
  readonly #inputs: readonly AclInput[];
  readonly #identity: IdentityView;
  readonly #root: AclInput | undefined;
  readonly #rootDecision: Decision;
  #table: RuleTable;
  #validUntilMs: number;

  constructor(inputs: readonly AclInput[], identity: IdentityView, nowMs: number) {
    const root = inputs.find((input) => input.policy.isRoot);
    if (root !== undefined && inputs.length > 1) {
      throw new AclError('other policies present along with root');
    }
    this.#inputs = inputs;
    this.#identity = identity;
    this.#root = root;
    this.#rootDecision =
      root === undefined ? NO_RULE : { ...ROOT_DECISION, policies: [policyRef(root)] };
    [this.#table, this.#validUntilMs] = buildTable(inputs, identity, nowMs);
  }

  /** True for the ACL of `root` alone, wherever it is attached. */
  get isRoot(): boolean {
    return this.#root !== undefined;
  }

  /** Rules in force at `nowMs`: expired ones drop out without the ACL being built anew by its owner. */
  tableAt(nowMs: number): RuleTable {
    if (nowMs > this.#validUntilMs) {
      [this.#table, this.#validUntilMs] = buildTable(this.#inputs, this.#identity, nowMs);
    }
    return this.#table;
  }

  #rootCovers(path: string): boolean {
    return this.#root !== undefined && path.startsWith(this.#root.namespacePath);
  }

  decide(query: AclQuery): Decision {
    const path = withoutLeadingSlash(query.path);
    if (this.#root !== undefined) return this.#rootCovers(path) ? this.#rootDecision : NO_RULE;
    if (query.operation === 'help') return HELP_DECISION;
    const listing = query.operation === 'list' || query.operation === 'scan';
    const rule = findRule(this.tableAt(query.nowMs), path, listing);
    return rule === undefined ? NO_RULE : judge(rule, query, listing);
  }

  /** Bits that the rule for `path` grants, found as for a listing; 0 without a rule. */
  capabilityBits(path: string, nowMs: number): number {
    return findRule(this.tableAt(nowMs), withoutLeadingSlash(path), true)?.capabilities ?? 0;
  }

  /** What `sys/capabilities` answers for the full path: sorted names, `root`, or `deny`. */
  capabilities(path: string, nowMs: number): readonly (Capability | 'root')[] {
    if (this.#rootCovers(withoutLeadingSlash(path))) return ['root'];
    return [...capabilityNames(this.capabilityBits(path, nowMs))].sort();
  }

  /** Whether anything below a mount is granted: the mount may then be shown to the caller. `mountPath` ends in '/'. */
  grantsBelow(mountPath: string, nowMs: number): boolean {
    if (this.#root !== undefined) return this.#rootCovers(mountPath);
    return grantsBelow(this.tableAt(nowMs), mountPath);
  }
}

/** The ACL of the policies for this caller. @throws {AclError} */
export function buildAcl(
  inputs: readonly AclInput[],
  options: { readonly identity?: IdentityView; readonly nowMs: number },
): Acl {
  return new Acl(inputs, options.identity ?? { entity: undefined, groups: [] }, options.nowMs);
}

function policyRef(input: AclInput): PolicyRef {
  return {
    name: input.policy.name,
    namespaceId: input.namespaceId,
    namespacePath: input.namespacePath,
  };
}

/** The rules in force at `nowMs`, and the instant up to and including which they stay so. */
function buildTable(
  inputs: readonly AclInput[],
  identity: IdentityView,
  nowMs: number,
): [RuleTable, number] {
  const rules = new Map<string, MergedRule>();
  const adding: { readonly source: string; readonly rule: PathRule; readonly ref: PolicyRef }[] =
    [];
  let validUntilMs = Infinity;
  for (const input of inputs) {
    const ref = policyRef(input);
    for (const rule of input.policy.rules) {
      const endMs = Math.min(input.expiresAtMs ?? Infinity, rule.expiresAtMs ?? Infinity);
      if (nowMs > endMs) continue;
      validUntilMs = Math.min(validUntilMs, endMs);
      const source = fullPath(rule, input, identity);
      if (source === undefined) continue;
      if (rule.adds) {
        adding.push({ source, rule, ref });
        continue;
      }
      let merged = rules.get(source);
      if (merged === undefined) {
        merged = new MergedRule(compilePattern(source));
        rules.set(source, merged);
      }
      merged.add(rule.permissions, ref);
    }
  }
  const table = new RuleTable(rules.values());
  if (adding.length === 0) return [table, validUntilMs];
  for (const { source, rule, ref } of adding) {
    const pattern = compilePattern(source);
    // What a template filled in may have made a wildcard of it.
    if (pattern.kind !== 'exact') continue;
    const merged = rules.get(source) ?? MergedRule.extending(pattern, table.best(pattern.text));
    rules.set(source, merged);
    merged.add(rule.permissions, ref);
  }
  return [new RuleTable(rules.values()), validUntilMs];
}

function fullPath(rule: PathRule, input: AclInput, identity: IdentityView): string | undefined {
  let path: string | undefined = rule.path;
  if (rule.template !== undefined) {
    const allowances = input.allowances ?? NO_ALLOWANCES;
    path = fillTemplate(rule.template, identity, input.namespaceId, allowances);
    if (path === undefined || path.includes('+*')) return undefined;
    if (path.startsWith('/')) path = path.slice(1);
  }
  return input.namespacePath + path;
}

function withoutLeadingSlash(path: string): string {
  let start = 0;
  while (path.charCodeAt(start) === 0x2f) start++;
  return start === 0 ? path : path.slice(start);
}

/** The one rule that counts, see the top of this file. */
export function findRule(table: RuleTable, path: string, listing: boolean): MergedRule | undefined {
  const exact = table.exact.get(path);
  if (exact !== undefined) return exact;
  if (!listing || !path.endsWith('/')) return table.best(path);
  const bare = path.slice(0, -1);
  const exactBare = table.exact.get(bare);
  if (exactBare !== undefined && !exactBare.extendsAnother) return exactBare;
  const found = table.best(path);
  const foundBare = table.best(bare);
  if (found === undefined || foundBare === undefined) return found ?? foundBare;
  const outranked = comparePriority(foundBare.pattern, found.pattern) > 0;
  return outranked && foundBare.denies ? foundBare : found;
}

function judge(rule: MergedRule, query: AclQuery, listing: boolean): Decision {
  const sudo = (rule.capabilities & SUDO) !== 0;
  const needed = NEEDED_CAPABILITY[query.operation];
  if (rule.denies) return refusal(rule, sudo, 'denied');
  if ((rule.capabilities & needed) === 0) return refusal(rule, sudo, 'missing_capability');
  if (!wrappingFits(rule, query.wrapTtlSeconds ?? 0)) return refusal(rule, sudo, 'wrapping_ttl');
  const data = query.data ?? NO_DATA;
  let limit: number | undefined;
  if (listing) {
    const page = limitOfPage(rule, data);
    if (page === 'refused') return refusal(rule, sudo, 'page_limit');
    limit = page;
  } else if (rule.checksParameters && CHECKED.has(query.operation)) {
    const problem = parameterProblem(rule, data);
    if (problem !== undefined) return refusal(rule, sudo, problem);
  }
  const { controlGroups } = rule;
  const held = controlGroups.length > 0 && neededFactors(controlGroups, needed).length > 0;
  return {
    allowed: !held,
    sudo,
    isRoot: false,
    reason: held ? 'control_group' : 'granted',
    rule: rule.pattern.source,
    policies: rule.policiesWith(needed),
    limit,
    responseKeysFilterPath: listing ? rule.responseKeysFilterPath : '',
    mfaMethods: rule.mfaMethods,
    controlGroups: held ? rule.controlGroups : NOTHING,
  };
}

/** Operations whose parameters are checked. */
const CHECKED: ReadonlySet<Operation> = new Set<Operation>(['read', 'create', 'update', 'patch']);

function refusal(rule: MergedRule, sudo: boolean, reason: DecisionReason): Decision {
  return {
    ...NO_RULE,
    sudo,
    reason,
    rule: rule.pattern.source,
    policies: reason === 'denied' ? rule.policiesWith(rule.capabilities) : NOTHING,
  };
}

/** A rule with bounds lets only wrapped answers pass. Bounds that contradict each other after merging let none pass. */
function wrappingFits(rule: MergedRule, ttlSeconds: number): boolean {
  const { minWrappingTtlSeconds: min, maxWrappingTtlSeconds: max } = rule;
  if (min === 0 && max === 0) return true;
  return ttlSeconds > 0 && ttlSeconds >= min && (max === 0 || ttlSeconds <= max);
}

function grants(rule: MergedRule): boolean {
  return rule.capabilities !== 0 && !rule.denies;
}

function grantsBelow(table: RuleTable, mountPath: string): boolean {
  const ofMount = findRule(table, mountPath, true);
  if (ofMount !== undefined && grants(ofMount)) return true;
  for (const [text, rule] of table.exact) {
    if (grants(rule) && text.startsWith(mountPath)) return true;
  }
  for (const rule of table.prefixRules()) {
    if (grants(rule) && rule.pattern.text.startsWith(mountPath)) return true;
  }
  return table.wildcardRules().some((rule) => grants(rule) && reachesBelow(rule, mountPath));
}

/** Whether some path that begins with `mountPath` could match the wildcard rule. */
function reachesBelow(rule: MergedRule, mountPath: string): boolean {
  const { segments, openEnded } = rule.pattern;
  const parts = mountPath.slice(0, -1).split('/');
  return parts.every((part, index) => {
    const segment = segments[index];
    if (segment === undefined) return openEnded;
    if (segment === '+' || segment === part) return true;
    return openEnded && index === segments.length - 1 && part.startsWith(segment);
  });
}
