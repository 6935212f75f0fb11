/** Which approvals of a rule's control groups a request needs. Fails closed: what is not said is controlled. */
import { capabilityNames } from './capability.ts';
import type { ControlGroup, ControlGroupFactor } from './policy.ts';

/** A factor that applies, and whether the one who asks may be among those who approve. */
export interface NeededFactor extends ControlGroupFactor {
  readonly selfAuthorizationAllowed: boolean;
}

/** The factors that control an operation with these capability bits; one that names no capabilities controls all. */
export function neededFactors(
  groups: readonly ControlGroup[],
  needed: number,
): readonly NeededFactor[] {
  const names = new Set<string>(capabilityNames(needed));
  return groups.flatMap(({ factors, selfAuthorizationAllowed }) =>
    factors
      .filter(
        ({ controlledCapabilities: controlled }) =>
          controlled.length === 0 || controlled.some((name) => names.has(name)),
      )
      .map((factor) => ({ ...factor, selfAuthorizationAllowed })),
  );
}
