/** What `sys/internal/ui/resultant-acl` tells a caller about itself, for user interfaces. */
import type { Acl } from './acl.ts';
import { capabilityNames } from './capability.ts';
import type { MergedRule } from './merged-rule.ts';
import type { ParameterRules } from './policy.ts';

export interface ResultantRule {
  readonly capabilities: readonly string[];
  readonly min_wrapping_ttl?: number;
  readonly max_wrapping_ttl?: number;
  readonly allowed_parameters?: Readonly<Record<string, readonly unknown[]>>;
  readonly denied_parameters?: Readonly<Record<string, readonly unknown[]>>;
  readonly required_parameters?: readonly string[];
}

export type ResultantAcl =
  | { readonly root: true }
  | {
      readonly root: false;
      readonly exact_paths: Readonly<Record<string, ResultantRule>>;
      /** By prefix, without the star. */
      readonly glob_paths: Readonly<Record<string, ResultantRule>>;
    };

/** As the reference, rules with `+` are left out: the shape has no place for them. */
export function resultantAcl(acl: Acl, nowMs: number): ResultantAcl {
  if (acl.isRoot) return { root: true };
  const table = acl.tableAt(nowMs);
  return {
    root: false,
    exact_paths: byPath([...table.exact.values()]),
    glob_paths: byPath([...table.prefixRules()]),
  };
}

function byPath(rules: readonly MergedRule[]): Readonly<Record<string, ResultantRule>> {
  const sorted = [...rules].sort((a, b) => (a.pattern.text < b.pattern.text ? -1 : 1));
  // Paths are the user's: no prototype.
  const paths = Object.create(null) as Record<string, ResultantRule>;
  for (const rule of sorted) paths[rule.pattern.text] = show(rule);
  return paths;
}

function show(rule: MergedRule): ResultantRule {
  const { minWrappingTtlSeconds, maxWrappingTtlSeconds, requiredParameters } = rule;
  return {
    capabilities: capabilityNames(rule.capabilities),
    ...(minWrappingTtlSeconds > 0 && { min_wrapping_ttl: minWrappingTtlSeconds }),
    ...(maxWrappingTtlSeconds > 0 && { max_wrapping_ttl: maxWrappingTtlSeconds }),
    ...(rule.allowedParameters && { allowed_parameters: showParameters(rule.allowedParameters) }),
    ...(rule.deniedParameters && { denied_parameters: showParameters(rule.deniedParameters) }),
    ...(requiredParameters.length > 0 && { required_parameters: requiredParameters }),
  };
}

function showParameters(rules: ParameterRules): Readonly<Record<string, readonly unknown[]>> {
  const shown = Object.create(null) as Record<string, readonly unknown[]>;
  for (const [name, values] of rules) shown[name] = values;
  return shown;
}
