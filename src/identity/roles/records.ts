/** What is stored of roles that are activated when they are needed, and of policies that exclude each other. */

/** A set of policies that nobody has by default, and some may have for a while. */
export interface EligibleRole {
  readonly name: string;
  readonly description: string;
  readonly policies: readonly string[];
  /** Who may activate it: these entities, and members of these groups, inherited ones included. */
  readonly entityIds: readonly string[];
  readonly groupIds: readonly string[];
  /** Longest activation, and the one when nothing is said. */
  readonly maxTtlSeconds: number;
  readonly defaultTtlSeconds: number;
  /** Members of these groups that have to approve an activation; 0 = none. */
  readonly approvals: number;
  readonly approverGroupIds: readonly string[];
}

export interface ActivationApproval {
  readonly entityId: string;
  readonly entityName: string;
  readonly atMs: number;
}

/** One activation; kept with its entity, so that judging a request needs nothing more to read. */
export interface Activation {
  readonly id: string;
  readonly role: string;
  readonly reason: string;
  readonly requestedMs: number;
  readonly ttlSeconds: number;
  /** 0 = waits for approvals. */
  readonly activeMs: number;
  /** End of the activation, or of the wait. */
  readonly untilMs: number;
  readonly approvals: readonly ActivationApproval[];
  /** Somebody who might have approved it does not want it. */
  readonly denied?: ActivationApproval & { readonly reason: string };
}

/** Of these policies nobody may have more than one, be it by a token, an entity, a group or a role. */
export interface Exclusion {
  readonly name: string;
  readonly description: string;
  readonly policies: readonly string[];
}

/** How long an activation waits for approvals. */
export const PENDING_TTL_SECONDS = 86_400;
/** Activations of one entity, those that wait included. */
export const ACTIVATIONS_MAX = 32;
/** Roles, and exclusions, of a namespace. */
export const ROLES_MAX = 1000;
export const REASON_LENGTH_MAX = 1024;

export function isActive(activation: Activation, nowMs: number): boolean {
  return activation.activeMs !== 0 && nowMs < activation.untilMs;
}
