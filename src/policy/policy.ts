/** What a parsed ACL policy is. It is immutable and shared: one parse serves every token that names it. */
import type { PathTemplate } from './template.ts';

/** A value in `allowed_parameters` or `denied_parameters`. */
export type ParameterValue =
  | string
  | number
  | boolean
  | null
  | readonly ParameterValue[]
  | { readonly [key: string]: ParameterValue };

/** By lower-cased parameter name; an empty list stands for any value. */
export type ParameterRules = ReadonlyMap<string, readonly ParameterValue[]>;

export interface ControlGroupFactor {
  readonly name: string;
  /** Capabilities that need this approval; empty = all. */
  readonly controlledCapabilities: readonly string[];
  readonly groupNames: readonly string[];
  readonly groupIds: readonly string[];
  readonly approvals: number;
}

export interface ControlGroup {
  readonly ttlSeconds: number;
  readonly selfAuthorizationAllowed: boolean;
  readonly factors: readonly ControlGroupFactor[];
}

/** What one `path` block says beside its path. */
export interface RulePermissions {
  /** Bits of capability.ts. With DENY nothing else is set, here and below. */
  readonly capabilities: number;
  /** 0 = no bound. */
  readonly minWrappingTtlSeconds: number;
  readonly maxWrappingTtlSeconds: number;
  readonly allowedParameters: ParameterRules | undefined;
  readonly deniedParameters: ParameterRules | undefined;
  /** Lower-cased. */
  readonly requiredParameters: readonly string[];
  readonly mfaMethods: readonly string[];
  readonly controlGroups: readonly ControlGroup[];
  /** 0 = no bound. */
  readonly paginationLimit: number;
  /** Template of the path that a listed key is judged by; '' = keys are not filtered. */
  readonly responseKeysFilterPath: string;
}

export interface PathRule {
  /** As written without a leading '/', below the policy's namespace; template directives included. */
  readonly path: string;
  /** Set when the path has template directives. */
  readonly template: PathTemplate | undefined;
  readonly permissions: RulePermissions;
  readonly comment: string;
  /** It adds to the rule that would count without it, instead of taking its place. Only with an exact path. */
  readonly adds: boolean;
  /** The rule counts up to and including this instant; undefined = for good. */
  readonly expiresAtMs: number | undefined;
  readonly line: number;
}

export interface Policy {
  readonly name: string;
  /** Everything is allowed in its namespace and below. Only the built-in policy `root` has it. */
  readonly isRoot: boolean;
  readonly rules: readonly PathRule[];
  readonly templated: boolean;
}

/** The text is no policy. The message is public; the place is undefined when it is the text as a whole. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly line: number | undefined;
  readonly column: number | undefined;
  constructor(message: string, place?: { readonly line: number; readonly column: number }) {
    super(`failed to parse policy: ${message}`);
    this.line = place?.line;
    this.column = place?.column;
  }
}
