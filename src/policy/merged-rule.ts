/** What all policies together say about one path: rules with the same path in the same namespace become one. */
import { DENY } from './capability.ts';
import { addParameter } from './parameters.ts';
import type { Pattern } from './pattern.ts';
import type { ControlGroup, ParameterRules, ParameterValue, RulePermissions } from './policy.ts';

/** Names a policy in a decision, for audit and explanation. */
export interface PolicyRef {
  readonly name: string;
  readonly namespaceId: string;
  readonly namespacePath: string;
}

interface Contribution {
  readonly policy: PolicyRef;
  readonly capabilities: number;
}

type MutableParameters = Map<string, readonly ParameterValue[]>;

/** One path of an ACL. Mutable while the ACL is built, never after. */
export class MergedRule {
  readonly pattern: Pattern;
  capabilities = 0;
  minWrappingTtlSeconds = 0;
  maxWrappingTtlSeconds = 0;
  allowedParameters: MutableParameters | undefined;
  deniedParameters: MutableParameters | undefined;
  requiredParameters: readonly string[] = [];
  mfaMethods: readonly string[] = [];
  controlGroups: readonly ControlGroup[] = [];
  paginationLimit = 0;
  responseKeysFilterPath = '';
  /** Whether reading, writing or patching has any parameter check to pass. */
  checksParameters = false;
  /** Made by {@link MergedRule.extending}: it counts for its very path only, and for no listing. */
  extendsAnother = false;
  readonly contributions: Contribution[] = [];
  readonly #granters = new Map<number, readonly PolicyRef[]>();

  constructor(pattern: Pattern) {
    this.pattern = pattern;
  }

  get denies(): boolean {
    return (this.capabilities & DENY) !== 0;
  }

  /**
   * Adds what one more policy says. Deny wins over everything; else capabilities and parameters are united, and of the bounds
   * the smaller counts. An empty list of values means any value and swallows a longer one.
   */
  add(permissions: RulePermissions, policy: PolicyRef): void {
    this.contributions.push({ policy, capabilities: permissions.capabilities });
    if (this.denies) return;
    if ((permissions.capabilities & DENY) !== 0) {
      this.capabilities = DENY;
      return;
    }
    this.capabilities |= permissions.capabilities;
    this.minWrappingTtlSeconds = smallerBound(
      this.minWrappingTtlSeconds,
      permissions.minWrappingTtlSeconds,
    );
    this.maxWrappingTtlSeconds = smallerBound(
      this.maxWrappingTtlSeconds,
      permissions.maxWrappingTtlSeconds,
    );
    this.allowedParameters = unite(this.allowedParameters, permissions.allowedParameters);
    this.deniedParameters = unite(this.deniedParameters, permissions.deniedParameters);
    this.requiredParameters = union(this.requiredParameters, permissions.requiredParameters);
    this.mfaMethods = union(this.mfaMethods, permissions.mfaMethods);
    this.controlGroups = [...this.controlGroups, ...permissions.controlGroups];
    this.paginationLimit = smallerBound(this.paginationLimit, permissions.paginationLimit);
    this.responseKeysFilterPath ||= permissions.responseKeysFilterPath;
    this.checksParameters =
      this.allowedParameters !== undefined ||
      this.deniedParameters !== undefined ||
      this.requiredParameters.length > 0;
  }

  /**
   * Makes an exact rule that adds to `base`: it begins with all that is said there.
   * @param base the rule that counts for the path without it
   */
  static extending(pattern: Pattern, base: MergedRule | undefined): MergedRule {
    const rule = new MergedRule(pattern);
    rule.extendsAnother = true;
    if (base === undefined) return rule;
    const { contributions, ...permissions } = base;
    Object.assign(rule, permissions, {
      pattern,
      extendsAnother: true,
      allowedParameters: copied(base.allowedParameters),
      deniedParameters: copied(base.deniedParameters),
    });
    rule.contributions.push(...contributions);
    return rule;
  }

  /** The policies that contribute any of `capabilities`. */
  policiesWith(capabilities: number): readonly PolicyRef[] {
    let policies = this.#granters.get(capabilities);
    if (policies === undefined) {
      policies = this.contributions
        .filter((contribution) => (contribution.capabilities & capabilities) !== 0)
        .map((contribution) => contribution.policy);
      this.#granters.set(capabilities, policies);
    }
    return policies;
  }
}

function copied(parameters: MutableParameters | undefined): MutableParameters | undefined {
  return parameters === undefined ? undefined : new Map(parameters);
}

/** 0 = no bound. */
function smallerBound(a: number, b: number): number {
  if (a === 0) return b;
  return b === 0 ? a : Math.min(a, b);
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return b.length === 0 ? a : [...new Set([...a, ...b])];
}

function unite(
  existing: MutableParameters | undefined,
  added: ParameterRules | undefined,
): MutableParameters | undefined {
  if (added === undefined) return existing;
  const united = existing ?? new Map<string, readonly ParameterValue[]>();
  for (const [name, values] of added) addParameter(united, name, values);
  return united;
}
